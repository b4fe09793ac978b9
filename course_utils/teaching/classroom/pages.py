"""The class view in a browser: one page that asks for the table every few seconds.
Here it serves this machine alone."""

import hmac
import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, HTTPError, RequestHandler, authenticated

PAGE = Path(__file__).parent / "page"
TYPES = {".js": "text/javascript", ".css": "text/css"}
OWN = (  # nothing from another host, and no page of another host around it
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

Table = Callable[[bool], dict[str, Any]]  # whether with names → the table


class Private(RequestHandler):
    """An answer that no cache stores and no other page frames."""

    def set_default_headers(self) -> None:
        self.set_header("Content-Security-Policy", OWN)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Referrer-Policy", "no-referrer")
        self.set_header("Cache-Control", "no-store")

    def asks_for_names(self, may: bool) -> bool:
        """Whether the request has ``names=1``. Raises HTTPError unless the server may show them."""
        asked = self.get_query_argument("names", "") == "1"
        if asked and not may:
            raise HTTPError(403, "This class view was started without names.")
        return asked


class Page(Private):
    """The page itself."""

    @authenticated
    def get(self) -> None:
        self.render(str(PAGE / "index.html"), xsrf=self.xsrf())

    def xsrf(self) -> str:
        """What the page's script sends along when it asks for the table; nothing on this machine."""
        return ""


class Part(Private):
    """The page's script and style, which hold nothing of a class."""

    def get(self, name: str) -> None:
        self.set_header("Content-Type", f"{TYPES[Path(name).suffix]}; charset=utf-8")
        self.finish((PAGE / name).read_bytes())


class Numbers(Private):
    """The table as JSON; with ``?names=1`` with the names of students, if the server was started to show them."""

    def initialize(self, table: Table, names: bool) -> None:
        self.table, self.names = table, names

    @authenticated
    def get(self) -> None:
        asked = self.asks_for_names(self.names)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps({**self.table(asked), "may_name": self.names}, ensure_ascii=False))


def routes(prefix: str, page: type[Page], numbers: type[Numbers], table: Table, names: bool) -> list[Any]:
    """The routes of the class view below a prefix that ends in a slash."""
    return [
        (prefix, page),
        (rf"{prefix}(view\.js|start\.js|view\.css)", Part),
        (rf"{prefix}table\.json", numbers, {"table": table, "names": names}),
    ]


class _ByToken(Private):
    """Only for those who have the token: once in the address, from then on in a cookie."""

    def get_current_user(self) -> str | None:
        token, cookie = self.settings["token"], self.settings["cookie"]
        if hmac.compare_digest(self.get_query_argument("token", "").encode(), token.encode()):
            self.set_signed_cookie(cookie, "allowed", expires_days=None, httponly=True, samesite="Strict")
            return "allowed"
        return "allowed" if self.get_signed_cookie(cookie) else None

    def get_login_url(self) -> str:
        raise HTTPError(403, "Open the address that `course class` has printed: it holds the token.")

    def write_error(self, status_code: int, **about: Any) -> None:
        error = about.get("exc_info", (None, None))[1]
        self.finish(getattr(error, "log_message", None) or self._reason)


class _LocalPage(_ByToken, Page):
    @authenticated
    def get(self) -> None:
        if self.get_query_argument("token", ""):
            self.redirect("/")  # a projector shows the address
        else:
            super().get()


class _LocalNumbers(_ByToken, Numbers):
    pass


def _quiet(handler: RequestHandler) -> None:
    """Log no request: the page asks every few seconds."""


def serve_here(table: Table, names: bool, port: int) -> str:
    """Serve on loopback, at this port or, if it is taken, another; → the address with its token.

    Requests that name another host are refused, so no page of a foreign site can read the table through its own name.
    """
    try:
        sockets = bind_sockets(port, "127.0.0.1")
    except OSError:
        sockets = bind_sockets(0, "127.0.0.1")
    port, token = sockets[0].getsockname()[1], secrets.token_hex(24)
    settings: dict[str, Any] = {
        "log_function": _quiet,
        "cookie_secret": secrets.token_bytes(32),
        "token": token,
        "cookie": f"course-class-{port}",
    }
    app = Application(**settings)
    app.add_handlers(r"127\.0\.0\.1|localhost", routes("/", _LocalPage, _LocalNumbers, table, names))
    HTTPServer(app).add_sockets(sockets)
    return f"http://127.0.0.1:{port}/?token={token}"
