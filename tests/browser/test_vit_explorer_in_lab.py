"""A ViT under the hand in a real JupyterLab, without a kernel: drawing, erasing, silencing,
and PyTorch's own numbers.
"""

import re

import pytest
import torch
from playwright.sync_api import expect
from pointing import settle
from scipy.stats import spearmanr

from course_utils.analysis.rollout import attention_rollout
from course_utils.attention import silenced
from course_utils.models import build
from course_utils.training import load_checkpoint

pytestmark = pytest.mark.browser

CELLS = [
    """import torch
from course_utils.training import load_checkpoint
from course_utils.widgets import ViTExplorer
shipped, _ = load_checkpoint("fashion-vit-small")
boot = torch.zeros(1, 28, 28)
boot[0, 8:22, 16:25] = 0.6
boot[0, 16:22, 2:25] = 0.8
classes = "T-shirt/top,trouser,pullover,dress,coat,sandal,shirt,sneaker,bag,ankle boot".split(",")
ViTExplorer(shipped, [boot], classes, names=["blocks"])""",
    """from course_utils.models import build
torch.manual_seed(0)
models = {"stored": shipped, "linear": torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(784, 10))}
ViTExplorer(models | {"untrained": build(shipped.config, seed=0)}, [boot], classes, in_kernel=True)""",
]
# A low boot that looks left, as strokes from x, y to x, y: the shaft, the foot with its sole and toe, and the heel.
SHAFT = [(0.88 - 0.08 * line, 0.42, 0.88 - 0.08 * line, 0.7) for line in range(4)]
FOOT = [(0.12, 0.7, 0.9, 0.7), (0.06, 0.77, 0.9, 0.77), (0.3, 0.63, 0.9, 0.63), (0.06, 0.84, 0.4, 0.84)]
HEEL = [(0.7, 0.77, 0.7, 0.88), (0.78, 0.77, 0.78, 0.88), (0.86, 0.77, 0.86, 0.88)]
HEEL_PATCHES = [(row, column) for row in (5, 6) for column in (4, 5, 6)]
CLASSES = ["T-shirt/top", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"]


@pytest.fixture
def page(run_cells):
    return run_cells(CELLS, ".afv-vit >> nth=1")


@pytest.fixture(scope="module")
def model():
    return load_checkpoint("fashion-vit-small")[0]


def blocks() -> torch.Tensor:
    boot = torch.zeros(1, 1, 28, 28)
    boot[0, 0, 8:22, 16:25] = 0.6
    boot[0, 0, 16:22, 2:25] = 0.8
    return (255 * boot).round() / 255


class Hand:
    """What a student does with the widget."""

    def __init__(self, page, number: int = 0) -> None:
        self.page, self.widget = page, page.locator(".afv-vit").nth(number)
        self.picture = self.widget.locator('[data-panel="picture"]')

    def press(self, name: str) -> None:
        self.widget.get_by_role("button", name=name, exact=True).click()

    def stroke(self, x: float, y: float, to_x: float, to_y: float) -> None:
        box = self.picture.bounding_box()
        left, top, width, height = (box[key] for key in ("x", "y", "width", "height"))
        self.page.mouse.move(left + x * width, top + y * height)
        self.page.mouse.down()
        self.page.mouse.move(left + to_x * width, top + to_y * height)
        self.page.mouse.up()

    @property
    def answer(self):
        return self.widget.locator(".afv-answer figcaption")

    @property
    def done(self):
        return self.widget.locator('[data-fact="done"]')


def expected(logits: torch.Tensor) -> re.Pattern:
    """The answer of PyTorch; the page has weights in half floats, so its probability may differ in the last digit."""
    share, top = logits.softmax(-1)[0].max(0)
    near = "|".join(f"{100 * share + offset:.1f}" for offset in (-0.1, 0, 0.1))
    return re.compile(rf"^Answer: {CLASSES[top]}, ({near}) %$")


def take_the_walk(hand: Hand) -> None:
    """Each step asks, reveals what is computed, and the model is at the end as it was."""
    expect(hand.answer).to_have_text(re.compile("%$"))
    before = hand.answer.inner_text()
    hand.widget.get_by_label("guided walk").check()
    walk = hand.widget.locator(".afv-walk")
    expect(walk).to_be_visible()
    titles = []
    while walk.is_visible():
        titles.append(walk.locator("h4").inner_text())
        options = walk.locator(".afv-options button")
        expect(options.first).to_be_visible()  # as soon as the model has answered
        for text in (walk.inner_text(), *options.all_inner_texts()):
            assert not re.search(r"undefined|NaN|[{}]", text)
        shown = hand.widget.locator("[data-part]:visible").count()
        options.first.click()
        reveal = walk.locator('[data-fact="reveal"]')
        expect(reveal).to_have_text(re.compile("^(Right|Not quite)\\. .*[.]$"))
        assert not re.search(r"undefined|NaN|[{}]", reveal.inner_text())
        assert hand.widget.locator("[data-part]:visible").count() > shown, "the reveal shows what it is about"
        right = walk.locator(".afv-options .afv-right")
        right.click()
        expect(reveal).to_have_text(re.compile("^Right"))
        walk.get_by_role("button", name=re.compile("next|end the walk")).click()
        settle(hand.page)
    assert titles[0].startswith("Step 1 of 9")
    assert len(titles) == 9
    expect(hand.answer).to_have_text(before)


def the_kernel_answers_behind_the_same_widget(hand: Hand, model) -> None:
    """What the page shows, the kernel computes, of other models too."""
    torch.manual_seed(0)
    linear, untrained = torch.nn.Linear(784, 10), build(model.config, seed=0).eval()
    with torch.no_grad():
        flat = linear(blocks().flatten(1)).argmax()
        expect(hand.widget.locator('[data-other="linear"] span')).to_have_text(CLASSES[flat])
        hand.press("untrained")
        expect(hand.answer).to_have_text(expected(untrained(blocks())))
        expect(hand.widget.locator('[data-other="stored"] span')).to_have_text(CLASSES[model(blocks()).argmax()])
        hand.press("stored")
        expect(hand.answer).to_have_text(expected(model(blocks())))
        with silenced(model, heads=[(0, 1), (2, 3)]):
            quiet = expected(model(blocks()))
    for head in ("0.1", "2.3"):
        hand.widget.locator(f'[data-head="{head}"]').click()
    expect(hand.answer).to_have_text(quiet)
    expect(hand.done).to_contain_text("Head 3 of layer 2 is silent: the answer ")


def a_widget_whose_kernel_has_ended_says_so(hand: Hand) -> None:
    hand.picture.press("u")
    expect(hand.answer).to_have_text(re.compile("· thinking …$"))
    expect(hand.done).to_contain_text("The kernel does not answer.")


def test_after_the_walk_a_boot_is_drawn_its_heel_erased_and_the_answer_changes_without_a_kernel(
    page, model, picture, shut_down
):
    hand = Hand(page)
    with torch.no_grad():
        expect(hand.answer).to_have_text(expected(model(blocks())))
    take_the_walk(hand)
    the_kernel_answers_behind_the_same_widget(Hand(page, 1), model)
    shut_down(page)

    hand.press("new drawing")
    hand.picture.scroll_into_view_if_needed()
    settle(page)
    for line in SHAFT + FOOT + HEEL:
        hand.stroke(*line)
    expect(hand.answer).to_have_text(re.compile("^Answer: ankle boot, "))
    hand.press("erase")
    for row, column in HEEL_PATCHES:
        hand.stroke(*2 * ((column + 0.5) / 7, (row + 0.5) / 7))
    expect(hand.answer).to_have_text(re.compile("^Answer: sandal, "))
    expect(hand.done).to_have_text(re.compile("^6 patches are erased: the answer (stays|changes from) "))
    hand.widget.screenshot(path=picture("vit_explorer"))
    for _ in HEEL_PATCHES:
        hand.press("undo")
    expect(hand.answer).to_have_text(re.compile("^Answer: ankle boot, "))

    hand.widget.get_by_role("button", name="picture: blocks").click()
    with torch.no_grad(), silenced(model, heads=[(0, 1), (2, 3)]):
        quiet = model(blocks())
    hand.widget.locator('[data-head="0.1"]').click()
    hand.widget.locator('[data-head="2.3"]').click()
    expect(hand.answer).to_have_text(expected(quiet))
    expect(hand.done).to_contain_text("Head 3 of layer 2 is silent: the answer ")
    hand.picture.press("u")
    hand.picture.press("u")
    with torch.no_grad():
        expect(hand.answer).to_have_text(expected(model(blocks())))

    hand.press("erase each patch in turn")
    words = hand.widget.locator('[data-fact="explanation"]')
    expect(words).to_contain_text("Rank correlation")
    found = [
        float(number.replace("−", "-"))
        for number in re.findall(r"(?:attention|rollout) (−?\d\.\d\d)", words.inner_text())[-2:]
    ]
    assert found == pytest.approx(correlations(model), abs=0.02)
    a_widget_whose_kernel_has_ended_says_so(Hand(page, 1))


@torch.no_grad()
def correlations(model) -> list[float]:
    """Spearman's, by SciPy: what erasing takes, against the class token's attention in the last layer and rollout."""
    image = blocks()
    maps = model.attention_maps(image)
    before, top = model(image).softmax(-1)[0].max(0)
    falls = []
    for patch in range(49):
        row, column = divmod(patch, 7)
        erased = image.clone()
        erased[..., 4 * row : 4 * row + 4, 4 * column : 4 * column + 4] = 0
        falls.append((before - model(erased).softmax(-1)[0, top]).item())
    attention, rollout = maps[-1][0, :, 0, 1:].mean(0), attention_rollout(maps)[-1][0, 0, 1:]
    return [spearmanr(falls, each).statistic for each in (attention, rollout)]
