"""The same picture, moved."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from course_utils.exercises.exercise import Arguments, Exercise, Misconception, Wild
from course_utils.probes import shift_images

Answer = Callable[[Tensor, int, int], Tensor]


def _cases(g: Generator) -> list[Arguments]:
    shifts = [
        ((2, 1, 6, 6), 2, 1),
        ((1, 3, 5, 8), -1, 3),
        ((2, 2, 7, 4), 1, -2),
        ((1, 1, 6, 6), -3, -1),
        ((1, 1, 4, 5), 0, 0),
        ((1, 2, 4, 5), 0, -2),
        ((2, 1, 5, 4), 3, 0),
    ]
    return [(torch.rand(*shape, generator=g), down, right) for shape, down, right in shifts]


def _wild(g: Generator) -> list[Wild]:
    pictures = torch.rand(2, 1, 4, 5, generator=g)
    lost = "All of it has left the picture, so only zeros remain: clamp what you slice or pad."
    return [
        Wild("just-out-below", (pictures, 4, 0), "the picture is moved by just its height", lost),
        Wild("out-below", (pictures, 7, -1), "the picture is moved down by more than its height", lost),
        Wild("out-above", (pictures, -6, 1), "the picture is moved up by more than its height", lost),
        Wild("out-on-the-right", (pictures, -1, 9), "the picture is moved to the right by more than its width", lost),
        Wild("out-on-the-left", (pictures, 0, -7), "the picture is moved to the left by more than its width", lost),
        Wild(
            "transposed-memory",
            (torch.rand(2, 1, 5, 4, generator=g).mT, 1, -2),
            "the pictures lie in memory column by column, as after a transpose",
            "`view` and `as_strided` trust the memory; slices and F.pad go by the axes.",
        ),
        Wild(
            "expanded-memory",
            (torch.rand(1, 1, 4, 5, generator=g).expand(3, 2, -1, -1), -1, 2),
            "one picture is repeated by `expand`, which copies nothing",
            "`view` and `as_strided` trust the memory; slices and F.pad go by the axes.",
        ),
    ]


def _moved(rows: Callable[[int, int], int], columns: Callable[[int, int], int]) -> Answer:
    """The right shift by other distances."""
    return lambda images, down, right: shift_images(images, rows(down, right), columns(down, right))


def _fetched(place: Callable[[Tensor, int], Tensor]) -> Answer:
    """Every row and column is taken from some place, and none is empty."""

    def wrong(images: Tensor, down: int, right: int) -> Tensor:
        height, width = images.shape[-2:]
        rows, columns = (
            place(torch.arange(side) - by, side).clamp(0, side - 1) for side, by in ((height, down), (width, right))
        )
        return images[..., rows[:, None], columns]

    return wrong


def _filled(value: Callable[[Tensor], Tensor | float]) -> Answer:
    """Something else comes in where zeros should."""
    return lambda images, down, right: shift_images(images - value(images), down, right) + value(images)


def _inside(images: Tensor, down: int, right: int) -> tuple[Tensor, Tensor]:
    """Which rows and which columns hold something of the moved picture."""
    places = zip(images.shape[-2:], (down, right), strict=True)
    rows, columns = ((torch.arange(side) >= by) & (torch.arange(side) < side + by) for side, by in places)
    return rows[:, None], columns


def _erased(images: Tensor, down: int, right: int) -> Tensor:
    rows, columns = _inside(images, down, right)
    return images * rows * columns


def _moved_ones(images: Tensor, down: int, right: int) -> Tensor:
    return shift_images(torch.ones_like(images), down, right)


def _padded(images: Tensor, down: int, right: int) -> Tensor:
    return F.pad(images, (max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))


def _cut_from(order: Callable[[int, int, int, int], tuple[int, ...]], exchanged: bool = False) -> Answer:
    """Padded with the four numbers in some order, and cut."""

    def wrong(images: Tensor, down: int, right: int) -> Tensor:
        height, width = images.shape[-2:]
        padded = F.pad(images, order(max(right, 0), max(-right, 0), max(down, 0), max(-down, 0)))
        top, left = max(-down, 0), max(-right, 0)
        if exchanged:
            top, left = left, top
        return padded[..., top : top + height, left : left + width]

    return wrong


def _cropped(images: Tensor, down: int, right: int) -> Tensor:
    height, width = images.shape[-2:]
    return images[..., max(-down, 0) : height - max(down, 0), max(-right, 0) : width - max(right, 0)]


def _rolled(clear: Callable[[Tensor, int, int], Tensor]) -> Answer:
    """Rolled, and something cleared afterwards."""
    return lambda images, down, right: clear(images.roll((down, right), (-2, -1)), down, right)


def _side_for_both(axis: int) -> Answer:
    return lambda images, down, right: shift_images(images, down, right)[
        ..., : images.shape[axis], : images.shape[axis]
    ]


SHIFT_IMAGES = Exercise(
    name="05.shift_images",
    title="The same picture, moved",
    points=2,
    reference=shift_images,
    learns=("images",),
    cases=_cases,
    wild=_wild,
    hints=(
        "`F.pad(images, (left, right, top, bottom))` puts zeros around a picture. To move it 2 down, how many rows "
        "of zeros belong on top? Which rows are then too many?",
        "Pad on one side, then cut a piece of the old height and width out of the padded picture. A shift to the "
        "right pads left and cuts off on the right; a negative one, the other way round.",
        "`max(right, 0)` zeros on the left and `max(-right, 0)` on the right; the piece to keep begins at column "
        "`max(-right, 0)`. Rows likewise, with `down`.",
    ),
    misconceptions=(
        Misconception(
            _rolled(lambda images, down, right: images),
            "What leaves the picture on one side comes in on the other: that is roll. Here it is lost, and zeros "
            "come in.",
            name="comes-back-in",
            also=(
                lambda images, down, right: images.roll((down, right), (-1, -2)),
                lambda images, down, right: images.roll((-down, -right), (-2, -1)),
            ),
        ),
        Misconception(
            _rolled(lambda images, down, right: images * _inside(images, down, right)[0]),
            "Along one axis what leaves the picture comes in on the other side, as roll does it. Zeros come in there, too: "
            "rows and columns both have to be cleared.",
            name="one-axis-comes-back-in",
            also=(_rolled(lambda images, down, right: images * _inside(images, down, right)[1]),),
        ),
        Misconception(
            _rolled(lambda images, down, right: _erased(images, max(down, 0), max(right, 0))),
            "After a move up or to the left, what has left the picture comes in on the other side. Clear the rows at the "
            "bottom and the columns on the right as well.",
            name="negative-comes-back-in",
        ),
        Misconception(
            _rolled(lambda images, down, right: _erased(images, -down, -right)),
            "The zeros are on the wrong side: they erase what should stay and leave what has come round. After a move down "
            "they belong at the top.",
            name="wrong-side-cleared",
            also=(_rolled(lambda images, down, right: _erased(images, -max(down, 0), -max(right, 0))),),
        ),
        Misconception(
            _moved(lambda down, right: -down, lambda down, right: -right),
            "The picture moves the wrong way: positive numbers go down and to the right, so the zeros come in at "
            "the top and on the left.",
            name="wrong-way",
        ),
        Misconception(
            _moved(lambda down, right: -down, lambda down, right: right),
            "The picture moves up where it should move down, and down where it should move up. A positive number goes "
            "down, so the zeros come in at the top.",
            name="up-for-down",
        ),
        Misconception(
            _moved(lambda down, right: down, lambda down, right: -right),
            "The picture moves left where it should move right, and right where it should move left. A positive number "
            "goes right, so the zeros come in on the left.",
            name="left-for-right",
        ),
        Misconception(
            _moved(lambda down, right: right, lambda down, right: down),
            "Down and right are exchanged. The last axis is the width, and F.pad takes its two numbers first.",
            name="axes-exchanged",
            also=(_moved(lambda down, right: -right, lambda down, right: -down),),
        ),
        Misconception(
            _moved(lambda down, right: down, lambda down, right: down),
            "Rows and columns move by one and the same number. Rows move by down, columns by right.",
            name="one-number-for-both",
            also=(_moved(lambda down, right: right, lambda down, right: right),),
        ),
        Misconception(
            _moved(lambda down, right: abs(down), lambda down, right: abs(right)),
            "A negative number moves the picture the same way as a positive one. It should go up, or to the left.",
            name="sign-lost",
            also=(
                _moved(lambda down, right: down, lambda down, right: abs(right)),
                _moved(lambda down, right: abs(down), lambda down, right: right),
            ),
        ),
        Misconception(
            _moved(lambda down, right: max(down, 0), lambda down, right: max(right, 0)),
            "A negative number does not move the picture at all. It should go up, or to the left.",
            name="negative-ignored",
            also=(
                _moved(lambda down, right: max(down, 0), lambda down, right: right),
                _moved(lambda down, right: down, lambda down, right: max(right, 0)),
            ),
        ),
        Misconception(
            _moved(lambda down, right: down, lambda down, right: 0),
            "The picture never moves to the side. Move the columns as you move the rows.",
            name="right-ignored",
        ),
        Misconception(
            _moved(lambda down, right: 0, lambda down, right: right),
            "The picture never moves up or down. Move the rows as you move the columns.",
            name="down-ignored",
        ),
        Misconception(
            _moved(lambda down, right: down, lambda down, right: 0 if down else right),
            "The picture moves along one axis only when both are asked for. Make the second move on the result of the "
            "first.",
            name="one-move-of-two",
            also=(_moved(lambda down, right: 0 if right else down, lambda down, right: right),),
        ),
        Misconception(
            lambda images, down, right: shift_images(images, down, 0) + shift_images(images, 0, right),
            "Two pictures are added, one moved down and one moved to the right. Make the second move on the result of the "
            "first.",
            name="two-pictures-added",
            also=(
                lambda images, down, right: (shift_images(images, down, 0) + shift_images(images, 0, right)) / 2,
                lambda images, down, right: torch.maximum(
                    shift_images(images, down, 0), shift_images(images, 0, right)
                ),
            ),
        ),
        Misconception(
            _moved(lambda d, r: d + (d > 0) - (d < 0), lambda d, r: r + (r > 0) - (r < 0)),
            "The picture moves one pixel too far. Moved by 2, what stood in row 0 stands in row 2.",
            name="one-too-far",
            also=(_moved(lambda d, r: d + 1, lambda d, r: r + 1),),
        ),
        Misconception(
            _moved(lambda d, r: d - (d > 0) + (d < 0), lambda d, r: r - (r > 0) + (r < 0)),
            "The picture moves one pixel less than it should. Moved by 2, what stood in row 0 stands in row 2.",
            name="one-too-short",
            also=(_moved(lambda d, r: d - 1, lambda d, r: r - 1),),
        ),
        Misconception(
            _moved(lambda down, right: 2 * down, lambda down, right: 2 * right),
            "The picture moves twice as far as it should. Pad on one side, or begin the piece later, but not both.",
            name="twice-as-far",
        ),
        Misconception(
            _fetched(lambda place, side: place),
            "Where the picture has moved away, pixels from its edge come in. Zeros should come in there.",
            name="edge-comes-in",
            also=(
                _fetched(lambda place, side: (side - 1) - (place.abs() - (side - 1)).abs()),
                _fetched(lambda place, side: torch.where(place < 0, -1 - place, place).minimum(2 * side - 1 - place)),
            ),
        ),
        Misconception(
            _filled(lambda images: 1.0),
            "Where the picture has moved away, something other than zeros comes in. F.pad and torch.zeros bring zeros by "
            "themselves.",
            name="not-zeros",
            also=(
                _filled(lambda images: images.mean()),
                _filled(lambda images: images.mean((-2, -1), keepdim=True)),
                _filled(lambda images: 0.5),
                _filled(lambda images: -1.0),
                _filled(lambda images: images.amin()),
                _filled(lambda images: images.amax()),
            ),
        ),
        Misconception(
            _cut_from(lambda right, left, down, up: (right, down, left, up)),
            "F.pad gets the right numbers in another order. It takes those of the last axis first: left, right, top, "
            "bottom.",
            name="pad-order",
            also=(
                _cut_from(lambda right, left, down, up: (down, up, right, left)),
                _cut_from(lambda right, left, down, up: (down, right, up, left)),
            ),
        ),
        Misconception(
            _cut_from(lambda right, left, down, up: (right, left, down, up), exchanged=True),
            "The piece that you cut out of the padded picture begins at the wrong place: its first row and its first column "
            "are exchanged.",
            name="piece-exchanged",
        ),
        Misconception(
            _padded,
            "Zeros come in, but nothing leaves the picture, so it has grown. Cut it to the old height and width.",
            name="not-cropped",
            also=(lambda images, down, right: F.pad(images, (abs(right), abs(right), abs(down), abs(down))),),
        ),
        Misconception(
            _cropped,
            "Something leaves the picture, but no zeros come in, so it has shrunk. Fill it up to the old height and width.",
            name="not-padded",
        ),
        Misconception(
            lambda images, down, right: torch.where(
                _moved_ones(images, down, right) > 0, shift_images(images, down, right), images
            ),
            "Where the picture has moved away, what was there before can still be seen. Begin with zeros, not with a copy of "
            "the picture.",
            name="old-picture-beneath",
            also=(lambda images, down, right: images + shift_images(images, down, right),),
        ),
        Misconception(
            _erased,
            "Zeros come in at the right places, but the rest of the picture stays where it was. Move it, too.",
            name="erased-not-moved",
        ),
        Misconception(
            lambda images, down, right: images,
            "The picture comes back as it was. What you pad on one side you have to cut off on the other.",
            name="unmoved",
        ),
        Misconception(
            lambda images, down, right: images.roll((down, right), (0, 1)),
            "Pictures and channels are moved, not pixels. Height and width are the last two axes.",
            name="wrong-axes",
            also=(
                lambda images, down, right: images.roll((down, right), (1, 2)),
                lambda images, down, right: images.roll((down, right), (0, 2)),
            ),
        ),
        Misconception(
            _side_for_both(-1),
            "One side stands for height and width, which is right for square pictures only.",
            name="squares-only",
            also=(_side_for_both(-2),),
        ),
    ),
)
