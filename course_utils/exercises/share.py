"""Count in the instructor's class view, or stop it: ``share("on")``, ``share("off")``. Nothing is shared by default."""

import os

from course_utils.consent import consent, own_seed, say

ON = (
    "Your progress counts in your instructor's class view: for each exercise, how often you tried it, when, whether it "
    "passed, and which mistake the last check recognised. Your code, your values and the check's messages stay with "
    'you, and names are hidden unless your instructor starts the view with them. share("off") ends it.'
)
OFF = 'Your progress is not shared. share("on") lets it count in your instructor\'s class view.'
NO_HUB = " This is not a server of a class's hub, so nothing is sent: the view finds it only in your progress folder."
SEED = " Your live runs have seed {}, drawn from your name, and their accuracies count in the class's intervals."
NO_SEED = ' To let your live runs count too, pass your name or student number: share("on", "NUMBER").'


def share(state: str | None = None, student: str | None = None) -> None:
    """Print whether your progress counts in the class view; "on" or "off" changes it first.

    student: your name or number, from which a seed for your live runs is drawn; only the seed is saved. On a hub it is
    drawn from your account. The class view forgets you within seconds of "off". Raises ValueError for another word,
    and OSError if the choice cannot be saved.
    """
    if state not in (None, "on", "off"):
        raise ValueError(f'share is {state!r}, but must be "on" or "off".')
    if state is not None:
        say(state == "on", student)
    if consent().get("share") is not True:
        print(OFF)
        return
    seed = own_seed()
    print(ON + ("" if "COURSE_CLASS" in os.environ else NO_HUB) + (SEED.format(seed) if seed else NO_SEED))
