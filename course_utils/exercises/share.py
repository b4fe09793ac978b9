"""Count in the instructor's class view, or stop it: ``share("on")``, ``share("off")``. Nothing is shared by default."""

import json
import os

from course_utils import files, paths

CONSENT = "share.json"  # in the progress folder; ``course_utils.teaching.classroom.records`` reads it
ON = (
    "Your progress counts in your instructor's class view: for each exercise, how often you tried it, when, whether it "
    "passed, and which mistake the last check recognised. Your code, your values and the check's messages stay with "
    'you, and names are hidden unless your instructor starts the view with them. share("off") ends it.'
)
OFF = 'Your progress is not shared. share("on") lets it count in your instructor\'s class view.'
NO_HUB = " This is not a server of a class's hub, so nothing is sent: the view finds it only in your progress folder."


def share(state: str | None = None) -> None:
    """Print whether your progress counts in the class view; "on" or "off" changes it first.

    The class view forgets you within seconds of "off". Raises ValueError for another word, and OSError if the choice
    cannot be saved.
    """
    if state not in (None, "on", "off"):
        raise ValueError(f'share is {state!r}, but must be "on" or "off".')
    consent = paths.state_dir() / "progress" / CONSENT
    if state is not None:
        with files.atomic(consent) as partial:
            partial.write_text(json.dumps({"share": state == "on"}), encoding="utf-8")
    print(ON + ("" if "COURSE_CLASS" in os.environ else NO_HUB) if _is_on() else OFF)


def _is_on() -> bool:
    try:
        with files.opened(paths.state_dir() / "progress" / CONSENT) as file:
            return bool(json.loads(file.read())["share"] is True)
    except (OSError, ValueError, TypeError, KeyError):
        return False
