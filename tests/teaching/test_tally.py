"""The vote on the lecturer's machine: two hundred phones, one vote per browser,
and nobody sees a count before the answer.
"""

import asyncio
import gc
import json
import socket
import struct
import time
from contextlib import asynccontextmanager
from http.cookies import SimpleCookie

import pytest
from apart import run
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.httpserver import HTTPServer
from tornado.websocket import websocket_connect

from course_utils.teaching.demo import tally
from course_utils.teaching.demo.tally import Hall, Tally

QUESTION = {"demo": "windows", "question": "How much?", "options": ["none", "half", "all"]}
AGAIN = {"demo": "windows", "again": True}


def answer(letter: str, demo: str = "windows") -> str:
    return json.dumps({"demo": demo, "right": letter})


@asynccontextmanager
async def served(folder):
    """A hall of this machine, with its pages in a folder; → the hall and its address."""
    sockets, port = tally.listening("127.0.0.1", 18866)
    hall = Hall(Tally(), "secret", f"http://127.0.0.1:{port}/", "<svg/>")
    server = HTTPServer(tally.application(hall, folder))
    server.add_sockets(sockets)
    try:
        yield hall, f"127.0.0.1:{port}"
    finally:
        server.stop()
        await server.close_all_connections()


async def cookie_of(address: str, path: str = "", cookie: str = "") -> str:
    """The cookie that a page gives a browser."""
    headers = {"Cookie": cookie} if cookie else {}
    response = await AsyncHTTPClient().fetch(f"http://{address}/{path}", headers=headers)
    given = SimpleCookie(response.headers.get("Set-Cookie", cookie))
    return "; ".join(f"{name}={morsel.value}" for name, morsel in given.items())


async def connected(address: str, path: str, cookie: str):
    return await websocket_connect(HTTPRequest(f"ws://{address}/{path}", headers={"Cookie": cookie}))


async def told(socket) -> dict:
    return json.loads(await asyncio.wait_for(socket.read_message(), 60))


async def lecturer_of(address: str):
    """The lecturer's connection, with the question open."""
    lecturer = await connected(address, "lecturer", await cookie_of(address, "hall/index.html?key=secret"))
    await told(lecturer)
    await lecturer.write_message(json.dumps(QUESTION))
    assert (await told(lecturer))["counts"] == {"A": 0, "B": 0, "C": 0}
    return lecturer


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "index.html").write_text("the hall")
    return tmp_path


def test_two_hundred_voters_vote_once_each_and_see_the_counts_with_the_answer(folder, record_property):
    async def whole() -> None:
        async with served(folder) as (_, address):
            lecturer = await lecturer_of(address)
            phones = [await connected(address, "vote", await cookie_of(address)) for _ in range(200)]
            for phone in phones:
                first = await told(phone)
                assert first["question"] == "How much?"
                assert "counts" not in first
            votes = ["ABC"[number % 3] for number in range(200)]
            for letters in (votes, votes[::-1]):  # everybody, then everybody with another mind
                for phone, letter in zip(phones, letters, strict=True):
                    phone.write_message(json.dumps({"demo": "windows", "vote": letter}))
                seen = [await told(phone) for phone in phones]
                assert [each["mine"] for each in seen] == votes
                assert not any("counts" in each for each in seen)
            counts = {}
            while sum(counts.values()) < 200:
                counts = (await told(lecturer))["counts"]
            assert counts == {"A": 67, "B": 67, "C": 66}
            begun = time.perf_counter()
            await lecturer.write_message(answer("B"))
            shown = await asyncio.gather(*(told(phone) for phone in phones))
            record_property("reveal_ms", round(1000 * (time.perf_counter() - begun)))
            assert all(each["right"] == "B" and each["counts"] == counts for each in shown)

    run(whole())


def test_a_browser_votes_once_also_through_a_second_tab_and_another_round_begins_at_nothing(folder):
    async def whole() -> None:
        async with served(folder) as (hall, address):
            lecturer = await lecturer_of(address)
            cookie = await cookie_of(address)
            assert await cookie_of(address, cookie=cookie) == cookie
            tabs = [await connected(address, "vote", cookie) for _ in range(2)]
            for tab, vote in zip(tabs, "AB", strict=True):
                await told(tab)
                await tab.write_message(json.dumps({"demo": "windows", "vote": vote}))
                assert (await told(tab))["mine"] == "A"
            assert hall.tally.counts() == {"A": 1, "B": 0, "C": 0}
            await lecturer.write_message(json.dumps(AGAIN))
            assert (await told(tabs[0]))["mine"] == ""
            assert hall.tally.counts() == {"A": 0, "B": 0, "C": 0}
            for vote in ("D", "", "AB", None, ["A"], 3):
                await tabs[0].write_message(json.dumps({"demo": "windows", "vote": vote}))
            await tabs[0].write_message(json.dumps({"demo": "patches", "vote": "A"}))  # of the question before
            await tabs[0].write_message(json.dumps({"demo": "windows", "vote": "C"}))
            while (await told(tabs[0]))["mine"] != "C":
                pass
            await lecturer.write_message(answer("B"))
            assert (await told(tabs[0]))["counts"] == {"A": 0, "B": 0, "C": 1}
            await tabs[1].write_message(json.dumps({"demo": "windows", "vote": "B"}))  # too late
            await told(tabs[1])
            assert hall.tally.counts() == {"A": 0, "B": 0, "C": 1}

    run(whole())


def test_a_closed_vote_counts_nothing_and_the_answer_of_another_question_is_not_shown(folder):
    async def whole() -> None:
        async with served(folder) as (hall, address):
            lecturer = await lecturer_of(address)
            early, late = [await connected(address, "vote", await cookie_of(address)) for _ in range(2)]
            for phone in (early, late):
                assert not (await told(phone))["closed"]
            await early.write_message(json.dumps({"demo": "windows", "vote": "A"}))
            await told(early)
            await lecturer.write_message(answer("C", demo="patches"))  # of a page that shows another question
            await lecturer.write_message(json.dumps({"demo": "windows", "closed": True}))
            for phone, mine in ((early, "A"), (late, "")):
                seen = await told(phone)
                assert (seen["mine"], seen["closed"], "right" in seen) == (mine, True, False)
            await late.write_message(json.dumps({"demo": "windows", "vote": "B"}))
            assert (await told(late))["mine"] == ""
            assert hall.tally.counts() == {"A": 1, "B": 0, "C": 0}
            await lecturer.write_message(json.dumps(AGAIN))
            assert not (await told(late))["closed"]
            await late.write_message(json.dumps({"demo": "windows", "vote": "B"}))
            assert (await told(late))["mine"] == "B"

    run(whole())


def test_pages_without_a_phone_keep_nobody_out(folder, monkeypatch):
    monkeypatch.setattr(tally, "MOST_VOTERS", 3)

    async def whole() -> None:
        async with served(folder) as (_, address):
            for _ in range(10):
                await cookie_of(address)
            phones = [await connected(address, "vote", await cookie_of(address)) for _ in range(3)]
            for phone in phones:
                await told(phone)
            with pytest.raises(HTTPClientError) as caught:
                await cookie_of(address)
            assert caught.value.code == 503

    run(whole())


def test_a_phone_that_is_gone_without_a_word_prints_nothing(folder):
    async def whole() -> None:
        async with served(folder) as (hall, address):
            printed = []
            asyncio.get_running_loop().set_exception_handler(lambda _, what: printed.append(what["message"]))
            phone = await connected(address, "vote", await cookie_of(address))
            await told(phone)
            stream = phone.protocol.stream
            stream.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            stream.close()
            for _ in range(20):  # before the server has heard of it, and after
                hall.tell_phones()
                await asyncio.sleep(0.01)
            gc.collect()
            assert not printed
            assert not hall.phones

    run(whole())


def test_only_the_lecturer_opens_the_hall_and_nonsense_ends_one_connection_alone(folder):
    async def refused(address: str, path: str, cookie: str = "") -> int:
        asked = connected(address, path, cookie) if path == "lecturer" else cookie_of(address, path, cookie)
        with pytest.raises(HTTPClientError) as caught:
            await asked
        return caught.value.code

    async def whole() -> None:
        async with served(folder) as (_, address):
            voter = await cookie_of(address)
            for cookie in ("", voter, "hall=guessed", "hall=gu\u00e9ss"):
                assert await refused(address, "lecturer", cookie) == 403
                assert await refused(address, "hall/index.html", cookie) == 403
            assert await refused(address, "hall/index.html?key=%C3%A9") == 403
            assert await (await connected(address, "vote", "voter=nobody")).read_message() is None
            for nonsense in ("{", "[]", "3", '{"vote": "A"}', "[" * 1500, '"' + "x" * 3000 + '"'):
                phone = await connected(address, "vote", voter)
                await told(phone)
                await phone.write_message(nonsense)
                assert await phone.read_message() is None, nonsense
            lecturer = await lecturer_of(address)
            await lecturer.write_message(answer("A"))
            assert await told(lecturer)

    run(whole())


def test_it_listens_on_loopback_unless_asked_and_a_wrong_address_is_one_sentence():
    sockets, port = tally.listening("127.0.0.1", 18866)
    others, next_port = tally.listening("127.0.0.1", 18866)
    try:
        assert {each.getsockname()[0] for each in sockets} == {"127.0.0.1"}
        assert next_port == port + 1  # taken ones are passed over
    finally:
        for each in (*sockets, *others):
            each.close()
    with pytest.raises(
        OSError, match=r"The vote cannot listen at 198\.51\.100\.1, .*: use --host with an address of this machine"
    ):
        tally.listening("198.51.100.1", 18866)
    with pytest.raises(OSError, match=r"port 18866 \((?!A file)"):
        tally.listening("127.0.0.1:80", 18866)
    assert tally.reachable("192.168.1.7") == "192.168.1.7"
    assert tally.reachable("fe80::7") == "[fe80::7]"
    everywhere, _ = tally.listening("::", 18866)
    try:
        assert socket.AF_INET in {each.family for each in everywhere}  # the QR code has an address of IPv4
    finally:
        for each in everywhere:
            each.close()
    assert "<svg" in tally.qr_code("http://192.168.1.7:8866/")
