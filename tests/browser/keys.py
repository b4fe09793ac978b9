"""What a keyboard finds in a widget, and whether it answers."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from playwright.sync_api import ElementHandle, Locator

WATCH = Path(__file__).with_name("watch.js")  # an init script of the page
ARROWS = ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp")
BACK = dict(zip((*ARROWS, "Space"), ("ArrowLeft", "ArrowUp", "ArrowRight", "ArrowDown", "Space"), strict=True))
KEYS = {"number": ("ArrowUp", "ArrowDown"), "select-one": ("ArrowDown", "ArrowUp"), "textarea": ("x",)}
KEYS |= dict.fromkeys(("range", "CANVAS", "TD"), ARROWS) | dict.fromkeys(("radio", "checkbox"), ("Space",))


def controls(widget: Locator) -> Iterator[ElementHandle]:
    """What can be used of a widget, each once, also what only comes up after another was used."""
    while control := widget.evaluate_handle("(widget) => watch.next(widget)").as_element():
        yield control


def answering_key(widget: Locator, control: ElementHandle, keys: Sequence[str] = ()) -> str | None:
    """The first key by which a control changes anything but itself."""
    kind = control.evaluate("(control) => control.type ?? control.tagName")
    for key in keys or KEYS.get(kind, ("Enter",)):
        before = widget.evaluate("(widget, control) => watch.seen(widget, control)", control)
        control.press(key)
        if widget.evaluate(
            "(widget, [control, before]) => watch.changes(widget, control, before)", [control, before]
        ):
            return key
    return None


def take_back(control: ElementHandle, key: str | None) -> None:
    """Undo what a key did: one control must not make the others useless."""
    if key in BACK:
        control.press(BACK[key])
