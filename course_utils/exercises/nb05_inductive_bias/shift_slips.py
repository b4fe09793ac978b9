"""What goes wrong in moving a picture."""

import torch
from torch.nn import functional as F

from course_utils.analysis.probes import shift_images
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb05_inductive_bias.shift_moves import (
    cleared_up_to,
    cropped,
    cut_from,
    erased,
    fetched,
    filled,
    for_positive_numbers,
    inside,
    moved,
    moved_ones,
    one_axis_at_a_time,
    padded,
    rolled,
    side_for_both,
    sign,
    without_edge,
)

MISCONCEPTIONS = (
    Misconception(
        rolled(lambda images, down, right: images),
        "What leaves the picture on one side comes in on the other: that is roll. It should be lost, and zeros come in.",
        name="comes-back-in",
        also=(
            lambda images, down, right: images.roll((down, right), (-1, -2)),
            lambda images, down, right: images.roll((-down, -right), (-2, -1)),
        ),
    ),
    Misconception(
        rolled(lambda images, down, right: images * inside(images, down, right)[0]),
        "Along one axis what leaves the picture comes in on the other side, as roll does it. Zeros come in there, too: "
        "rows and columns both have to be cleared.",
        name="one-axis-comes-back-in",
        also=(rolled(lambda images, down, right: images * inside(images, down, right)[1]),),
    ),
    Misconception(
        rolled(lambda images, down, right: erased(images, max(down, 0), max(right, 0))),
        "After a move up or to the left, what has left the picture comes in on the other side. Clear the rows at the "
        "bottom and the columns on the right as well.",
        name="negative-comes-back-in",
    ),
    Misconception(
        rolled(lambda images, down, right: erased(images, -down, -right)),
        "The zeros are on the wrong side: they erase what should stay and leave what has come in on the other side. After "
        "a move down they belong at the top.",
        name="wrong-side-cleared",
        also=(rolled(lambda images, down, right: erased(images, -max(down, 0), -max(right, 0))),),
    ),
    Misconception(
        moved(lambda down, right: -down, lambda down, right: -right),
        "The picture moves the wrong way: positive numbers go down and to the right, so the zeros come in at "
        "the top and on the left.",
        name="wrong-way",
    ),
    Misconception(
        moved(lambda down, right: -down, lambda down, right: right),
        "The picture moves up where it should move down, and down where it should move up. A positive number goes "
        "down, so the zeros come in at the top.",
        name="up-for-down",
    ),
    Misconception(
        moved(lambda down, right: down, lambda down, right: -right),
        "The picture moves left where it should move right, and right where it should move left. A positive number "
        "goes right, so the zeros come in on the left.",
        name="left-for-right",
    ),
    Misconception(
        moved(lambda down, right: right, lambda down, right: down),
        "Down and right are swapped. The last axis is the width, and F.pad takes its two numbers first.",
        name="axes-exchanged",
        also=(moved(lambda down, right: -right, lambda down, right: -down),),
    ),
    Misconception(
        moved(lambda down, right: down, lambda down, right: down),
        "Rows and columns move by the same number. Rows move by down, columns by right.",
        name="one-number-for-both",
        also=(moved(lambda down, right: right, lambda down, right: right),),
    ),
    Misconception(
        moved(lambda down, right: abs(down), lambda down, right: abs(right)),
        "A negative number moves the picture the same way as a positive one. It should go up, or to the left.",
        name="sign-lost",
        also=(
            moved(lambda down, right: down, lambda down, right: abs(right)),
            moved(lambda down, right: abs(down), lambda down, right: right),
        ),
    ),
    Misconception(
        moved(lambda down, right: max(down, 0), lambda down, right: max(right, 0)),
        "A negative number does not move the picture at all. It should go up, or to the left.",
        name="negative-ignored",
        also=(
            moved(lambda down, right: max(down, 0), lambda down, right: right),
            moved(lambda down, right: down, lambda down, right: max(right, 0)),
        ),
    ),
    Misconception(
        moved(lambda down, right: down, lambda down, right: 0),
        "The picture never moves to the side. Move the columns as you move the rows.",
        name="right-ignored",
    ),
    Misconception(
        moved(lambda down, right: 0, lambda down, right: right),
        "The picture never moves up or down. Move the rows as you move the columns.",
        name="down-ignored",
    ),
    Misconception(
        moved(lambda down, right: down, lambda down, right: 0 if down else right),
        "The picture moves along one axis only when both are asked for. Make the second move on the result of the "
        "first.",
        name="one-move-of-two",
        also=(moved(lambda down, right: 0 if right else down, lambda down, right: right),),
    ),
    Misconception(
        lambda images, down, right: shift_images(images, down, 0) + shift_images(images, 0, right),
        "Two pictures are added, one moved down and one moved to the right. Make the second move on the result of the "
        "first.",
        name="two-pictures-added",
        also=(
            lambda images, down, right: (shift_images(images, down, 0) + shift_images(images, 0, right)) / 2,
            lambda images, down, right: torch.maximum(shift_images(images, down, 0), shift_images(images, 0, right)),
        ),
    ),
    Misconception(
        moved(lambda d, r: d + (d > 0) - (d < 0), lambda d, r: r + (r > 0) - (r < 0)),
        "The picture moves one pixel too far. Moved down by 2, what was in row 0 is in row 2.",
        name="one-too-far",
        also=(moved(lambda d, r: d + 1, lambda d, r: r + 1),),
    ),
    Misconception(
        moved(lambda d, r: d - (d > 0) + (d < 0), lambda d, r: r - (r > 0) + (r < 0)),
        "The picture moves one pixel less than it should. Moved down by 2, what was in row 0 is in row 2.",
        name="one-too-short",
        also=(moved(lambda d, r: d - 1, lambda d, r: r - 1),),
    ),
    Misconception(
        moved(lambda down, right: 2 * down, lambda down, right: 2 * right),
        "The picture moves twice as far as it should. Pad on one side, or begin the piece later, but not both.",
        name="twice-as-far",
    ),
    Misconception(
        fetched(lambda place, side: place),
        "Where the picture has moved away, pixels of the picture come in, such as its edge or its mirror image. Zeros should "
        "come in there.",
        name="edge-comes-in",
        also=(
            fetched(lambda place, side: place.abs() % side),
            fetched(lambda place, side: (side - 1) - (place.abs() - (side - 1)).abs()),
            fetched(lambda place, side: torch.where(place < 0, -1 - place, place).minimum(2 * side - 1 - place)),
        ),
    ),
    Misconception(
        filled(lambda images: 1.0),
        "Where the picture has moved away, something other than zeros comes in. F.pad and torch.zeros bring zeros by "
        "themselves.",
        name="not-zeros",
        also=(
            filled(lambda images: images.mean()),
            filled(lambda images: images.mean((-2, -1), keepdim=True)),
            filled(lambda images: 0.5),
            filled(lambda images: -1.0),
            filled(lambda images: images.amin()),
            filled(lambda images: images.amax()),
        ),
    ),
    Misconception(
        cut_from(lambda right, left, down, up: (right, down, left, up)),
        "F.pad gets the right numbers in another order. It takes those of the last axis first: left, right, top, "
        "bottom.",
        name="pad-order",
        also=(
            cut_from(lambda right, left, down, up: (down, up, right, left)),
            cut_from(lambda right, left, down, up: (down, right, up, left)),
        ),
    ),
    Misconception(
        cut_from(lambda right, left, down, up: (right, left, down, up), exchanged=True),
        "The piece that you cut out of the padded picture begins at the wrong place: its first row and its first column "
        "are swapped.",
        name="piece-exchanged",
    ),
    Misconception(
        padded,
        "Zeros come in, but nothing leaves the picture, so it has grown. Cut it to the old height and width.",
        name="not-cropped",
        also=(lambda images, down, right: F.pad(images, (abs(right), abs(right), abs(down), abs(down))),),
    ),
    Misconception(
        cropped,
        "Something leaves the picture, but no zeros come in, so it has shrunk. Fill it up to the old height and width.",
        name="not-padded",
    ),
    Misconception(
        lambda images, down, right: torch.where(
            moved_ones(images, down, right) > 0, shift_images(images, down, right), images
        ),
        "Where the picture has moved away, what was there before can still be seen. Begin with zeros, not with a copy of "
        "the picture.",
        name="old-picture-beneath",
        also=(lambda images, down, right: images + shift_images(images, down, right),),
    ),
    Misconception(
        erased,
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
        "The pictures are moved along the wrong axes: height and width are the last two.",
        name="wrong-axes",
        also=(
            lambda images, down, right: images.roll((down, right), (1, 2)),
            lambda images, down, right: images.roll((down, right), (0, 2)),
            lambda images, down, right: images.roll((down, right), (1, 3)),
        ),
    ),
    Misconception(
        side_for_both(-1),
        "One side is used for both height and width, which is right for square pictures only.",
        name="squares-only",
        also=(side_for_both(-2),),
    ),
    Misconception(
        cleared_up_to(lambda down: down, lambda right: right),
        "After a move up or to the left you clear what should stay, and leave what has come in on the other side. With a "
        "negative number the zeros belong at the bottom or on the right; and `[:-1]` is all but the last.",
        name="cleared-from-the-top",
        also=(
            cleared_up_to(lambda down: down, lambda right: None),
            cleared_up_to(lambda down: None, lambda right: right),
            cleared_up_to(abs, abs),
            cleared_up_to(abs, lambda right: None),
            cleared_up_to(lambda down: None, abs),
        ),
    ),
    Misconception(
        lambda images, down, right: shift_images(images, down, right) * (down != 0) * (right != 0),
        "When down or right is 0, nothing is left of the picture. `[0:]` and `[-0:]` are the whole axis: move and clear "
        "nothing along it then.",
        name="zero-clears-all",
        also=(
            lambda images, down, right: shift_images(images, down, right) * (down != 0),
            lambda images, down, right: shift_images(images, down, right) * (right != 0),
        ),
    ),
    Misconception(
        for_positive_numbers,
        "Your slices are right for positive numbers only. With a negative number they count from the other end, and `[:-0]` "
        "is empty.",
        name="slices-for-positive-numbers",
        also=(one_axis_at_a_time,),
    ),
    Misconception(
        moved(lambda down, right: down + right, lambda down, right: 0),
        "Rows or columns move by down and by right, and the others not at all. Rows move by down, columns by right.",
        name="both-along-one-axis",
        also=(
            moved(lambda down, right: 0, lambda down, right: down + right),
            lambda images, down, right: images.roll((down, right), (-2, -2)),
            lambda images, down, right: images.roll((down, right), (-1, -1)),
        ),
    ),
    Misconception(
        lambda images, down, right: images.roll(down * images.shape[-1] + right),
        "All numbers are moved as one long line, so what leaves a row or a picture comes in at another one. It should be "
        "lost, and zeros come in.",
        name="one-long-line",
    ),
    Misconception(
        without_edge(lambda down: 1, lambda right: 1),
        "A row or a column at the edge of the picture is lost, although it should only move. The first has number 0, the "
        "last height - 1 or width - 1.",
        name="edge-lost",
        also=(
            without_edge(lambda down: 1, lambda right: 0),
            without_edge(lambda down: 0, lambda right: 1),
            without_edge(lambda down: -1, lambda right: -1),
            without_edge(lambda down: -1, lambda right: 0),
            without_edge(lambda down: 0, lambda right: -1),
            without_edge(sign, sign),
            without_edge(sign, lambda right: 0),
            without_edge(lambda down: 0, sign),
        ),
    ),
    Misconception(
        rolled(lambda images, down, right: erased(images, down - sign(down), right - sign(right))),
        "One row or one column of what has left the picture still comes in on the other side. Moved by 2, two of them "
        "should be zero.",
        name="one-too-few-cleared",
        also=(
            rolled(lambda images, down, right: erased(images, down - sign(down), right)),
            rolled(lambda images, down, right: erased(images, down, right - sign(right))),
        ),
    ),
)
