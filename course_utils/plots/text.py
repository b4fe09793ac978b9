"""Text in figures that can be read from the last row: on a slide, none is lower than 1/40 of it. All notebooks."""

import textwrap

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

WIDE = 1.6  # width over height: on a slide, wider figures stand below their sentence, the others beside it
# Width and height of a figure's place, in heights of the slide, by whether it is wide: see teaching/site/templates.
PLACES = {True: (1.66, 0.65), False: (0.95, 0.85)}
LEAST, MOST = 10, 18  # points
WIDTH = 0.56  # of a letter on average, of the size of the text


def enlarge(figure: Figure) -> None:
    """Before anything is drawn into a new figure: choose a size of text that can still be read on a slide."""
    width, height = figure.get_size_inches()
    places = [PLACES[bool(cropped * width / height >= WIDE)] for cropped in (0.95, 1.05)]  # when its margins are cut
    points = 72 / 40 * max(max(width / across, height / down) for across, down in places)
    plt.rcParams["font.size"] = min(max(points, LEAST), MOST)


def always_readable() -> None:
    """Let every figure of pyplot begin with `enlarge`; titles are no larger than the other text."""
    plt.rcParams["figure.hooks"] = [f"{__name__}:{enlarge.__name__}"]
    plt.rcParams["axes.titlesize"] = "medium"


def wrapped(title: str, inches: float) -> str:
    """The title in lines that are about as wide as that, in the text of the figure that was made last."""
    letters = int(72 * inches / (WIDTH * plt.rcParams["font.size"]))
    return "\n".join(textwrap.fill(line, max(letters, 1), break_long_words=False) for line in title.splitlines())
