"""The class view: what a student shares, who is counted, which two mistakes to talk about, and who may look."""

import asyncio
import json
import os
import re
import sys
import threading
import urllib.error
import urllib.request
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from http.cookiejar import CookieJar
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest
from apart import run
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import Application, RequestHandler
from typer.testing import CliRunner

from course_utils import cli, files
from course_utils.exercises import Kind, Outcome, Verdict, exercises, judge, share
from course_utils.exercises.progress import record
from course_utils.paths import ROOT
from course_utils.teaching.classroom import catalogue, reporter
from course_utils.teaching.classroom.pages import serve_here
from course_utils.teaching.classroom.records import FIELDS, shared
from course_utils.teaching.classroom.sources import SILENCE, Folder, Reports
from course_utils.teaching.classroom.table import NotProgress, checked, table, to_talk_about

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
UNSCALED, OVER_QUERIES = "00.attend/not-scaled", "00.attend/softmax-over-queries"


@pytest.fixture(scope="module")
def words():
    return catalogue.catalogue()


def wrong(misconception, kind=Kind.MISCONCEPTION):
    return Verdict(Outcome.NOT_YET, "Your 3.7 should be 5.1.", kind, misconception)


def said(misconception, minutes=1.0, tried=0.0, kind="known misconception"):
    """A shared record: in this mistake for these minutes, last tried so many minutes ago."""
    since, last = ((NOW - timedelta(minutes=ago)).isoformat() for ago in (minutes, tried))
    return {
        "attempts": 2,
        "passed_at": None,
        "tried_at": last,
        "kind": kind,
        "misconception": misconception,
        "since": since,
    }


def class_of(words, **students):
    return {name: checked(records, words, NOW) for name, records in students.items()}


def test_nothing_is_shared_until_the_student_says_so_and_nothing_after_they_take_it_back(state, capsys):
    progress = state("ada")
    record("00.attend", wrong("00.attend/sigmoid"))
    assert shared(progress) is None
    share()
    assert "is not shared" in capsys.readouterr().out
    share("on")
    assert "Your code, your values and the check's messages stay with you" in capsys.readouterr().out
    (attempt,) = shared(progress).values()
    assert attempt.keys() == set(FIELDS)
    assert "3.7" not in json.dumps(attempt)
    share("off")
    assert shared(progress) is None
    with pytest.raises(ValueError, match='share is True, but must be "on" or "off"'):
        share(True)


def test_a_record_says_since_when_the_mistake_is_the_same(state, monkeypatch):
    moments = iter(NOW + timedelta(minutes=minute) for minute in range(4))
    clock = SimpleNamespace(now=lambda zone: next(moments), fromisoformat=datetime.fromisoformat)
    monkeypatch.setattr(sys.modules[record.__module__], "datetime", clock)
    progress = state("ada")
    share("on")
    seen = []
    for verdict in (wrong(UNSCALED), wrong(UNSCALED), wrong(None, Kind.SHAPE), wrong(UNSCALED)):
        record("00.attend", verdict)
        seen.append(shared(progress)["00.attend"])
    assert [each["since"][14:16] for each in seen] == ["00", "00", "02", "03"]
    assert [each["misconception"] for each in seen] == [UNSCALED, UNSCALED, None, UNSCALED]
    assert seen[2]["kind"] == "wrong shape"


def test_links_in_a_students_folder_are_not_followed(state, tmp_path):
    progress = state("ada")
    share("on")
    (tmp_path / "secret.json").write_text('{"attempts": 3, "tried_at": "2026-01-01"}')
    (progress / "00.attend.json").symlink_to(tmp_path / "secret.json")
    (progress / "00.causal_mask.json").write_text("[1")
    assert shared(progress) == {"00.causal_mask": {}}


def test_every_mistake_that_a_check_can_name_has_its_words(words):
    """Wrong answers of every exercise: their misconceptions are known to the catalogue under the name in
    the verdict.
    """
    for exercise in exercises():
        misconception = exercise.misconceptions[0]
        verdict = judge(exercise.name, misconception.spellings[0])
        key = words.exercises[exercise.name].mistake(verdict.misconception, verdict.kind)
        found = words.exercises[exercise.name].mistakes[key]
        assert found.recognised, (exercise.name, verdict.misconception)
        assert found.sentence.endswith((".", "?", "!")), found.sentence
    recorded = {kind.value for kind in Kind} - {
        *("right", "still the stub", "the course's own", "an earlier function", "the check itself failed"),
        *("known misconception", "right on ordinary inputs only", "promise not kept"),  # always with a name
        *("other arguments", "input changed", "gradient"),  # always with a pattern
    }
    assert recorded == set(catalogue.KINDS)


def test_a_note_of_instructor_md_stands_with_its_exercise(words):
    assert "tells the two apart" in words.exercises["00.attend"].note
    assert words.exercises["04.patchify"].note.startswith("A bare reshape instead of patches")


def test_only_words_of_the_catalogue_reach_the_page(words):
    records = {
        "00.attend": said("00.attend/<script>alert(1)</script>"),
        "00.causal_mask": said("pattern/you-are-all-wrong", kind="rude"),
        "00.split_heads": said("pattern/unused-tokens"),
        "00.not_there": said(UNSCALED),
        "99.attend": {"attempts": -1},
        "04.parameters": said("04.vit_parameters/nope", kind="error"),
    }
    seen = checked(records, words, NOW)
    assert {name: attempt.mistake for name, attempt in seen.items()} == {
        "00.attend": None,
        "00.causal_mask": None,
        "00.split_heads": "pattern/unused",
        "04.vit_parameters": "error",
    }


@pytest.mark.parametrize(
    "spoilt",
    [
        [],
        None,
        "x",
        {"00.attend": 3},
        {"00.attend": {"attempts": "3"}},
        {"00.attend": {"attempts": True, "tried_at": NOW.isoformat()}},
        {"00.attend": {"attempts": 1}},
        {"00.attend": {"attempts": 1, "tried_at": "today"}},
        {"00.attend": {"attempts": 1, "tried_at": 7}},
    ],
)
def test_what_is_no_progress_is_refused_in_one_sentence(spoilt, words):
    with pytest.raises(NotProgress, match=r"^The (progress|record).*\.$"):
        checked(spoilt, words, NOW)


def test_a_date_in_the_future_is_now(words):
    ahead = {"00.attend": said("00.attend/sigmoid", minutes=-60, tried=-90)}
    (attempt,) = checked(ahead, words, NOW).values()
    assert (attempt.tried_at, attempt.since) == (NOW, NOW)


def test_the_two_to_talk_about_are_where_most_are_stuck_now_and_for_longest(words):
    sigmoid, hard = "00.attend/sigmoid", "00.attend/hard-attention"
    students = class_of(
        words,
        a={"00.attend": said(sigmoid, 2)},
        b={"00.attend": said(sigmoid, 2)},
        c={"00.attend": said(OVER_QUERIES, 9)},
        d={"00.attend": said(OVER_QUERIES, 9)},
        e={"00.attend": said(hard, 100)},  # alone
        f={"00.causal_mask": said(None, 100, kind="error")},  # nothing recognised
        g={"00.causal_mask": said(None, 100, kind="error")},
        h={"00.causal_mask": said(None, 100, kind="error")},
        i={"04.patchify": said("pattern/transposed", 200, tried=120)},  # hours ago
        j={"04.patchify": said("pattern/transposed", 200, tried=120)},
        k={"04.patchify": said("pattern/transposed", 200, tried=120)},
        l={"00.attend": {**said(sigmoid, 900), "passed_at": NOW.isoformat()}},
    )
    assert [(each.mistake, len(each.minutes)) for each in to_talk_about(students, words, NOW)] == [
        (OVER_QUERIES, 2),
        (sigmoid, 2),
    ]
    third = class_of(words, m={"00.attend": said(sigmoid, 0)})
    assert to_talk_about({**students, **third}, words, NOW)[0].mistake == sigmoid


def test_without_names_the_page_has_counts_and_no_mistake_of_a_single_student(words):
    students = {
        "Ada L.": {"00.attend": said("00.attend/sigmoid")},
        "Kay M.": {"00.attend": {**said(None), "passed_at": NOW.isoformat()}},
        "Eve N.": {},
    }
    students = class_of(words, **students)
    seen = table(students, words, NOW)
    row = seen["notebooks"][0]["exercises"][0]
    assert (row["passed"], row["trying"], row["waiting"], row["mistake"]) == (1, 1, 1, None)
    assert not re.search(r"Ada L|Kay M|Eve N|sigmoid", json.dumps(seen))
    named = table(students, words, NOW, names=True)["notebooks"][0]["exercises"][0]
    assert (named["mistake"]["who"], named["tries"]) == (["Ada L."], ["Ada L."])
    assert seen["busy"] == "00"
    assert table({}, words, NOW)["busy"] is None


def test_a_server_that_is_silent_for_minutes_is_forgotten(words):
    clock = SimpleNamespace(now=NOW)
    reports = Reports(words, lambda: clock.now)
    reports.report("ada", {"00.attend": said("00.attend/sigmoid")})
    reports.report("kay", {})
    reports.forget("kay")
    assert set(reports.students()) == {"ada"}
    clock.now += SILENCE
    assert set(reports.students()) == {"ada"}
    clock.now += timedelta(seconds=1)
    assert reports.students() == {}


def test_a_folder_counts_those_who_share_wherever_their_records_are(state, tmp_path, words, monkeypatch):
    for student, sharing in (("ada/.course", True), ("kay", True), ("eve", False)):
        state(student)
        record("00.attend", wrong("00.attend/sigmoid"))
        if sharing:
            share("on")
    (tmp_path / "flat").mkdir()
    for file in (tmp_path / "kay" / "progress").glob("*.json"):
        (tmp_path / "flat" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "a file").write_text("")
    (tmp_path / "empty").mkdir()
    folder = Folder(tmp_path, words)
    assert set(folder.students()) == {"ada", "kay", "flat"}
    assert folder.private == 1

    def stat(path, *arguments, **more):
        if "empty" in path.parts:
            raise PermissionError(13, "Permission denied", str(path))
        return os.stat(path, *arguments, **more)

    monkeypatch.setattr(Path, "stat", stat)  # a closed home folder; root can enter every one
    assert set(folder.students()) == {"ada", "kay", "flat"}
    assert folder.private == 2


def test_a_damaged_record_is_left_out_and_said_and_its_student_stays(state, tmp_path, words):
    progress = state("ada")
    record("00.attend", wrong("00.attend/sigmoid"))
    share("on")
    for damage in ('{"attempts": 2, "trie', '{"attempts": "three"}'):
        (progress / "00.causal_mask.json").write_text(damage)
        folder = Folder(tmp_path, words)
        assert {who: [*seen] for who, seen in folder.students().items()} == {"ada": ["00.attend"]}
        assert (folder.private, folder.damaged) == (0, {"ada": ["00.causal_mask"]})
    note = "has a damaged record of 00.causal_mask, which is left out"
    assert f"A student {note}" in course("class", "--from", str(tmp_path), "--once")[1]
    assert f"ada {note}" in course("class", "--from", str(tmp_path), "--once", "--names")[1]


def test_names_of_folders_are_shown_as_they_are_whatever_their_bytes(state, tmp_path, words):
    progress = state("ada")
    record("00.attend", wrong("00.attend/sigmoid"))
    (progress / "00.causal_mask.json").write_text("{")
    share("on")
    student = tmp_path / "ada"
    try:
        student.rename(tmp_path / os.fsdecode(b"[red]m\xfcller"))
    except OSError:
        pytest.skip("this file system takes no such name")
    _, printed = course("class", "--from", str(tmp_path), "--once", "--names")
    assert "1 student shares their progress." in printed
    assert r"[red]m\xfcller has a damaged record of 00.causal_mask" in printed
    folder = Folder(tmp_path, words)
    served = json.dumps(table(folder.students(), words, NOW, names=True), ensure_ascii=False)
    assert "m\\\\xfcller" in served.encode().decode()


def course(*arguments):
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, " ".join(result.output.split())


def test_the_command_prints_the_table_or_what_to_do(state, tmp_path, monkeypatch, words):
    monkeypatch.delenv("COURSE_CLASS", raising=False)
    code, printed = course("class")
    assert (code, printed[:36]) == (2, "course: There is no class here: on a")
    assert "course class --from FOLDER" in printed
    code, printed = course("class", "--from", str(tmp_path / "nowhere"), "--once")
    assert (code, printed.endswith("is not a folder: name one that holds a folder per student.")) == (2, True)
    code, printed = course("class", "--from", str(tmp_path), "--once")
    assert (code, "No folder in" in printed) == (2, True)

    for student in ("ada", "kay", "eve"):
        state(student)
        record("00.causal_mask", wrong("pattern/turned-round", Kind.PATTERN))
        record("05.shuffle_patches", wrong("05.shuffle_patches/inverse"))
        if student != "eve":
            assert course("share", "on")[0] == 0
    code, printed = course("class", "--from", str(tmp_path), "--once")
    assert code == 0
    assert "1 more do not share" in printed
    assert "True and False are swapped." in printed
    assert printed.count("order[i].") == 2  # among the two to talk about, and in the table
    assert "ada" not in printed
    code, printed = course("class", "--from", str(tmp_path), "--once", "--names")
    assert "ada, kay" in printed
    assert course("share", "perhaps") == (2, 'course: share is \'perhaps\', but must be "on" or "off".')


def get(address, opener, **headers):
    """Status and text of an answer."""
    try:
        with opener.open(urllib.request.Request(address, headers=headers), timeout=30) as answer:
            return answer.status, answer.read().decode(), answer.url
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(), address


def test_on_this_machine_the_page_needs_the_token_and_this_machines_name():
    looked = []

    async def visit():
        address = serve_here(lambda names: looked.append(names) or {"students": 3}, names=False, port=8867)
        origin = address.partition("?")[0]
        anybody, owner = (
            urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar())) for _ in range(2)
        )
        see = lambda *args, **headers: asyncio.to_thread(get, *args, **headers)  # noqa: E731
        for path in ("", "table.json", "table.json?token=guess"):
            assert (await see(origin + path, anybody))[:2] == (
                403,
                "Open the address that `course class` has printed: it holds the token.",
            )
        status, page, at = await see(address, owner)
        assert (status, at) == (200, origin), "the token stays in the address bar"
        assert "<h1>The class at a glance</h1>" in page
        assert json.loads((await see(f"{origin}table.json", owner))[1]) == {"students": 3, "may_name": False}
        assert (await see(f"{origin}table.json?names=1", owner))[0] == 403
        assert (await see(f"{origin}table.json", owner, Host="evil.example.org"))[0] == 404
        assert (await see(f"{origin}../sources.py", owner))[0] == 404

    run(visit())
    assert looked == [False]


@asynccontextmanager
async def hub_service(status):
    """A stand-in for the class view; → its address and what it was sent."""
    seen = []

    class Mine(RequestHandler):
        def post(self):
            seen.append((self.request.method, self.request.headers["Authorization"], self.request.body.decode()))
            self.set_status(status[0])

        delete = post

    server = HTTPServer(Application([("/class/mine", Mine)]))
    listening, port = bind_unused_port()
    server.add_socket(listening)
    yield f"http://127.0.0.1:{port}/class/", seen
    server.stop()


def test_a_students_server_reports_what_changed_and_takes_it_back(state, monkeypatch):
    progress, clock, status = state("ada"), SimpleNamespace(now=1000.0), [204]
    monkeypatch.setattr(reporter, "time", SimpleNamespace(monotonic=lambda: clock.now))
    record("00.attend", wrong("00.attend/sigmoid"))

    async def lab():
        async with hub_service(status) as (address, seen):
            mine = reporter.Reporter(address, "my-token", progress)

            async def look(seconds=reporter.EVERY):
                clock.now += seconds
                seen.clear()
                await mine.look()
                return [method for method, *_ in seen]

            assert await look() == [], "something was sent without consent"
            share("on")
            assert await look() == ["POST"]
            assert seen[0][1] == "token my-token"
            assert json.loads(seen[0][2])["00.attend"]["misconception"] == "00.attend/sigmoid"
            assert "3.7" not in seen[0][2]
            assert await look() == []
            assert await look(reporter.AGAIN) == ["POST"]  # still there
            record("00.attend", wrong(None, Kind.SHAPE))
            assert await look() == ["POST"]
            for _ in range(2):  # the first also makes the folder
                with files.atomic(progress / "claims" / "05.data.json") as run:
                    run.write_text("{}")
                assert await look() == ["POST"]
            status[0] = 503
            record("00.attend", wrong(None, Kind.SHAPE))
            assert [len(await look()) for _ in range(6)] == [1, 0, 1, 0, 0, 0]
            status[0] = 204
            assert [len(await look()) for _ in range(2)] == [1, 0]
            share("off")
            assert await look() == ["DELETE"]
            assert await look(reporter.AGAIN) == []

    run(lab())


def test_a_class_view_that_does_not_answer_is_one_sentence(monkeypatch):
    """Another program, a login page, an error of the hub, or none at all: for the table and for the runs on a claim."""
    answers = {"200": b"<html>Log in</html>", "201": b'{"message": "?"}', "202": b"[1]", "203": b"\xff", "500": b""}

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self):
            status = self.path[1:4]
            self.send_response(int(status))
            self.end_headers()
            self.wfile.write(answers[status])

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        here = f"http://127.0.0.1:{server.server_address[1]}"
        monkeypatch.setenv("JUPYTERHUB_API_TOKEN", "token")
        for address, why in (
            (f"{here}/200/", "it sends another page, perhaps a login"),
            (f"{here}/201/", "its answer is of another kind"),
            (f"{here}/202/", "its answer is of another kind"),
            (f"{here}/203/", "it sends another page, perhaps a login"),
            (f"{here}/500/", "HTTP Error 500: Internal Server Error"),
            ("http://127.0.0.1:9/", "Connection refused"),
            ("nonsense", "unknown url type: "),
            ("http://a b/", "URL can't contain control characters"),
        ):
            monkeypatch.setenv("COURSE_CLASS", address)
            for asked in (["--once"], ["--claim", "05.data"]):
                code, printed = course("class", *asked)
                assert code == 2
                said = f"course: The class view at {address} does not answer as it should ({why}"
                assert printed.startswith(said), printed
                assert printed.endswith("): ask who runs the hub.")
        server.shutdown()


def test_a_server_without_a_hub_reports_nothing(monkeypatch):
    server = SimpleNamespace()
    monkeypatch.delenv("COURSE_CLASS", raising=False)
    reporter._load_jupyter_server_extension(server)
    assert not vars(server)
    settings = ROOT / "course_utils" / "teaching" / "hub" / "jupyter_server_config.d" / "class.json"
    (extension,) = json.loads(settings.read_text())["ServerApp"]["jpserver_extensions"]
    assert extension == reporter.__name__
    assert reporter._jupyter_server_extension_points() == [{"module": reporter.__name__}]
