"""Where words go: what is a notebook, and what is only IPython in a terminal, or plain Python."""

import errno
import os
import shutil
import subprocess
import sys

import nbformat
import pytest

from course_utils.console import in_words
from course_utils.lab.notebooks import client_of
from course_utils.paths import ROOT

ASK = "from course_utils.console import in_notebook, ipython; print(in_notebook(), ipython() is not None)"


def test_plain_python_is_no_notebook_even_with_ipython_imported():
    done = subprocess.run([sys.executable, "-c", f"import IPython; {ASK}"], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "False False", done.stderr


def test_ipython_in_a_terminal_is_no_notebook(tmp_path):
    command = [sys.executable, "-m", "IPython", "--no-banner", "--quick", "--colors=nocolor", "-c", ASK]
    environment = {**os.environ, "IPYTHONDIR": str(tmp_path)}
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "False True", done.stderr


@pytest.mark.notebook
def test_a_kernel_is_a_notebook():
    cell = nbformat.v4.new_code_cell(ASK)
    notebook = nbformat.v4.new_notebook(cells=[cell])
    client_of(notebook, timeout=3600, resources={"metadata": {"path": str(ROOT)}}).execute()
    assert notebook.cells[0].outputs[0].text.strip() == "True True"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (FileNotFoundError("There is no notebook 99: choose one."), "There is no notebook 99: choose one."),
        (
            PermissionError(errno.EACCES, "Permission denied", "/x"),
            "/x cannot be used (Permission denied): choose a folder that you can write to, with the command's option "
            "or COURSE_STATE.",
        ),
        (
            OSError(errno.ENOSPC, "No space left on device", "/x"),
            "/x cannot be used (No space left on device): free some",
        ),
        (OSError(errno.EIO, "Input/output error"), "A file cannot be used (Input/output error): check this path."),
        (
            shutil.Error([("/a", "/b", "[Errno 28] No space left on device"), ("/c", "/d", "")]),
            "/b cannot be used ([Errno 28] No space left on device): free some space there.",
        ),
    ],
)
def test_errors_of_the_system_become_sentences(error, sentence):
    assert in_words(error).startswith(sentence)


@pytest.mark.slow
def test_notebooks_do_not_pay_for_the_command_line():
    code = "import course_utils.exercises, course_utils.training, sys; print({'rich', 'typer'} & {*sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr
