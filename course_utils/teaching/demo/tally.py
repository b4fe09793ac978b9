"""The vote of an audience with their phones, on the lecturer's machine: no accounts, and nothing is written to a disk.

Phones open ``/``, where each browser has one vote per question and round. The lecturer's browser opens ``/hall/`` with
a key that only this process knows; its page opens questions and sees the counts, and phones see them with the answer.
"""

import asyncio
import errno
import json
import secrets
import socket
import webbrowser
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, StaticFileHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from course_utils.files import reason
from course_utils.front_end import joined
from course_utils.teaching.demo.pages import HALL
from course_utils.teaching.demo.script import LETTERS

MOST_VOTERS = 5_000
MOST_BYTES = 2_000  # of a message
EVERYWHERE = ("", "0.0.0.0", "::")
_TAKEN = (errno.EADDRINUSE, errno.EACCES)


@dataclass
class Tally:
    """The open question, who may vote, and who has voted what."""

    voters: set[str] = field(default_factory=set)
    demo: str = ""
    question: str = ""
    options: tuple[str, ...] = ()
    ballots: dict[str, str] = field(default_factory=dict)
    closed: bool = False
    right: str = ""  # as soon as the answer is shown

    def open(self, demo: str, question: str, options: tuple[str, ...]) -> None:
        """Open a question, without votes."""
        self.demo, self.question, self.options = demo, question, options
        self.ballots, self.closed, self.right = {}, False, ""

    def vote(self, voter: str, letter: str) -> bool:
        """Count a vote: one per voter, for an option, before the vote is closed; → whether it was counted."""
        sound = voter in self.voters and letter in tuple(LETTERS[: len(self.options)])
        if not sound or voter in self.ballots or self.closed or self.right:
            return False
        self.ballots[voter] = letter
        return True

    def counts(self) -> dict[str, int]:
        """Number of votes by letter."""
        counted = Counter(self.ballots.values())
        return {letter: counted[letter] for letter in LETTERS[: len(self.options)]}

    def told(self, voter: str) -> dict[str, Any]:
        """What a voter's phone shows: the counts only with the answer."""
        shown = {"right": self.right, "counts": self.counts()} if self.right else {}
        asked = {"demo": self.demo, "question": self.question, "options": self.options, "closed": self.closed}
        return {**asked, "mine": self.ballots.get(voter, ""), **shown}


@dataclass
class Hall:
    """One vote: its tally, the lecturer's key and address, and the open connections."""

    tally: Tally
    key: str
    address: str
    code: str
    phones: dict["Phone", str] = field(default_factory=dict)
    lecturers: set["Lecturer"] = field(default_factory=set)

    def knows(self, key: str | None) -> bool:
        """Whether this is the lecturer's key."""
        return secrets.compare_digest((key or "").encode(), self.key.encode())

    def tell_lecturers(self) -> None:
        """Send the counts to the lecturer's pages."""
        counts = self.tally.counts()
        told = {"demo": self.tally.demo, "counts": counts, "address": self.address, "code": self.code}
        for each in self.lecturers:
            each.send(told)

    def tell_phones(self) -> None:
        """Send the question, and the answer if it is shown, to all phones."""
        for phone, voter in self.phones.items():
            phone.send(self.tally.told(voter))


class _Page(RequestHandler):
    """The page of the phones. It gives a new browser its vote."""

    def initialize(self, hall: Hall) -> None:
        self.hall = hall

    def get(self) -> None:
        voters = self.hall.tally.voters
        if self.get_cookie("voter") not in voters:
            if len(voters) >= MOST_VOTERS:  # those who only asked for the page make room
                voters &= {*self.hall.phones.values(), *self.hall.tally.ballots}
            if len(voters) >= MOST_VOTERS:
                raise HTTPError(503)
            voter = secrets.token_urlsafe(16)
            voters.add(voter)
            self.set_cookie("voter", voter, httponly=True, samesite="Strict")
        self.set_header("Cache-Control", "no-store")
        self.finish(joined("vote.html", folder=HALL))


class _Pages(StaticFileHandler):
    """The hall's pages, which contain the answers: only for the browser that was opened with the key."""

    def initialize(self, hall: Hall, path: str) -> None:  # type: ignore[override]
        super().initialize(path)
        self.hall = hall

    def prepare(self) -> None:
        if self.hall.knows(self.get_query_argument("key", "")):
            self.set_cookie("hall", self.hall.key, httponly=True, samesite="Strict")
        elif not self.hall.knows(self.get_cookie("hall")):
            raise HTTPError(403)


class _Connection(WebSocketHandler):
    def initialize(self, hall: Hall) -> None:
        self.hall = hall

    def send(self, message: dict[str, Any]) -> None:
        """Send a message, unless the browser has gone."""
        with suppress(WebSocketClosedError):
            sent = asyncio.ensure_future(self.write_message(json.dumps(message)))
            sent.add_done_callback(lambda sent: sent.cancelled() or sent.exception())  # asked for, so not printed

    def on_message(self, message: str | bytes) -> None:
        """Hear a message; close the connection if it is none."""
        try:
            sent = json.loads(message)
            self.hear(sent if isinstance(sent, dict) else {})
        except (ValueError, TypeError, KeyError, RecursionError):
            self.close()

    def hear(self, sent: dict[str, Any]) -> None:
        """Do what the message says."""


class Phone(_Connection):
    """A voter's connection."""

    def open(self, *_: str, **__: str) -> None:
        """Show the open question; refuse a browser without a vote."""
        voter = self.get_cookie("voter") or ""
        if voter not in self.hall.tally.voters:
            self.close(1008)
            return
        self.hall.phones[self] = voter
        self.send(self.hall.tally.told(voter))

    def hear(self, sent: dict[str, Any]) -> None:
        """Count a vote for the question that the phone shows."""
        voter = self.hall.phones.get(self, "")
        if sent["demo"] == self.hall.tally.demo and self.hall.tally.vote(voter, sent["vote"]):
            self.hall.tell_lecturers()
        self.send(self.hall.tally.told(voter))

    def on_close(self) -> None:
        """Forget the connection; the vote stays."""
        self.hall.phones.pop(self, None)


class Lecturer(_Connection):
    """The connection of the lecturer's page."""

    def prepare(self) -> None:
        """Refuse a browser that was not opened with the key."""
        if not self.hall.knows(self.get_cookie("hall")):
            raise HTTPError(403)

    def open(self, *_: str, **__: str) -> None:
        """Send the counts."""
        self.hall.lecturers.add(self)
        self.hall.tell_lecturers()

    def hear(self, sent: dict[str, Any]) -> None:
        """Open a question; or close it, open it once more, or show its answer, if it is still the open one."""
        tally = self.hall.tally
        if "question" in sent:
            tally.open(str(sent["demo"]), str(sent["question"]), tuple(map(str, sent["options"])))
        elif sent["demo"] != tally.demo:  # of another page of the lecturer
            return
        elif "right" in sent:
            tally.right = str(sent["right"])
        elif "closed" in sent:
            tally.closed = True
        else:
            tally.open(tally.demo, tally.question, tally.options)
        self.hall.tell_phones()
        self.hall.tell_lecturers()

    def on_close(self) -> None:
        """Forget the connection."""
        self.hall.lecturers.discard(self)


def application(hall: Hall, folder: Path) -> Application:
    """The server's addresses. folder: the hall's pages."""
    given = {"hall": hall}
    routes = [
        (r"/", _Page, given),
        (r"/vote", Phone, given),
        (r"/lecturer", Lecturer, given),
        (r"/hall/(.*)", _Pages, {"hall": hall, "path": str(folder)}),
    ]
    return Application(routes, websocket_max_message_size=MOST_BYTES, log_function=lambda _: None)  # type: ignore[arg-type]


def listening(host: str, port: int) -> tuple[list[socket.socket], int]:
    """Sockets on the first free port from port. Raises OSError, in one sentence, if host is not of this machine."""
    for each in range(port, min(port + 50, 65536)):
        try:
            return bind_sockets(each, "" if host == "::" else host), each  # phones may have IPv4 alone
        except (OSError, UnicodeError) as error:
            if each == port + 49 or getattr(error, "errno", None) not in _TAKEN:
                raise OSError(
                    f"The vote cannot listen at {host}, port {each} ({reason(error)}): use --host with an address of "
                    "this machine, or another --port."
                ) from error
    raise OSError(f"No port from {port} on is free: use another --port.")


def run(folder: Path, page: str, host: str, port: int, browser: bool) -> None:
    """Serve the hall's pages and the vote until Ctrl-C, and open page for the lecturer.

    Raises OSError, in one sentence, if the machine does not have that address, and ModuleNotFoundError without the
    library for the QR code.
    """
    sockets, port = listening(host, port)
    address = f"http://{reachable(host)}:{port}/"
    hall = Hall(Tally(), secrets.token_urlsafe(16), address, qr_code(address))
    own = f"http://{'127.0.0.1' if host in EVERYWHERE else reachable(host)}:{port}/hall/{page}?key={hall.key}"

    async def serve() -> None:
        HTTPServer(application(hall, folder)).add_sockets(sockets)
        print(f"Phones vote at {address}", f"Your page: {own}", "Ctrl-C ends the vote.", sep="\n", flush=True)
        if browser:
            webbrowser.open(own)
        await asyncio.Event().wait()

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


def reachable(host: str) -> str:
    """The address that phones use, as in a URL: host, or for all addresses the one of the local network."""
    if host not in EVERYWHERE:
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # nothing is sent: the system only chooses its own address
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def qr_code(address: str) -> str:
    """An address as an SVG."""
    import segno

    return str(segno.make(address, micro=False).svg_inline(border=2, omitsize=True))
