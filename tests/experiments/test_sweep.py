"""Sweeps: a table that grows point by point, survives a kill, and is shipped whole."""

import errno
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections import Counter
from types import SimpleNamespace

import pytest
import torch

from course_utils import steps
from course_utils.experiments import SWEEPS, interval, paired, percents, read_results, run_sweep
from course_utils.experiments.nb09_few_shot import EPISODES, MORE
from course_utils.experiments.sweep import Sweep, find_sweep, key, write_results


def squares(calls):
    def run(number, word):
        calls.append(number)
        return {"square": number**2, "half": number / 2}

    return run


def test_a_sweep_runs_what_its_table_lacks_and_nothing_twice(tmp_path):
    calls = []
    points = [{"number": number, "word": "a, b"} for number in range(3)]
    run_sweep("sweep-squares", tmp_path, Sweep(points[:2], squares(calls)))
    path = run_sweep("sweep-squares", tmp_path, Sweep(points, squares(calls)))
    assert calls == [0, 1, 2]
    assert list(tmp_path.iterdir()) == [path]
    rows = read_results("sweep-squares", tmp_path)
    assert [(row["number"], row["word"], row["square"], row["half"]) for row in rows] == [
        (0, "a, b", 0, 0.0),
        (1, "a, b", 1, 0.5),
        (2, "a, b", 4, 1.0),
    ]
    assert all(row["seconds"] >= 0 and torch.__version__ in row["machine"] and row["date"] for row in rows)


def test_text_that_looks_like_a_number_stays_the_point_it_was(tmp_path):
    calls, points = [], [{"number": 1, "word": word} for word in ("007", "1e3", "1_0", "1.10", "nan", "7")]
    for _ in range(2):
        path = run_sweep("sweep-squares", tmp_path, Sweep(points, squares(calls)))
    assert len(calls) == len(points)
    assert [row["word"] for row in read_results(path.stem, tmp_path)[:4]] == ["007", "1e3", "1_0", 1.1]


def test_a_table_with_a_point_twice_is_damaged_not_complete(tmp_path):
    sweep = Sweep([{"number": 1, "word": "a"}], squares([]))
    path = run_sweep("sweep-squares", tmp_path, sweep)
    write_results(2 * read_results("sweep-squares", tmp_path), path)
    with pytest.raises(ValueError, match="its row 2 is of the same point as an earlier one"):
        run_sweep("sweep-squares", tmp_path, sweep)


def test_a_complete_table_says_so_and_how_to_make_it_anew(tmp_path, capsys):
    calls = []
    sweep = Sweep([{"number": number, "word": "a"} for number in range(2)], squares(calls))
    path = run_sweep("sweep-squares", tmp_path, sweep)
    write_results([{**row, "seconds": 90.0} for row in read_results("sweep-squares", tmp_path)], path)
    before = path.stat().st_mtime_ns
    capsys.readouterr()
    assert run_sweep("sweep-squares", tmp_path, sweep) == path
    assert capsys.readouterr().out == (
        "The table is complete: 2 points, measured in 3 min 00 s. To make it anew, name another folder: "
        "`course train sweep-squares --folder FOLDER`.\n"
    )
    assert (calls, path.stat().st_mtime_ns) == ([0, 1], before)


def test_a_log_of_a_sweep_has_a_line_as_each_point_begins_and_one_with_its_result(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(steps, "time", SimpleNamespace(monotonic=lambda: 0.0))
    points = [{"number": number, "word": "a"} for number in range(3)]
    run_sweep("sweep-squares", tmp_path, Sweep(points[:1], squares([])))
    capsys.readouterr()
    run_sweep("sweep-squares", tmp_path, Sweep(points, squares([])))
    assert capsys.readouterr().out.splitlines() == [
        "0 s so far · point 1 of 2 · number 1, word a",
        "point 1 of 2 (number 1, word a): square 1, half 0.5",
        "about 0 s left · point 2 of 2 · number 2, word a",
        "point 2 of 2 (number 2, word a): square 4, half 1.0",
    ]


SLOW = """
    from pathlib import Path
    import torch
    from course_utils.experiments.sweep import Sweep, run_sweep
    from course_utils.training import Examples, Recipe, fit

    def shift(images, generator):
        Path("under-way").touch()
        return images

    def run(number):
        if number == 2:
            model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(4, 2))
            data = Examples(torch.rand(8, 1, 2, 2), torch.zeros(8, dtype=torch.long))
            fit(model, data, None, Recipe(epochs=10**6, augment=shift), quiet=True)
        return {"square": number**2}

    run_sweep("sweep-slow", Path("."), Sweep([{"number": number} for number in range(4)], run))
"""


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_stopped_in_the_middle_it_loses_the_point_under_way_only(tmp_path, stop):
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(SLOW)], cwd=tmp_path, stderr=subprocess.DEVNULL)
    while not (tmp_path / "under-way").exists():
        assert process.poll() is None
        time.sleep(0.1)
    os.kill(process.pid, stop)
    assert process.wait() != 0
    assert [row["number"] for row in read_results("sweep-slow", tmp_path)] == [0, 1]
    points = [{"number": number} for number in range(4)]
    run_sweep("sweep-slow", tmp_path, Sweep(points, lambda number: {"square": number**2}))
    assert [row["square"] for row in read_results("sweep-slow", tmp_path)] == [0, 1, 4, 9]


def test_a_table_of_another_sweep_is_left_alone(tmp_path):
    run_sweep("sweep-squares", tmp_path, Sweep([{"number": 1, "word": "a"}], squares([])))
    before = (tmp_path / "sweep-squares.csv").read_text()
    with pytest.raises(ValueError, match="begins with the columns number, word, but the sweep now has word, number"):
        run_sweep("sweep-squares", tmp_path, Sweep([{"word": "a", "number": 1}], squares([])))
    assert (tmp_path / "sweep-squares.csv").read_text() == before


def test_a_table_of_other_measurements_is_left_alone_and_the_point_is_printed(tmp_path, capsys):
    run_sweep("sweep-squares", tmp_path, Sweep([{"number": 1}], lambda number: {"cube": 1}))
    before = (tmp_path / "sweep-squares.csv").read_text()
    with pytest.raises(
        ValueError, match=r"sweep-squares.csv cannot hold all these rows: some have a column square, but"
    ):
        run_sweep("sweep-squares", tmp_path, Sweep([{"number": 2}], lambda number: {"square": 4}))
    assert (tmp_path / "sweep-squares.csv").read_text() == before
    assert "(number 2): square 4" in capsys.readouterr().out


def test_a_point_may_measure_less_than_others_wherever_it_is(tmp_path):
    def run(number):
        return {"square": number**2} | ({"half": number / 2} if number == 2 else {})

    run_sweep("sweep-squares", tmp_path, Sweep([{"number": number} for number in (1, 2, 3)], run))
    assert [row["half"] for row in read_results("sweep-squares", tmp_path)] == ["", 1.0, ""]


def test_a_table_that_excel_has_saved_is_read(tmp_path):
    path = run_sweep("sweep-squares", tmp_path, Sweep([{"number": 1, "word": "ä"}], squares([])))
    before = read_results("sweep-squares", tmp_path)
    path.write_text(path.read_text(encoding="utf-8"), encoding="utf-8-sig", newline="\r\n")
    assert read_results("sweep-squares", tmp_path) == before


@pytest.mark.parametrize(
    ("table", "words"),
    [
        (b"", "it is empty"),
        (b"number,word,square,word\n1,a,1,b\n", "it has two columns called word"),
        (b"number,word,square\n1,a,1\n", "it has no column seconds"),
        (b"number,word,seconds\n1,a,5 s\n", "its row 1 has '5 s' seconds"),
        (b"number,word,seconds\n1,a,1\n2,b\n", "its row 2 has 2 values, and its heading 3"),
        (b"number,word,seconds\n1,a,1,9\n", "its row 1 has 4 values, and its heading 3"),
        (b'number,word,square\n1,"a,1\n', "unexpected end of data"),
        (b"number,word,square\n1,\xff,1\n", "can't decode byte 0xff"),
    ],
)
def test_a_damaged_table_is_named_and_left_alone(tmp_path, table, words):
    path = tmp_path / "sweep-squares.csv"
    path.write_bytes(table)
    sentence = rf"sweep-squares.csv is damaged \(.*{words}.*\): restore it with git, or move it away"
    with pytest.raises(ValueError, match=sentence):
        read_results("sweep-squares", tmp_path)
    with pytest.raises(ValueError, match=sentence):
        run_sweep("sweep-squares", tmp_path, Sweep([{"number": 1, "word": "a"}], squares([])))
    assert path.read_bytes() == table


def test_a_table_is_made_by_one_process_at_a_time_and_what_kills_left_is_swept(tmp_path):
    (tmp_path / ".writing-999999999-0a1b2c3d-sweep-squares.csv").write_text("half")

    def again(**settings):
        with pytest.raises(ValueError, match=f"sweep-squares.csv is being made by process {os.getpid()}: wait until"):
            run_sweep("sweep-squares", tmp_path, sweep)
        return {"square": 1}

    sweep = Sweep([{"number": 1}], again)
    path = run_sweep("sweep-squares", tmp_path, sweep)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_loses_no_point_without_a_word(tmp_path, monkeypatch, capsys):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        run_sweep("sweep-squares", tmp_path, Sweep([{"number": 3, "word": "a"}], squares([])))
    assert "square 9, half 1.5" in (printed := capsys.readouterr().out)
    assert f"Run `course train sweep-squares --folder {tmp_path}` again to continue with this point." in printed
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("points", "sentence"),
    [
        ([], "no points"),
        ([{"a": 1}, {"b": 1}], r"\{'b': 1\} has other settings than the first, a"),
        ([{"a": 1}, {"a": 1}], r"\{'a': 1\} is in the sweep twice"),
    ],
)
def test_points_that_make_no_table_are_refused(points, sentence):
    with pytest.raises(ValueError, match=sentence):
        Sweep(points, lambda **settings: settings)


def test_a_sweep_without_a_table_says_how_to_make_it(tmp_path):
    with pytest.raises(FileNotFoundError, match="course train sweep-twins"):
        read_results("sweep-twins", tmp_path)
    with pytest.raises(ValueError, match=r"no sweep called 'sweep-nothing': choose one of .*sweep-twins"):
        find_sweep("sweep-nothing")


@pytest.mark.parametrize("name", SWEEPS)
def test_the_shipped_table_has_every_point_of_its_sweep_once(name):
    points = find_sweep(name).points
    assert find_sweep(name).data
    rows = read_results(name)
    found = Counter(key({column: row[column] for column in points[0]}) for row in rows)
    assert found == Counter(map(key, points))
    assert all(row["seconds"] > 0 and row["machine"] and row["date"] for row in rows)


def test_the_shipped_few_shot_table_has_every_episode():
    for row in read_results("sweep-few-shot"):
        wanted = MORE.get((row["task"], row["shots"]), EPISODES)
        assert row["episodes"] == len(row["accuracies"].split()) == wanted, (row["task"], row["method"])


def test_the_interval_is_students():
    mean, reach = interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert reach == pytest.approx(4.302653 / math.sqrt(3), rel=1e-6)
    assert math.isnan(interval([1.0])[1])
    with pytest.raises(ValueError, match=r"^The values \[1\.0, nan\] are not all finite"):
        interval([1.0, math.nan])


@pytest.mark.parametrize(
    ("spec", "words"),
    [(".1f", "2.0 ± 2.5"), ("+6.1f", "  +2.0 ± 2.5"), ("6.2f", "  2.00 ± 2.48"), ("", "2.0 ± 2.48")],
)
def test_an_interval_is_written_as_mean_and_reach(spec, words):
    assert format(interval([1.0, 2.0, 3.0]), spec).startswith(words)


def test_runs_are_grouped_by_columns_and_paired_by_seed_whatever_their_order():
    rows = [
        {"size": 8, "model": "a", "seed": 0, "accuracy": 0.5},
        {"size": 8, "model": "b", "seed": 2, "accuracy": 0.75},
        {"size": 8, "model": "b", "seed": 0, "accuracy": 0.25},
        {"size": 8, "model": "a", "seed": 1, "accuracy": 1.0},
        {"size": 8, "model": "a", "seed": 2, "accuracy": 0.875},
    ]
    cells = percents(rows, "size", "model")
    assert cells == {(8, "a"): {0: 50, 1: 100, 2: 87.5}, (8, "b"): {2: 75, 0: 25}}
    assert percents(rows, "model", what="seed")["b"] == {2: 200, 0: 0}
    assert paired(cells[8, "a"], cells[8, "b"]) == interval([25, 12.5])
    assert paired([50, 87.5], [25, 75]) == interval([25, 12.5])
    with pytest.raises(ValueError, match="There are 2 and 1 values: pass those of the same runs"):
        paired([50, 87.5], [25])
    with pytest.raises(ValueError, match="Only one of the two has seeds"):
        paired({0: 50, 1: 87.5}, [25, 75])
    with pytest.raises(ValueError, match=r"The seeds \[1\] and \[0, 2\] have none in common: pair runs"):
        paired({1: 3.0}, {0: 1.0, 2: 1.0})
    with pytest.raises(ValueError, match="Two rows have seed 0 and size 8"):
        percents(rows, "size")
    with pytest.raises(ValueError, match="The accuracy of seed 3 and model b is '', but must be a number"):
        percents([*rows, {"model": "b", "seed": 3, "accuracy": ""}], "model")
    for column, what in (("width", "accuracy"), ("size", "loss")):
        with pytest.raises(
            ValueError, match=r"no column '(width|loss)'; its columns are size, model, seed, accuracy"
        ):
            percents(rows, column, what=what)
