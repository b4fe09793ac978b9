"""The class view on the hub: its service, who may see it, and what the token of a student's server may do.

Progress goes the way of JupyterHub's own interface: a service, roles, and a scope of the server's own token.
"""

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

SCOPE = "custom:course:share"
SCOPES = {SCOPE: {"description": "Report one's own progress to the class view"}}
SERVER_SCOPES = [  # of a server's own token, as far as its owner has them
    "users:activity!user",
    "access:servers!server",
    f"{SCOPE}!user",  # beyond what JupyterHub gives it: reports on its owner alone
    "access:services!service=class",  # for instructors: `course class`
]


def service(url: str, root: str, names: bool) -> dict[str, Any]:
    """JupyterHub's description of the service."""
    environment = {"PYTHONPATH": root, "OMP_NUM_THREADS": "1"}
    return {
        "name": "class",
        "url": url,
        "command": [sys.executable, "-P", "-m", "course_utils.teaching.classroom.service"],
        "user": account(environment),
        "oauth_no_confirm": True,
        "environment": {**environment, "COURSE_HUB_NAMES": "yes" if names else "no"},
    }


def account(environment: Mapping[str, str]) -> str:
    """The account of the service, which students talk to: *nobody* if root starts the hub, else the hub's own (empty).

    Also the hub's own if *nobody* cannot run this Python; then no student can without a container either.
    """
    if os.geteuid() != 0:
        return ""
    import pwd  # only here: Windows has none

    trial = [sys.executable, "-c", "import course_utils"]
    try:
        gid = pwd.getpwnam("nobody").pw_gid
        subprocess.run(trial, user="nobody", group=gid, extra_groups=[], env=environment, check=True)
    except (OSError, LookupError, subprocess.SubprocessError):
        return ""
    return "nobody"


def roles(instructors: Sequence[str]) -> list[dict[str, Any]]:
    """Every user may report their own progress; the instructors alone see the class view."""
    return [
        {"name": "user", "scopes": ["self", f"{SCOPE}!user"]},
        {"name": "instructor", "users": list(instructors), "scopes": ["access:services!service=class"]},
    ]
