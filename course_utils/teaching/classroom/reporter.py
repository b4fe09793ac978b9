"""A student's server on a hub reports their progress to the class view, if they have switched that on.

An extension of Jupyter Server, which has a network where a kernel may have none, and which a check never waits for. It
looks at the progress folder every few seconds and reports what has changed; without consent it sends nothing.
"""

import asyncio
import json
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError
from tornado.ioloop import PeriodicCallback

from course_utils import paths
from course_utils.teaching.classroom.records import CLAIMS, Shared, shared

EVERY = 3.0  # seconds between two looks at the folder
AGAIN = 60.0  # seconds after which an unchanged report is repeated, so that the class view knows the server is there
PATIENCE = 120.0  # the longest pause, in seconds, while the class view does not answer


class Reporter:
    """One student's reports to an address, with the token of their server, which says who they are."""

    def __init__(self, address: str, token: str, progress: Path) -> None:
        self.address, self.token, self.progress = address, token, progress
        self.reported: Shared | None = None
        self.changed: list[int] | None = None  # when the folders changed before the last report, in ns
        self.next = 0.0
        self.pause = EVERY

    async def look(self) -> None:
        """Report if something has changed or a minute is over; take everything back if consent is gone."""
        now = time.monotonic()
        changed = await asyncio.to_thread(self._changed)
        if now < self.next and (changed == self.changed or self.pause > EVERY):
            return
        said = await asyncio.to_thread(shared, self.progress)
        if said is None and self.reported is None:
            self.changed, self.next = changed, now + AGAIN
            return
        try:
            if said is None:
                await self._send("DELETE", None)
            else:
                await self._send("POST", json.dumps(said))
        except (OSError, HTTPClientError):
            self.pause = min(2 * self.pause, PATIENCE)
            self.next = now + self.pause
            return
        self.reported, self.changed, self.next, self.pause = said, changed, now + AGAIN, EVERY

    def _changed(self) -> list[int]:
        """When a file of the folder, or of its live runs, was last written or removed: each is renamed into place."""
        found = []
        for folder in (self.progress, self.progress / CLAIMS):
            with suppress(OSError):  # there is none yet
                found.append(folder.stat().st_mtime_ns)
        return found

    async def _send(self, method: str, body: str | None) -> None:
        await AsyncHTTPClient().fetch(
            f"{self.address}mine",
            method=method,
            body=body,
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
            request_timeout=10,
            follow_redirects=False,  # the token is for this address
        )


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": __name__}]


def _load_jupyter_server_extension(server: Any) -> None:
    address, token = os.environ.get("COURSE_CLASS"), os.environ.get("JUPYTERHUB_API_TOKEN")
    if address and token:
        reporter = Reporter(address, token, paths.state_dir() / "progress")
        server.course_reports = PeriodicCallback(reporter.look, EVERY * 1000)
        server.course_reports.start()
