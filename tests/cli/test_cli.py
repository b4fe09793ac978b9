"""Every command: what it prints when all is well, and one sentence, without a traceback, when not."""

import codecs
import errno
import io
import os
import signal
import socket
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
import psutil
import pytest
from typer.main import get_command
from typer.testing import CliRunner

from course_utils import cli
from course_utils.cli.command import console
from course_utils.experiments import read_results, run_names
from course_utils.experiments.listing import offers
from course_utils.lab import notebooks
from course_utils.paths import NOTEBOOKS
from course_utils.teaching.load_test import Load

runner = CliRunner()


def course(*arguments: str) -> tuple[int, str]:
    """Exit code and everything printed, with the table's line breaks folded away."""
    result = runner.invoke(cli.app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["lab", "99"], "course: There is no notebook '99': choose one of 00, "),
        (["run", "444"], "course: There is no notebook '444': choose one of 00, "),
        (["check", "vit"], "course: There is no notebook 'vit': choose one of 00, "),
        (["solve", "77"], "course: There is no notebook '77': choose one of 00, "),
        (["solve", "04.patchfy"], "04.patchfy"),
        (["data", "fetch", "mnist"], "course: There is no dataset 'mnist' to download: choose one of fashion_mnist"),
        (["train", "fashion-vit-smal"], "'fashion-vit-smal': choose one of fashion-vit-small, "),
        (["train", "fashion-vit-small", "--epochs", "0"], "course: epochs is 0, but must be"),
        (
            ["train", "--epochs", "3"],
            "An option needs the name of a model or a sweep: `course train` alone lists them.",
        ),
        (["train", "sweep-twin", "--workers", "2"], "'sweep-twin': choose one of fashion-vit-small, "),
        (["train", "sweep-twins", "--epochs", "3"], "--epochs, --seed and --teacher cannot be used with sweep-twins"),
        (["nonsense"], "No such command 'nonsense'"),
    ],
)
def test_bad_input_gets_one_sentence(arguments, sentence):
    code, printed = course(*arguments)
    assert code == 2
    assert sentence in printed
    assert "Traceback" not in printed


def commands(app, *path):
    """Every command: its words, and what it takes."""
    for name, command in app.commands.items():
        yield from (
            commands(command, *path, name) if hasattr(command, "commands") else [([*path, name], command.params)]
        )


def test_an_empty_argument_means_nothing(tmp_path, monkeypatch):
    """A variable that is not set is neither notebook 00 nor the current folder."""
    monkeypatch.chdir(tmp_path)
    tried = 0
    for words, params in commands(get_command(cli.app)):
        needed = ["1"] * sum(each.required for each in params)
        for each in params:
            if getattr(each, "is_flag", False) or words == ["lab"]:
                continue
            option = each.opts[0] if each.param_type_name == "option" else ""
            for empty in ([option, ""], [f"{option}="]) if option else ([""],):
                code, printed = course(*words, *(needed if option else ()), *empty)
                sentence = f"course: {option or 'An argument'} is empty: write a value, or leave it out."
                assert (code, printed) == (2, sentence), (words, empty)
                tried += 1
    assert tried > 60
    assert os.listdir() == []


@pytest.mark.parametrize(
    ("arguments", "work", "remedy"),
    [
        (["run", "00", "--output"], "course_utils.lab.notebooks.execute", "use another --output."),
        (["solve", "00", "--output"], "course_utils.lab.notebooks.solve", ""),
        (["bench", "memory", "--output"], "subprocess.Popen", "use another --output, or set COURSE"),
        (["book", "00", "--output"], "course_utils.teaching.site.build_site", "use another --output."),
        (["slides", "00", "--output"], "course_utils.teaching.site.build_slides", "use another --output."),
        (
            ["train", "captions", "--folder"],
            "course_utils.training.keeper.Keeper",
            "choose another folder with --folder",
        ),
        (["train", "sweep-twins", "--folder"], "course_utils.experiments.nb02_twins.run", "choose another --folder."),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_where_nothing_can_be_written_is_said_before_the_work(arguments, work, remedy, monkeypatch, tmp_path):
    def too_early(*_, **__):
        raise AssertionError("the work has begun")

    if remedy:  # solving takes no time
        monkeypatch.setattr(work, too_early)
    monkeypatch.setattr("course_utils.experiments.runs_captions.IMAGES", {"fit": 256, "test": 100})
    (tmp_path / "file").write_text("")
    below = "" if arguments[0] == "run" else "below/it"
    code, printed = course(*arguments, str(tmp_path / "file" / below))
    assert code == 2
    assert "course: Nothing can be written to" in printed
    assert ("it is a file" if not below else "Not a directory") in printed
    assert remedy in printed
    assert os.listdir(tmp_path) == ["file"]


@pytest.mark.parametrize(
    ("state", "why"), [("~nosuchuser/x", "but this machine has no such account"), (__file__, "which is a file")]
)
@pytest.mark.parametrize("arguments", [["check", "00"], ["train", "captions"], ["bench", "memory"]])
def test_a_state_that_can_be_no_folder_is_one_sentence(arguments, state, why, monkeypatch):
    monkeypatch.setenv("COURSE_STATE", state)
    code, printed = course(*arguments)
    assert (code, printed) == (
        2,
        f"course: COURSE_STATE is {state}, {why}: set it to a folder that you can write to.",
    )


@pytest.mark.parametrize(("sent", "code", "name"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "SIGTERM")])
def test_a_stopped_training_says_so_and_has_the_signals_exit_code(sent, code, name, monkeypatch):
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr("course_utils.experiments.run_named", lambda *_, **__: signal.raise_signal(sent))
    assert course("train", "captions") == (code, f"course: stopped by {name}.")
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_training_in_the_background_where_ctrl_c_is_ignored_ends_on_sigterm(monkeypatch):
    monkeypatch.setattr("course_utils.experiments.run_named", lambda *_, **__: signal.raise_signal(signal.SIGTERM))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert course("train", "captions") == (143, "course: stopped by SIGTERM.")
    finally:
        signal.signal(signal.SIGINT, before)


PRESSED = """
import sys
class Press:
    def find_spec(self, name, *_):
        if name == sys.argv[1]:
            raise KeyboardInterrupt
sys.meta_path.insert(0, Press())
from course_utils.cli import app
app(["check"])
"""


@pytest.mark.parametrize("imported", ["course_utils.cli.train", "course_utils.exercises"])
def test_ctrl_c_while_a_command_starts_is_one_sentence(imported):
    """The first module is imported by every command, the second one by ``course check``."""
    done = subprocess.run([sys.executable, "-c", PRESSED, imported], capture_output=True, text=True)
    assert (done.returncode, done.stderr, done.stdout) == (130, "course: stopped by Ctrl-C.\n", "")


@pytest.mark.parametrize("port", ["-1", "0", "65536", "99999999"])
def test_a_port_that_is_none_is_refused(port):
    code, printed = course("demo", "patches", "--port", port)
    assert code == 2
    assert "Invalid value for '--port'" in printed


def test_slides_of_notebooks_that_are_not_there_say_how_to_make_them(tmp_path):
    code, printed = course("slides", "04", "--executed", str(tmp_path))
    assert code == 2
    assert printed.endswith(f"run `course run 04 --output {tmp_path}`.")


class Terminal(io.TextIOWrapper):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("kind", "arrow"), [(Terminal, b"?"), (io.TextIOWrapper, "→".encode())])
def test_a_terminal_without_the_characters_gets_others_and_a_file_gets_utf_8(kind, arrow, monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", kind(written, "ascii", write_through=True))
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.app(["solve", "04.patchify"])
    assert b"def patchify(" in written.getvalue()
    assert arrow in written.getvalue()  # the arrow of its docstring


def test_what_cannot_be_printed_is_lost_or_one_sentence(monkeypatch):
    class Full(io.StringIO):
        error = OSError(errno.ENOSPC, "No space left on device")

        def write(self, text):
            raise self.error

    monkeypatch.setattr(sys, "stdout", Full())
    with pytest.raises(
        SystemExit, match=r"^course: A file cannot be used \(No space left on device\): free some space"
    ):
        cli.app(["check", "00"])
    monkeypatch.setattr(Full, "error", BrokenPipeError(errno.EPIPE, "Broken pipe"))
    with pytest.raises(SystemExit, match=r"^1$"):
        cli.app(["solve", "04.patchify"])
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(SystemExit, match=r"^0$"):
        cli.app(["solve", "04.patchify"])
    assert os.get_inheritable(sys.stdout.fileno())  # by a kernel


def test_the_installed_command_prints_its_help():
    result = subprocess.run([Path(sys.executable).with_name("course"), "--help"], capture_output=True, text=True)
    assert result.returncode == 0
    for command in ("lab", "run", "check", "solve", "data", "train", "doctor"):
        assert command in result.stdout


def test_a_terminal_that_does_not_know_its_width_shows_something():
    asked = [sys.executable, "-c", "from course_utils.cli.command import console; console.print('seen')"]
    printed = subprocess.run(asked, env={**os.environ, "COLUMNS": "0"}, capture_output=True, text=True, check=True)
    assert printed.stdout == "seen\n"


def test_solve_prints_a_solution_that_runs():
    result = runner.invoke(cli.app, ["solve", "00.causal_mask"])
    scope: dict = {}
    exec("import torch\nfrom torch import Tensor\n" + result.output, scope)
    assert scope["causal_mask"](3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]


def test_solve_writes_a_copy_and_never_overwrites_one_silently(tmp_path):
    before = (NOTEBOOKS / "00_attention_recap.ipynb").read_bytes()
    assert course("solve", "00", "--output", str(tmp_path))[0] == 0
    (solved,) = tmp_path.iterdir()
    source = "\n".join(cell.source for cell in nbformat.read(solved, as_version=4).cells)
    assert "raise NotImplementedError" not in source
    assert (NOTEBOOKS / "00_attention_recap.ipynb").read_bytes() == before

    solved.write_text("my own notes")
    code, printed = course("solve", "00", "--output", str(tmp_path))
    assert (code, "exists already: add --force" in printed) == (2, True)
    assert solved.read_text() == "my own notes"
    assert course("solve", "00", "--output", str(tmp_path), "--force")[0] == 0


def test_check_lists_every_exercise_and_what_was_reached(tmp_path, monkeypatch, capsys):
    from course_utils.attention import causal_mask
    from course_utils.exercises import check

    monkeypatch.setenv("COURSE_STATE", str(tmp_path))
    check("00.causal_mask", lambda tokens: causal_mask(tokens))
    check("00.split_heads", lambda tokens, heads: tokens)
    code, printed = course("check", "00")
    assert code == 0
    assert "00.attend" in printed
    assert "04." not in printed
    row = printed.split("00.causal_mask")[1].split("00.")[0]
    assert "passed" in row
    assert "●" in row, "its difficulty, which is not always in one line with its minutes"
    assert f"{date.today():%Y-}" in row
    assert "00.split_heads: Your function returns `tokens` itself, unchanged." in printed
    assert "1 of 5 passed, 1 tried but not passed yet." in printed


def test_a_notebook_may_be_named_without_its_zero(tmp_path):
    assert course("check", "4") == course("check", "04")
    assert course("solve", "4", "--output", str(tmp_path))[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == [notebooks.find("04").name]


def test_demos_are_listed_with_their_notebooks():
    code, printed = course("demo")
    assert code == 0
    assert "│ patches │ 04 │ the input of the transformer" in printed
    assert "│ captions │ 10 │ images and captions" in printed
    assert "course demo --all" in printed


def test_demos_are_pages_in_a_folder_and_what_cannot_be_is_one_sentence(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    monkeypatch.setenv("COURSE_STATE", str(tmp_path / "state"))
    assert course("demo", "windows")[0] == 0
    assert opened == [(tmp_path / "state" / "demos" / "windows.html").as_uri()]
    code, printed = course("demo", "--build", str(tmp_path / "stick"), "--no-browser")
    assert code == 0
    assert (tmp_path / "stick" / "index.html").as_uri() in printed.replace("\n", "")
    for arguments, words in (
        (["window"], "no demo 'window': choose one of"),
        (["--build", str(tmp_path)], "holds something else than demos"),
    ):
        code, printed = course("demo", *arguments)
        assert code == 2
        assert words in printed


def make_notebook(folder: Path, source: str, name: str = "50_made", **about: Any) -> None:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, **about)])
    nbformat.write(notebook, folder / f"{name}.ipynb")


def test_run_measures_a_notebook_and_leaves_it_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    make_notebook(tmp_path, "held = bytearray(300 * 2**20)\nprint('it ran')")
    before = (tmp_path / "50_made.ipynb").read_bytes()
    code, printed = course("run", "50", "--output", str(tmp_path / "executed"))
    assert code == 0
    assert "ran" in printed
    assert (tmp_path / "50_made.ipynb").read_bytes() == before
    assert "it ran" in (tmp_path / "executed" / "50_made.ipynb").read_text()
    assert notebooks.execute(tmp_path / "50_made.ipynb").peak_bytes > 300 * 2**20


@pytest.mark.skipif(os.name != "posix", reason="its kernels need a port")
def test_a_kernel_starts_even_if_another_program_takes_every_port(tmp_path, monkeypatch):
    make_notebook(tmp_path, "print('it ran')")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr("jupyter_client.connect.LocalPortCache.find_available_port", lambda self, ip: port)
        monkeypatch.setattr(notebooks, "STARTUP_SECONDS", 20)  # for the day on which this fails
        assert notebooks.execute(tmp_path / "50_made.ipynb").error is None


@pytest.mark.parametrize("command", [["run", "50"], ["solve", "50"]])
def test_a_disk_that_is_full_at_the_end_is_a_sentence_and_leaves_no_half_notebook(command, tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    make_notebook(tmp_path, "print('it ran')")

    def full(path, content):
        path.write_text("{")
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    code, printed = course(*command, "--output", str(tmp_path / "out"))
    assert code == (1 if command[0] == "run" else 2)
    assert "cannot be used (No space left on device): free some space there." in printed
    assert ("50_made" in printed.split("free some space")[1]) == (
        command[0] == "run"
    )  # its times are shown all the same
    assert os.listdir(tmp_path / "out") == []


@pytest.mark.parametrize(
    "command",
    [
        ["solve", "00", "--output"],
        ["run", "00", "--output"],
        ["reset", "00", "--folder"],
        ["update", "--folder"],
        ["lab", "--no-browser", "--folder"],
        ["train", "cifar-vit", "--data"],
        ["train", "cifar-distilled", "--teacher"],
        ["train", "sweep-twins", "--folder"],
        ["grade", "run"],
    ],
    ids=" ".join,
)
def test_a_loop_of_links_is_a_sentence(command, tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    code, printed = course(*command, str(tmp_path / "loop"))
    assert code == 2
    assert "course: " in printed


def test_run_replaces_no_notebook_that_somebody_works_on(tmp_path, monkeypatch):
    ships, mine, other = tmp_path / "ships", tmp_path / "mine", tmp_path / "other"
    monkeypatch.setattr(notebooks, "NOTEBOOKS", ships)
    monkeypatch.setattr(notebooks, "execute", lambda *arguments, **options: pytest.fail("it was executed"))
    (mine / ".handed_out").mkdir(parents=True)
    for folder in (ships, mine, other):
        folder.mkdir(exist_ok=True)
        make_notebook(folder, "1")
    same, of_this_run = str(other / "50_made.ipynb"), str(tmp_path / "out")
    for arguments, words in (
        (["50", "--output", str(mine)], "mine/50_made.ipynb would be replaced: use another --output."),
        ([same, "--output", str(other)], "other/50_made.ipynb would be replaced: "),
        (["50", "--output", str(ships)], "ships/50_made.ipynb would be replaced: "),
        ([same, "--output", str(ships)], "ships/50_made.ipynb would be replaced: "),
        (["50", same, "--output", of_this_run], "Two of these notebooks have the same name"),
    ):
        code, printed = course("run", *arguments)
        assert code == 2
        assert words in printed.replace("\\", "/")


def test_not_even_with_force_does_solve_replace_one_that_somebody_works_on(tmp_path):
    (tmp_path / ".handed_out").mkdir()
    (mine := tmp_path / notebooks.find("00").name).write_text("mine")
    for folder in (tmp_path, NOTEBOOKS):
        code, printed = course("solve", "00", "--output", str(folder), "--force")
        assert code == 2
        assert f"{mine.name} would be replaced: use another --output." in printed
    assert mine.read_text() == "mine"


@pytest.mark.parametrize("name", ["course [new]", "half[/b]", "a :cat: here"])
def test_a_path_is_printed_as_it_is(name, tmp_path):
    code, printed = course("solve", "00", "--output", str(tmp_path / name))
    assert (code, printed) == (0, f"Wrote {tmp_path / name / notebooks.find('00').name}")


def test_marks_that_are_no_exercises_are_left_alone_or_named(tmp_path):
    path = tmp_path / "50_made.ipynb"
    for mark in ("text", {"exercise": 5}, {"exercise": ["a"]}):
        make_notebook(tmp_path, "1", metadata={"course": mark})
        assert notebooks.exercises_of(notebooks.read(path)) == []
    make_notebook(tmp_path, "1", metadata={"course": {"exercise": "99.gone"}})
    code, printed = course("run", "--solved", str(path))
    assert code == 2
    assert "course: There is no exercise '99.gone': " in printed


def test_run_reports_a_failing_cell_and_fails(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    make_notebook(tmp_path, "1 / 0")
    code, printed = course("run")
    assert code == 1
    assert "ZeroDivisionError" in printed
    assert "failed" in printed


def test_a_damaged_notebook_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    (tmp_path / "50_made.ipynb").write_text('{"cells": [')
    code, printed = course("solve", "50", "--output", str(tmp_path / "solved"))
    assert code == 2
    assert "50_made.ipynb cannot be read as a notebook" in printed
    (tmp_path / "mine").mkdir()
    for name, remedy in (("50_made", "restore it with `course reset 50`"), ("notes", "name another file")):
        (tmp_path / "mine" / f"{name}.ipynb").write_text("")
        code, printed = course("run", str(tmp_path / "mine" / f"{name}.ipynb"))
        assert code == 2
        assert printed.endswith(f"): {remedy}.")


def test_a_notebook_may_begin_with_the_mark_of_an_editor_on_windows(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    make_notebook(tmp_path, "1")
    (path,) = tmp_path.glob("*.ipynb")
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig")
    assert course("solve", "50", "--output", str(tmp_path / "solved"))[0] == 0
    assert path.read_bytes().startswith(codecs.BOM_UTF8)
    assert (tmp_path / "solved" / path.name).read_bytes().startswith(b"{")


def test_data_status_lists_every_dataset(monkeypatch, tmp_path):
    code, printed = course("data", "status")
    assert code == 0
    for name in ("shapes", "digits", "fashion_mnist", "cifar10"):
        assert name in printed


def test_train_lists_what_each_name_makes_with_its_data_and_only_measured_minutes(monkeypatch):
    monkeypatch.setattr(console, "width", 200)
    code, printed = course("train")
    assert code == 0
    for row in (
        "│ fashion-vit-small │ ViT, 30 epochs │ fashion_mnist │ – │",
        "│ cifar-distilled │ DistilledViT, 60 epochs, taught by cifar-resnet │ cifar10 │ – │",
        "│ captions-robust │ ImageText, 6 epochs, on attacked images │ captioned shapes │ – │",
        "│ sweep-twins │ A small ResNet and its twins without convolutions │ fashion_mnist │ ",
    ):
        assert row in printed
    rows = read_results("sweep-recipes")
    measured = next(row for row in rows if row["recipe"] == "fashion-resnet")
    assert f"│ {measured['minutes']:.0f} for {measured['epochs']} epochs │" in printed
    seconds = sum(row["seconds"] for row in read_results("sweep-twins"))
    assert f"without convolutions │ fashion_mnist │ {seconds / 60:.0f} │" in printed
    assert all(offer.what and offer.data and offer.name in run_names() for offer in offers())
    assert [offer.name for offer in offers()] == run_names()


def test_load_prints_each_row_as_soon_as_it_is_known(monkeypatch):
    """Stopped early, it keeps what it has: the third load is one too many, or somebody presses Ctrl-C."""

    def measured(path, kernels):
        if kernels == 4:
            raise KeyboardInterrupt
        if kernels == 99:
            raise MemoryError("99 kernels may need 248 GiB")
        return Load(kernels, 10.0 * kernels, 9.0, 2**30, kernels * 2**30, ("it broke",) * (kernels == 2))

    monkeypatch.setattr("course_utils.teaching.load_test.run_together", measured)
    refused = runner.invoke(cli.app, ["load", "1", "2", "0"])
    assert (refused.exit_code, refused.output) == (2, "course: kernels is 0, but must be at least 1.\n")
    for last, code in (("4", 130), ("99", 2)):
        result = runner.invoke(cli.app, ["load", "1", "2", last])
        rows = [line.split() for line in result.output.splitlines()]
        assert ["1", "10", "9", "1.00", "GiB", "1.00", "GiB", "0"] in rows
        assert ["2", "20", "9", "1.00", "GiB", "2.00", "GiB", "1"] in rows
        assert ["it", "broke"] in rows
        assert result.exit_code == code


def test_run_says_which_of_how_many_and_shows_what_it_has_when_it_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    for number in (50, 51, 52):
        make_notebook(tmp_path, "", f"{number}_made")

    def execute(path, solved=(), started=None):
        if path.stem == "52_made":
            raise KeyboardInterrupt
        started(1, 2)
        return notebooks.Execution(path.stem, 2, 1.0, 1.0, 2**30, None, nbformat.v4.new_notebook())

    monkeypatch.setattr(notebooks, "execute", execute)
    code, printed = course("run")
    assert code == 130
    assert "notebook 1 of 3 · 50_made" in printed
    assert "left · notebook 3 of 3 · 52_made" in printed
    assert "│ 51_made │ 2 │ 1 │ 1.00 GiB │ ran │" in printed
    assert printed.endswith("course: stopped by Ctrl-C.")


@pytest.mark.skipif(sys.platform == "win32", reason="a kernel cannot press Ctrl-C there")
def test_ctrl_c_ends_the_kernel_under_way_and_all_that_would_follow(tmp_path, monkeypatch):
    monkeypatch.setattr(notebooks, "NOTEBOOKS", tmp_path)
    pressed = "import os, signal, time; os.kill(os.getppid(), signal.SIGINT); time.sleep(3600)"
    for number in (50, 51):
        make_notebook(tmp_path, pressed, f"{number}_made")
    before = set(psutil.Process().children(recursive=True))
    code, printed = course("run")
    assert code == 130
    assert printed.endswith("course: stopped by Ctrl-C.")
    assert "51_made" not in printed
    assert not set(psutil.Process().children(recursive=True)) - before
