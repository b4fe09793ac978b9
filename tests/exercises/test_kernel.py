"""The same in a real Jupyter kernel, where printing, leaving and importing are not what they are elsewhere."""

import os

import nbformat
import pytest

from course_utils.lab.notebooks import client_of
from course_utils.paths import ROOT


@pytest.mark.notebook
def test_a_notebook_shows_its_reports_and_survives_exit(tmp_path):
    cells = [
        "from torch import Tensor\nfrom course_utils.exercises import check, hint, stub\nexec(stub('00.split_heads'))",
        "split_heads = check('00.split_heads', split_heads)",
        "def split_heads(tokens, heads):\n    print('seen', heads)\n    exit()",
        "split_heads = check('00.split_heads', split_heads)",
        "def split_heads(tokens, heads):\n    return tokens.view(2, 5, heads, -1).transpose(1, 2)",
        "split_heads = check('00.split_heads', split_heads)",
        "def split_heads(tokens, heads):\n    return tokens.unflatten(-1, (heads, -1)).transpose(1, 2)",
        "split_heads = check('00.split_heads', split_heads)",
        "hint('00.split_heads')",
        "import course_utils.attention\nprint(split_heads is course_utils.attention.split_heads)",
    ]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    environment = {**os.environ, "COURSE_STATE": str(tmp_path), "PYTHONPATH": str(ROOT)}
    client_of(notebook, timeout=3600, kernel_name="python3").execute(env=environment)

    def shown(number, kind="text/html"):
        outputs = notebook.cells[number].outputs
        return " ".join(output.data.get(kind, "") for output in outputs if output.output_type == "display_data")

    assert "not attempted yet" in shown(1)
    assert "calls exit()" in shown(3)
    assert "calls exit()" in shown(3, "text/plain")
    assert "seen 3" in notebook.cells[3].outputs[0].text
    assert "line 2 of your function" in shown(5)
    assert "return tokens.view(2, 5, heads, -1)" in shown(5)
    assert "passed" in shown(7)
    assert "hint 1 of 3" in shown(8)
    assert notebook.cells[9].outputs[0].text == "False\n"
