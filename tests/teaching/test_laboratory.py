"""The class as a laboratory: seeds from names, who counts, and the interval that shrinks with each student."""

import json
import random
import re
import unicodedata
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from course_utils import cli
from course_utils.consent import FIRST, own_seed, seed_of
from course_utils.exercises import share
from course_utils.experiments import class_point, class_seed
from course_utils.experiments.claims import find_claim
from course_utils.experiments.claims_class import fingerprint
from course_utils.files import Refused
from course_utils.teaching.classroom.catalogue import Catalogue
from course_utils.teaching.classroom.laboratory import in_folder, laboratory, report
from course_utils.teaching.classroom.records import shared
from course_utils.teaching.classroom.sources import Reports

NO_WORDS = Catalogue({}, {}, {})
CLAIM = find_claim("05.data")
BEGUN = datetime(2026, 11, 29, 10, tzinfo=UTC)
SETTINGS = {"dataset": "fashion_mnist", "pictures": 1000, "patches": "in place", "steps": 600}


@pytest.fixture(autouse=True)
def no_hub(monkeypatch):
    for name in ("JUPYTERHUB_USER", "COURSE_CLASS", "JUPYTERHUB_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)


def rows(seed, gain=0.08, base=0.73):
    arms = {"ViT": base, "ResNet": base + gain}
    return [{**SETTINGS, "model": model, "seed": seed, "accuracy": value} for model, value in arms.items()]


def said(seed, gain=0.08, minute=0, **changes):
    """What a student's live run leaves."""
    made_at = (BEGUN + timedelta(minutes=minute)).isoformat()
    whole = {
        "fingerprint": fingerprint(CLAIM),
        "images": "fashion_mnist",
        "made_at": made_at,
        "seed": seed,
        "rows": rows(seed, gain),
    }
    return {**whole, **changes}


def test_no_two_of_a_large_class_have_the_same_seed_and_a_name_is_the_same_however_it_is_typed():
    names = [f"s{number}" for number in range(20_000)] + ["Ada", "Émile", "李雷", "O'Neil"]
    assert len({seed_of(name) for name in names}) == len(names)
    assert all(FIRST <= seed_of(name) < 2**31 for name in names)
    decomposed = unicodedata.normalize("NFD", "Émile Zola")
    assert {seed_of(name) for name in (decomposed, " émile  ZOLA", "Émile\tZola\n")} == {seed_of("Émile Zola")}
    assert seed_of("s1234567") == 558244253, "a student's seed must never change"
    with pytest.raises(ValueError, match="The name is empty"):
        seed_of("  ")


def test_a_live_cell_has_the_default_seed_unless_its_student_counts(state, capsys):
    state("ada")
    assert class_seed(10) == 10
    assert capsys.readouterr().out == ""
    share("on")
    assert 'share("on", "NUMBER")' in capsys.readouterr().out
    assert class_seed(10) == 10
    share("on", "s1")
    assert f"Your live runs have seed {seed_of('s1')}" in capsys.readouterr().out
    assert class_seed(10) == seed_of("s1")
    assert "your numbers differ from those in the text, which are of seed 10" in capsys.readouterr().out
    share("on")  # once more, without the number: it stays
    assert own_seed() == seed_of("s1")
    share("off")
    assert class_seed(10) == 10


def test_only_the_seed_is_saved_never_the_name(state):
    progress = state("ada")
    share("on", "Ada Lovelace")
    assert json.loads((progress / "share.json").read_text()) == {"share": True, "seed": seed_of("Ada Lovelace")}


def test_on_a_hub_the_account_is_the_name(state, monkeypatch):
    state("ada")
    monkeypatch.setenv("JUPYTERHUB_USER", "ada")
    share("on")
    assert own_seed() == seed_of("ada")


@pytest.mark.parametrize(
    "broken", ["{", "[1]", '{"share": true, "seed": true}', '{"share": true, "seed": 3}', '{"seed": 99999}']
)
def test_a_consent_that_is_damaged_or_made_up_counts_as_none(state, broken):
    progress = state("ada")
    progress.mkdir(parents=True)
    (progress / "share.json").write_text(broken)
    assert class_seed(10) == 10


def test_a_live_run_is_kept_once_and_only_with_the_students_own_seed(state, capsys):
    progress = state("ada")
    class_point("05.data", "fashion_mnist", rows(10))
    share("on", "s1")
    class_point("05.data", "fashion_mnist", rows(10))
    assert not (progress / "claims").exists()
    capsys.readouterr()
    for gain in (0.05, 0.0812):
        class_point("05.data", "fashion_mnist", rows(seed_of("s1"), gain))
    assert capsys.readouterr().out.splitlines()[-1] == "Your point in the class, 05.data: +8.1 points."
    (kept,) = (progress / "claims").iterdir()
    (value,) = (point.value for point in laboratory(CLAIM, {"s1": json.loads(kept.read_text())}).points.values())
    assert value == pytest.approx(8.12)


def test_a_live_run_that_cannot_count_says_why_at_once(state, capsys):
    progress = state("ada")
    share("on", "s1")
    capsys.readouterr()
    short = [{**row, "steps": 20} for row in rows(seed_of("s1"))]
    class_point("05.data", "fashion_mnist", short)
    class_point("05.data", "digits", rows(seed_of("s1")))
    first, second = capsys.readouterr().out.splitlines()
    assert first == "This run does not count in the class: its steps is 20, but must be 600: run the cell unchanged."
    assert second == "This run does not count in the class: its images are 'digits', but must be Fashion-MNIST."
    assert not (progress / "claims").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"fingerprint": "0" * 16}, "another version of the course or of the claim"),
        ({"images": "digits"}, "its images are 'digits'"),
        ({"images": ""}, "its images are ''"),
        ({"images": "mnist"}, "its images are 'mnist'"),
        ({"images": ["fashion_mnist"]}, "its images are ['fashion_mnist']"),
        ({"images": None}, "its images are None"),
        ({"seed": 50_002}, "its seed is not the one that the student shares"),
        ({"seed": None}, "its seed is not the one that the student shares"),
        ({"rows": []}, "no rows"),
        ({"rows": rows(50_000)[:1]}, "one of the runs that are compared is missing"),
        ({"rows": rows(3)}, "no seed of a student"),
        ({"rows": [*rows(50_000)[:1], *rows(50_001)[1:]]}, "different seeds"),
        ({"rows": rows(50_000, base=0.95)}, "its accuracy is 1.03"),
        ({"rows": rows(50_000, base=-0.2)}, "its accuracy is -0.2"),
        ({"rows": rows(50_000, base=float("nan"))}, "its accuracy is nan"),
        ({"rows": [{**row, "accuracy": "0.9"} for row in rows(50_000)]}, "its accuracy is '0.9'"),
        ({"rows": [{**row, "accuracy": True} for row in rows(50_000)]}, "its accuracy is True"),
        ({"rows": [{**row, "pictures": 5000} for row in rows(50_000)]}, "its pictures is 5000, but must be 1000"),
        ({"rows": [{**row, "accuracy": 10**400} for row in rows(50_000)]}, "its accuracy is 1000"),
        ({"rows": ["ViT"]}, "no seed of a student"),
        ({"made_at": "yesterday"}, "run the live cell again"),
    ],
)
def test_a_row_that_does_not_belong_is_refused_with_the_reason(changes, reason):
    found = laboratory(
        CLAIM, {"ada": said(50_000), "bob": {**said(50_000 if "rows" in changes else 50_001), **changes}}
    )
    assert list(found.points) == ["ada"]
    assert reason in found.refused["bob"]


@pytest.mark.parametrize("junk", [[], "text", 3, {"rows": {}}, {"rows": None}])
def test_a_file_of_another_kind_is_refused(junk):
    assert "no rows" in laboratory(CLAIM, {"bob": junk}).refused["bob"]


def test_the_first_of_two_students_with_the_same_seed_counts():
    found = laboratory(
        CLAIM, {"later": said(50_000, minute=2), "first": said(50_000, 0.05, minute=1), "other": said(50_001)}
    )
    assert list(found.points) == ["other", "first"]
    assert "share with a student number instead of a name" in found.refused["later"]


def test_another_version_of_the_code_has_another_fingerprint(tmp_path, monkeypatch):
    from dataclasses import replace

    from course_utils.experiments import claims_class

    before = fingerprint(CLAIM)
    assert fingerprint(replace(CLAIM, says="Otherwise.", because="of that")) == before
    assert fingerprint(replace(CLAIM, where={**CLAIM.where, "steps": 601})) != before
    (tmp_path / "experiments").mkdir()
    for package in claims_class.DECIDES:
        (tmp_path / package).mkdir(exist_ok=True)
        (tmp_path / package / "module.py").write_text("a = 1\n")
    monkeypatch.setattr(claims_class, "__file__", str(tmp_path / "experiments" / "claims_class.py"))
    seen = []
    for text in (b"a = 1\n", b"a = 1\r\n", b"a = 2\n"):
        (tmp_path / "training" / "module.py").write_bytes(text)
        claims_class._code.cache_clear()
        seen.append(fingerprint(CLAIM))
    claims_class._code.cache_clear()
    assert seen[0] == seen[1] != seen[2]  # a checkout on Windows is the same version


@pytest.fixture
def class_of_thirty(state, tmp_path):
    """Thirty students who ran the live cell, a gain of 8 ± 3 points each;
    three more cannot count, one does not share.
    """
    draw = random.Random(2)
    for number in range(30):
        progress = state(f"student{number:02d}")
        share("on", f"s{number}")
        class_point("05.data", "fashion_mnist", rows(seed_of(f"s{number}"), draw.gauss(0.08, 0.03)))
        path = progress / "claims" / "05.data.json"
        path.write_text(
            json.dumps({**json.loads(path.read_text()), "made_at": (BEGUN + timedelta(minutes=number)).isoformat()})
        )
    for student, changes in {
        "old": {"fingerprint": "0" * 16},
        "boaster": {"rows": rows(seed_of("boaster"), 0.9)},
    }.items():
        progress = state(student)
        share("on", student)
        (progress / "claims").mkdir()
        (progress / "claims" / "05.data.json").write_text(json.dumps(said(seed_of(student), **changes)))
    progress = state("forger")  # whose run has another seed than the consent, and says that it is right
    share("on", "forger")
    (progress / "claims").mkdir()
    (progress / "claims" / "05.data.json").write_text(json.dumps(said(60_000)))
    progress = state("private")
    (progress / "claims").mkdir(parents=True)
    (progress / "claims" / "05.data.json").write_text(json.dumps(said(70_000)))
    (progress / "05.shift_images.json").write_text("{}")
    return tmp_path


def test_thirty_students_shrink_the_interval_until_the_claim_is_decided(class_of_thirty):
    found = in_folder(CLAIM, class_of_thirty)
    assert list(found.points) == [f"student{number:02d}" for number in range(30)]
    assert set(found.refused) == {"old", "boaster", "forger"}
    steps = list(found.growing())
    assert [count for count, _, _ in steps] == list(range(2, 31))
    reaches = [effect.high - effect.mean for _, effect, _ in steps]
    assert reaches[-1] < 1.5 < reaches[1]
    assert steps[-1][1].low < 8 < steps[-1][1].high
    assert steps[-1][2] == "supported"

    printed = CliRunner().invoke(cli.app, ["class", "--claim", "05.data", "--from", str(class_of_thirty)]).output
    assert "Students who count: 30; who do not: 3." in printed
    assert "one student: it is from another version of the course" in printed
    assert "boaster" not in printed
    lines = [line for line in printed.splitlines() if re.match(r" +\d+  [+-]", line)]
    assert len(lines) == 29
    assert (
        len(set(map(len, (line.rpartition("  ")[0] for line in lines)))) == 1
    )  # the drawings stand below one another
    shown = [line.count("─") for line in lines]
    assert shown[-1] < shown[2]
    since = next(
        count
        for count, _, decision in steps
        if decision == "supported" and all(d == "supported" for c, _, d in steps if c >= count)
    )
    assert f"Decided: supported. It has been so since the first {since} students." in printed
    assert "Fix the number of students beforehand" in printed
    named = (
        CliRunner().invoke(cli.app, ["class", "--claim", "05.data", "--from", str(class_of_thirty), "--names"]).output
    )
    assert "boaster: its accuracy is 1.63" in named


def test_an_undecided_class_says_how_many_students_it_would_take():
    draw = random.Random(0)
    found = laboratory(CLAIM, {f"s{n}": said(50_000 + n, draw.gauss(0, 0.05), n) for n in range(6)})
    line = list(report(found))[-2]
    assert re.match(
        r"Undecided with 6 students\. With about \d+ in all, .* would detect an effect of 1\.0 points", line
    )
    assert list(report(laboratory(CLAIM, {"s1": said(50_000)})))[-1] == "An interval needs at least two students."


def test_a_class_that_was_large_enough_is_not_asked_for_fewer_students_than_it_has():
    differences = [0.6 + 1.75 * (-1) ** n for n in range(30)]
    found = laboratory(CLAIM, {f"s{n}": said(50_000 + n, each / 100, n) for n, each in enumerate(differences)})
    line = list(report(found))[-2]
    assert line.startswith("Undecided with 30 students, although so many would detect an effect of 1.0 points"), line
    assert line.endswith("With 120 in all, the interval would be about half as wide.")


def test_a_class_that_is_not_there_is_one_sentence(tmp_path):
    with pytest.raises(Refused, match="is not a folder: name one that holds a folder per student"):
        in_folder(CLAIM, tmp_path / "nowhere")
    for arguments, sentence in (
        (["class", "--claim", "05.date", "--from", str(tmp_path)], "There is no claim '05.date': choose one of"),
        (
            ["class", "--claim", "07.soft"],
            "No live cell of a notebook makes points of 07.softness: choose one of 02.quick, ",
        ),
        (["class", "--claim", "05.data"], "There is no class here: on a hub"),
    ):
        result = CliRunner().invoke(cli.app, arguments)
        assert result.exit_code == 2
        assert sentence in result.output


def test_on_a_hub_the_runs_are_reported_with_the_progress_and_forgotten_with_it(class_of_thirty):
    reports = Reports(NO_WORDS)
    for number in range(3):
        said = json.loads(json.dumps(shared(class_of_thirty / f"student{number:02d}" / "progress")))
        reports.report(f"student{number:02d}", said)
    for student, junk in {"odd": {"claims": [1]}, "odder": {"claims": {"05.data": 3}}}.items():
        reports.report(student, junk)
    assert list(laboratory(CLAIM, reports.live_runs("05.data")).points) == ["student00", "student01", "student02"]
    assert list(laboratory(CLAIM, reports.live_runs("05.data")).refused) == ["odder"]
    assert reports.live_runs("08.shift") == {}
    reports.forget("student01")
    assert "student01" not in reports.live_runs("05.data")
    assert "student01" not in repr(vars(reports))
    assert shared(class_of_thirty / "private" / "progress") is None


def test_a_file_too_large_for_a_report_is_not_reported(state):
    progress = state("ada")
    share("on", "ada")
    (progress / "claims").mkdir()
    (progress / "claims" / "05.data.json").write_text(json.dumps(said(50_000, more="x" * 5000)))
    assert shared(progress) == {"claims": {"05.data": {"seed": seed_of("ada")}}}


def test_links_in_a_students_folder_are_not_followed(state, tmp_path):
    (tmp_path / "secret.json").write_text(json.dumps(said(50_000)))
    progress = state("ada")
    share("on", "ada")
    (progress / "claims").mkdir()
    (progress / "claims" / "05.data.json").symlink_to(tmp_path / "secret.json")
    assert in_folder(CLAIM, tmp_path).points == {}
