"""The class view as a service of JupyterHub, behind its login: ``python -m course_utils.teaching.classroom.service``.

The hub starts it (``teaching/hub/class_view.py``), or Kubernetes (``deploy/values.yaml``). A student's server reports
with its own token, whose scope names the student, so nobody can report for another; the page and its table need the
role *instructor*.
"""

import asyncio
import json
import os
import secrets
from urllib.parse import urlsplit

from jupyterhub.services.auth import HubOAuth, HubOAuthCallbackHandler, HubOAuthenticated
from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError, authenticated

from course_utils.teaching.classroom.catalogue import Catalogue, catalogue_of_another_process
from course_utils.teaching.classroom.pages import Numbers, Page, Private, routes
from course_utils.teaching.classroom.sources import Reports
from course_utils.teaching.classroom.table import NotProgress, table
from course_utils.teaching.hub.class_view import SCOPE

LARGEST = 2**16  # bytes of a report: a record of each of the course's exercises takes a quarter of it


class HubPage(HubOAuthenticated, Page):
    """The page, for those with the role."""

    def xsrf(self) -> str:
        return self.xsrf_token.decode()


class HubNumbers(HubOAuthenticated, Numbers):
    """The table, for those with the role: with a browser, or with the token of their own server."""


class HubRuns(HubOAuthenticated, Private):
    """The live runs on one claim, ``?claim=05.data``; with ``&names=1`` by students' names,
    if the server may show them."""

    def initialize(self, reports: Reports, names: bool) -> None:
        self.reports, self.names = reports, names

    @authenticated
    def get(self) -> None:
        asked = self.asks_for_names(self.names)
        runs = self.reports.live_runs(self.get_query_argument("claim"))
        self.finish({"runs": runs if asked else dict(enumerate(runs.values()))})


class Mine(Private):
    """What one student's server reports (POST), or takes back (DELETE).
    It reads no cookie, so it needs no XSRF token."""

    def initialize(self, reports: Reports) -> None:
        self.reports = reports

    def check_xsrf_cookie(self) -> None:
        pass

    async def prepare(self) -> None:
        auth = HubOAuth.instance()
        token = auth.get_token(self, in_cookie=False)
        user = await auth.user_for_token(token, sync=False) if token else None
        if (
            user is None
            or user.get("kind") != "user"
            or not auth.check_scopes({f"{SCOPE}!user={user['name']}"}, user)
        ):
            raise HTTPError(403, "Reports need the token of a student's server.")
        self.student = user["name"]

    def post(self) -> None:
        _await(self.reports)
        try:
            self.reports.report(self.student, json.loads(self.request.body))
        except (NotProgress, ValueError, RecursionError) as error:
            raise HTTPError(400, "%s", error) from error
        self.set_status(204)

    def delete(self) -> None:
        self.reports.forget(self.student)
        self.set_status(204)


def app(reports: Reports, prefix: str, names: bool) -> Application:
    """The service's application below its prefix."""
    auth = HubOAuth.instance()

    def seen(named: bool) -> dict[str, object]:
        _await(reports)
        return table(reports.students(), reports.catalogue, reports.clock(), named)

    return Application(
        [
            *routes(prefix, HubPage, HubNumbers, seen, names),
            (f"{prefix}runs.json", HubRuns, {"reports": reports, "names": names}),
            (f"{prefix}mine", Mine, {"reports": reports}),
            (f"{prefix}oauth_callback", HubOAuthCallbackHandler),
        ],
        cookie_secret=secrets.token_bytes(32),
        login_url=auth.login_url,
    )


def _await(reports: Reports) -> None:
    """Refuse, so that the asker comes again, while the catalogue is being made."""
    if not reports.catalogue.exercises:
        raise HTTPError(503, "The class view is starting.")


async def serve() -> None:
    """Serve until the hub ends this process."""
    reports = Reports(Catalogue({}, {}, {}))
    served = app(reports, os.environ["JUPYTERHUB_SERVICE_PREFIX"], os.environ.get("COURSE_HUB_NAMES") == "yes")
    where = urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
    server = HTTPServer(served, xheaders=True, max_body_size=LARGEST, max_buffer_size=2 * LARGEST)
    server.listen(where.port or 80, where.hostname or "127.0.0.1")
    reports.catalogue = await asyncio.to_thread(catalogue_of_another_process)  # the hub waits for an answer meanwhile
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
