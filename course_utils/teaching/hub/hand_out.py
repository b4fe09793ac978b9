"""A student's server: copy missing notebooks, then become the command that follows, which is ``jupyterhub-singleuser``.

It runs as the student, so the copies belong to the student, and never changes existing files. The container image has
it as its entry point, so that every spawner that starts the image starts it too.
"""

import os
import sys
from pathlib import Path

from course_utils.console import in_words
from course_utils.lab.server import lab_environment
from course_utils.lab.working_copy import hand_out
from course_utils.paths import NAME

FOLDER = NAME
SERVER = "jupyterhub-singleuser"
ALONE = (
    f"{SERVER} is started by a JupyterHub: on a machine of your own, name the command "
    "`course lab --ServerApp.ip=0.0.0.0 --no-browser` instead."
)


def main(command: list[str]) -> None:
    """Copy the notebooks, then replace this process by the command,
    with the settings of this installation's JupyterLab.

    Exits with a sentence without a command, and for a server that no hub has started.
    """
    if not command or (command[0] == SERVER and "JUPYTERHUB_API_TOKEN" not in os.environ):
        sys.exit(ALONE)
    if umask := os.environ.pop("COURSE_UMASK", ""):  # the hub's own, for its secrets, would hide group work
        os.umask(int(umask, 8))
    try:
        hand_out(Path.home() / FOLDER)
    except OSError as error:
        print(f"The notebooks could not be copied: {in_words(error)}", file=sys.stderr)
    environment = lab_environment(settings=Path(__file__).parent)  # no news for JupyterLab; reports to the class view
    environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)])
    os.execvpe(command[0], command, environment)


if __name__ == "__main__":
    main(sys.argv[1:])
