"""A student's server: copy missing notebooks, then start JupyterHub's single-user server.

It runs as the student, so the copies belong to the student. It never changes existing files.
"""

import os
import shutil
import sys
from pathlib import Path

from course_utils.files import atomic, clear
from course_utils.paths import NOTEBOOKS

FOLDER = "attention-for-vision"


def hand_out(home: Path) -> list[Path]:
    """Copy each notebook that is missing in home/attention-for-vision; → the copies. Raises OSError on failure.

    A copy gets its name only when it is complete.
    """
    folder = home / FOLDER
    clear(folder)  # what is left of copies that were killed
    made = []
    for source in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")):
        target = folder / source.name
        if not target.exists():
            with atomic(target) as partial:
                shutil.copyfile(source, partial)
            made.append(target)
    return made


def main() -> None:
    """Copy the notebooks, then replace this process by jupyterhub-singleuser with the same arguments."""
    if umask := os.environ.pop("COURSE_UMASK", ""):  # the hub's own, for its secrets, would hide group work
        os.umask(int(umask, 8))
    try:
        hand_out(Path.home())
    except OSError as error:
        print(f"The notebooks could not be copied ({error}): free some space in {Path.home()}.", file=sys.stderr)
    os.execv(sys.executable, [sys.executable, "-m", "jupyterhub.singleuser", *sys.argv[1:]])


if __name__ == "__main__":
    main()
