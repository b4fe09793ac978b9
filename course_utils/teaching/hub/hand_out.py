"""A student's server: copy missing notebooks, then start JupyterHub's single-user server.

It runs as the student, so the copies belong to the student. It never changes existing files.
"""

import os
import sys
from pathlib import Path

from course_utils.console import in_words
from course_utils.lab.working_copy import hand_out
from course_utils.paths import NAME

FOLDER = NAME


def main() -> None:
    """Copy the notebooks, then replace this process by jupyterhub-singleuser with the same arguments."""
    if umask := os.environ.pop("COURSE_UMASK", ""):  # the hub's own, for its secrets, would hide group work
        os.umask(int(umask, 8))
    try:
        hand_out(Path.home() / FOLDER)
    except OSError as error:
        print(f"The notebooks could not be copied: {in_words(error)}", file=sys.stderr)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]])


if __name__ == "__main__":
    main()
