"""What holds for every widget without a browser: where it is found, what it is made of, what it refuses and how."""

import ast
import base64
import importlib
import io
import re
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch
from anywidget import AnyWidget
from PIL import Image
from samples import SAMPLES, build

from course_utils import widgets
from course_utils.front_end import FOLDER, IMPORT
from course_utils.lab import notebooks

REFUSED = [(name, change, words) for name, sample in SAMPLES.items() for change, words in sample.refused]
TENSORS = [
    (name, argument)
    for name, sample in SAMPLES.items()
    for argument, value in sample.arguments.items()
    if torch.is_tensor(value) and value.is_floating_point()
]


@pytest.fixture
def sent(monkeypatch) -> list:
    """What would go to the page."""
    messages = []
    opened = AnyWidget.open
    monkeypatch.setattr(AnyWidget, "open", lambda self: messages.append(self.get_state()) or opened(self))
    return messages


def test_every_widget_of_the_folder_is_offered_and_has_a_small_example():
    modules = [importlib.import_module(f"course_utils.widgets.{path.stem}") for path in FOLDER.glob("[!_]*.py")]
    made = {
        value.__name__
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, AnyWidget) and "_esm" in vars(value)
    }
    assert set(widgets.__all__) == made, "import each widget in widgets/__init__.py and list it in __all__"
    assert set(SAMPLES) == made, "give each widget an example in SAMPLES of tests/widgets/samples.py"


@pytest.mark.parametrize("name", widgets.__all__)
def test_a_widget_is_three_files_of_one_name_and_is_sent_to_the_page(name, sent):
    widget = build(name)
    file = type(widget).__module__.rpartition(".")[2]
    for suffix, text in (("js", widget._esm), ("css", widget._css)):
        own = FOLDER / f"{file}.{suffix}"
        assert own.exists(), f"{name} lies in {file}.py, so the page needs {own}"
        assert IMPORT.sub("", own.read_text(encoding="utf-8")) in text, f"{name} does not use {own}: see front_end.py"
    assert sent, "nothing was sent, so the tests of refusals cannot tell either"


@pytest.mark.parametrize("name", widgets.__all__)
def test_every_widget_is_shown_in_a_notebook(name):
    cells = [cell for number in notebooks.numbers() for cell in notebooks.read(notebooks.find(number)).cells]
    shown = any(cell.cell_type == "code" and re.search(rf"\b{name}[.(]", cell.source) for cell in cells)
    assert shown, f"{name} is in no notebook: show it in a cell of the one that teaches it"


@pytest.mark.parametrize(("name", "change", "words"), REFUSED)
def test_what_cannot_be_shown_is_refused_in_one_sentence_and_nothing_is_sent(name, change, words, sent):
    assert re.search(words, refusal(name, change))
    assert sent == [], f"{name} sent something before it refused: check first, then call super().__init__"


@pytest.mark.parametrize(("name", "argument"), TENSORS)
@pytest.mark.parametrize("bad", ["NaN", "text"])
def test_no_tensor_is_taken_unseen(name, argument, bad, sent):
    value = SAMPLES[name].arguments[argument]
    refusal(name, {argument: torch.full_like(value, torch.nan) if bad == "NaN" else "no tensor"})
    assert sent == []


def test_every_refusal_in_the_source_has_a_test():
    reached = {place for name, change, _ in REFUSED for place in places(raised(name, change))}
    untried = [
        f"{path.name}:{node.lineno} {ast.unparse(node)[:90]}"
        for path in sorted(FOLDER.glob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Raise) and not reached & {(path.name, line) for line in lines(node)}
    ]
    assert not untried, "add what makes each of these happen to `refused` in tests/widgets/samples.py:\n" + "\n".join(
        untried
    )


def raised(name: str, change) -> Exception:
    """What a change to a widget's example, or a call of its own, raises."""
    with pytest.raises((ValueError, FileNotFoundError)) as caught:
        change() if callable(change) else build(name, **change)
    return caught.value


def refusal(name: str, change) -> str:
    """The sentence of a refusal, which is one and says what to do."""
    sentence = str(raised(name, change))
    assert re.fullmatch(r"[^\n]+[.?]", sentence), f"not one line with an end: {sentence!r}"
    assert not re.search(r"[.?!] [A-Z]", sentence), f"more than one sentence: {sentence!r}"
    assert re.search(": |, but ", sentence), f"says neither what was expected nor what to do: {sentence!r}"
    return sentence


def places(error: Exception) -> set[tuple[str, int]]:
    """(file, line) of each step of an error's way through the folder of widgets."""
    steps = traceback.extract_tb(error.__traceback__)
    return {(Path(step.filename).name, step.lineno) for step in steps if Path(step.filename).parent == FOLDER}


def lines(node: ast.Raise) -> range:
    return range(node.lineno, node.end_lineno + 1)


@pytest.mark.parametrize("name", widgets.__all__)
def test_the_output_has_a_still_picture_and_a_sentence_for_a_page_without_the_kernel(name):
    widget = build(name)
    data, _ = widget._repr_mimebundle_()
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"] == widget.model_id
    assert (
        f"<strong>{name}</strong> needs its kernel: choose <em>Run ▸ Run All Above Selected Cell" in data["text/html"]
    )
    picture = re.search(r'src="data:image/jpeg;base64,([^"]*)"', data["text/html"])
    assert bool(picture) == widget.has_trait("pixels")
    if picture:
        image = Image.open(io.BytesIO(base64.b64decode(picture[1])))
        value = SAMPLES[name].arguments.get("image", SAMPLES[name].arguments.get("images"))
        expected = value[0] if value.ndim == 4 else value
        assert image.size == (expected.shape[-1], expected.shape[-2])
        assert abs(np.asarray(image).mean() / 255 - expected.mean().item()) < 0.02
