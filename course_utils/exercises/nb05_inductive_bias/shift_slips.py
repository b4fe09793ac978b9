"""What goes wrong in moving a picture."""

import torch
from torch.nn import functional as F

from course_utils.analysis.probes import shift_images
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb05_inductive_bias import shift_moves as slips

MISCONCEPTIONS = (
    Misconception(
        "comes-back-in",
        "What leaves the picture on one side comes in on the other: that is roll. It should be lost, and zeros come in.",
        slips.rolled(lambda images, down, right: images),
        lambda images, down, right: images.roll((down, right), (-1, -2)),
        lambda images, down, right: images.roll((-down, -right), (-2, -1)),
    ),
    Misconception(
        "one-axis-comes-back-in",
        "Along one axis what leaves the picture comes in on the other side, as roll does it. Zeros come in there, too: "
        "rows and columns both have to be cleared.",
        slips.rolled(lambda images, down, right: images * slips.inside(images, down, right)[0]),
        slips.rolled(lambda images, down, right: images * slips.inside(images, down, right)[1]),
    ),
    Misconception(
        "negative-comes-back-in",
        "After a move up or to the left, what has left the picture comes in on the other side. Clear the rows at the "
        "bottom and the columns on the right as well.",
        slips.rolled(lambda images, down, right: slips.erased(images, max(down, 0), max(right, 0))),
    ),
    Misconception(
        "wrong-side-cleared",
        "The zeros are on the wrong side: they erase what should stay and leave what has come in on the other side. After "
        "a move down they belong at the top.",
        slips.rolled(lambda images, down, right: slips.erased(images, -down, -right)),
        slips.rolled(lambda images, down, right: slips.erased(images, -max(down, 0), -max(right, 0))),
    ),
    Misconception(
        "wrong-way",
        "The picture moves the wrong way: positive numbers go down and to the right, so the zeros come in at "
        "the top and on the left.",
        slips.moved(lambda down, right: -down, lambda down, right: -right),
    ),
    Misconception(
        "up-for-down",
        "The picture moves up where it should move down, and down where it should move up. A positive number goes "
        "down, so the zeros come in at the top.",
        slips.moved(lambda down, right: -down, lambda down, right: right),
    ),
    Misconception(
        "left-for-right",
        "The picture moves left where it should move right, and right where it should move left. A positive number "
        "goes right, so the zeros come in on the left.",
        slips.moved(lambda down, right: down, lambda down, right: -right),
    ),
    Misconception(
        "axes-exchanged",
        "Down and right are swapped. The last axis is the width, and F.pad takes its two numbers first.",
        slips.moved(lambda down, right: right, lambda down, right: down),
        slips.moved(lambda down, right: -right, lambda down, right: -down),
    ),
    Misconception(
        "one-number-for-both",
        "Rows and columns move by the same number. Rows move by down, columns by right.",
        slips.moved(lambda down, right: down, lambda down, right: down),
        slips.moved(lambda down, right: right, lambda down, right: right),
    ),
    Misconception(
        "sign-lost",
        "A negative number moves the picture the same way as a positive one. It should go up, or to the left.",
        slips.moved(lambda down, right: abs(down), lambda down, right: abs(right)),
        slips.moved(lambda down, right: down, lambda down, right: abs(right)),
        slips.moved(lambda down, right: abs(down), lambda down, right: right),
    ),
    Misconception(
        "negative-ignored",
        "A negative number does not move the picture at all. It should go up, or to the left.",
        slips.moved(lambda down, right: max(down, 0), lambda down, right: max(right, 0)),
        slips.moved(lambda down, right: max(down, 0), lambda down, right: right),
        slips.moved(lambda down, right: down, lambda down, right: max(right, 0)),
    ),
    Misconception(
        "right-ignored",
        "The picture never moves to the side. Move the columns as you move the rows.",
        slips.moved(lambda down, right: down, lambda down, right: 0),
    ),
    Misconception(
        "down-ignored",
        "The picture never moves up or down. Move the rows as you move the columns.",
        slips.moved(lambda down, right: 0, lambda down, right: right),
    ),
    Misconception(
        "one-move-of-two",
        "The picture moves along one axis only when both are asked for. Make the second move on the result of the "
        "first.",
        slips.moved(lambda down, right: down, lambda down, right: 0 if down else right),
        slips.moved(lambda down, right: 0 if right else down, lambda down, right: right),
    ),
    Misconception(
        "two-pictures-added",
        "Two pictures are added, one moved down and one moved to the right. Make the second move on the result of the "
        "first.",
        lambda images, down, right: shift_images(images, down, 0) + shift_images(images, 0, right),
        lambda images, down, right: (shift_images(images, down, 0) + shift_images(images, 0, right)) / 2,
        lambda images, down, right: torch.maximum(shift_images(images, down, 0), shift_images(images, 0, right)),
    ),
    Misconception(
        "one-too-far",
        "The picture moves one pixel too far. Moved down by 2, what was in row 0 is in row 2.",
        slips.moved(lambda d, r: d + (d > 0) - (d < 0), lambda d, r: r + (r > 0) - (r < 0)),
        slips.moved(lambda d, r: d + 1, lambda d, r: r + 1),
    ),
    Misconception(
        "one-too-short",
        "The picture moves one pixel less than it should. Moved down by 2, what was in row 0 is in row 2.",
        slips.moved(lambda d, r: d - (d > 0) + (d < 0), lambda d, r: r - (r > 0) + (r < 0)),
        slips.moved(lambda d, r: d - 1, lambda d, r: r - 1),
    ),
    Misconception(
        "twice-as-far",
        "The picture moves twice as far as it should. Pad on one side, or begin the piece later, but not both.",
        slips.moved(lambda down, right: 2 * down, lambda down, right: 2 * right),
    ),
    Misconception(
        "edge-comes-in",
        "Where the picture has moved away, pixels of the picture come in, such as its edge or its mirror image. Zeros should "
        "come in there.",
        slips.fetched(lambda place, side: place),
        slips.fetched(lambda place, side: place.abs() % side),
        slips.fetched(lambda place, side: (side - 1) - (place.abs() - (side - 1)).abs()),
        slips.fetched(lambda place, side: torch.where(place < 0, -1 - place, place).minimum(2 * side - 1 - place)),
    ),
    Misconception(
        "not-zeros",
        "Where the picture has moved away, something other than zeros comes in. F.pad and torch.zeros bring zeros by "
        "themselves.",
        slips.filled(lambda images: 1.0),
        slips.filled(lambda images: images.mean()),
        slips.filled(lambda images: images.mean((-2, -1), keepdim=True)),
        slips.filled(lambda images: 0.5),
        slips.filled(lambda images: -1.0),
        slips.filled(lambda images: images.amin()),
        slips.filled(lambda images: images.amax()),
    ),
    Misconception(
        "pad-order",
        "F.pad gets the right numbers in another order. It takes those of the last axis first: left, right, top, "
        "bottom.",
        slips.cut_from(lambda right, left, down, up: (right, down, left, up)),
        slips.cut_from(lambda right, left, down, up: (down, up, right, left)),
        slips.cut_from(lambda right, left, down, up: (down, right, up, left)),
    ),
    Misconception(
        "piece-exchanged",
        "The piece that you cut out of the padded picture begins at the wrong place: its first row and its first column "
        "are swapped.",
        slips.cut_from(lambda right, left, down, up: (right, left, down, up), exchanged=True),
    ),
    Misconception(
        "not-cropped",
        "Zeros come in, but nothing leaves the picture, so it has grown. Cut it to the old height and width.",
        slips.padded,
        lambda images, down, right: F.pad(images, (abs(right), abs(right), abs(down), abs(down))),
    ),
    Misconception(
        "not-padded",
        "Something leaves the picture, but no zeros come in, so it has shrunk. Fill it up to the old height and width.",
        slips.cropped,
    ),
    Misconception(
        "old-picture-beneath",
        "Where the picture has moved away, what was there before can still be seen. Begin with zeros, not with a copy of "
        "the picture.",
        lambda images, down, right: torch.where(
            slips.moved_ones(images, down, right) > 0, shift_images(images, down, right), images
        ),
        lambda images, down, right: images + shift_images(images, down, right),
    ),
    Misconception(
        "erased-not-moved",
        "Zeros come in at the right places, but the rest of the picture stays where it was. Move it, too.",
        slips.erased,
    ),
    Misconception(
        "unmoved",
        "The picture comes back as it was. What you pad on one side you have to cut off on the other.",
        lambda images, down, right: images,
    ),
    Misconception(
        "wrong-axes",
        "The pictures are moved along the wrong axes: height and width are the last two.",
        lambda images, down, right: images.roll((down, right), (0, 1)),
        lambda images, down, right: images.roll((down, right), (1, 2)),
        lambda images, down, right: images.roll((down, right), (0, 2)),
        lambda images, down, right: images.roll((down, right), (1, 3)),
    ),
    Misconception(
        "squares-only",
        "One side is used for both height and width, which is right for square pictures only.",
        slips.side_for_both(-1),
        slips.side_for_both(-2),
    ),
    Misconception(
        "cleared-from-the-top",
        "After a move up or to the left you clear what should stay, and leave what has come in on the other side. With a "
        "negative number the zeros belong at the bottom or on the right; and `[:-1]` is all but the last.",
        slips.cleared_up_to(lambda down: down, lambda right: right),
        slips.cleared_up_to(lambda down: down, lambda right: None),
        slips.cleared_up_to(lambda down: None, lambda right: right),
        slips.cleared_up_to(abs, abs),
        slips.cleared_up_to(abs, lambda right: None),
        slips.cleared_up_to(lambda down: None, abs),
    ),
    Misconception(
        "zero-clears-all",
        "When down or right is 0, nothing is left of the picture. `[0:]` and `[-0:]` are the whole axis: move and clear "
        "nothing along it then.",
        lambda images, down, right: shift_images(images, down, right) * (down != 0) * (right != 0),
        lambda images, down, right: shift_images(images, down, right) * (down != 0),
        lambda images, down, right: shift_images(images, down, right) * (right != 0),
    ),
    Misconception(
        "slices-for-positive-numbers",
        "Your slices are right for positive numbers only. With a negative number they count from the other end, and `[:-0]` "
        "is empty.",
        slips.for_positive_numbers,
        slips.one_axis_at_a_time,
    ),
    Misconception(
        "both-along-one-axis",
        "Rows or columns move by down and by right, and the others not at all. Rows move by down, columns by right.",
        slips.moved(lambda down, right: down + right, lambda down, right: 0),
        slips.moved(lambda down, right: 0, lambda down, right: down + right),
        lambda images, down, right: images.roll((down, right), (-2, -2)),
        lambda images, down, right: images.roll((down, right), (-1, -1)),
    ),
    Misconception(
        "one-long-line",
        "All numbers are moved as one long line, so what leaves a row or a picture comes in at another one. It should be "
        "lost, and zeros come in.",
        lambda images, down, right: images.roll(down * images.shape[-1] + right),
    ),
    Misconception(
        "edge-lost",
        "A row or a column at the edge of the picture is lost, although it should only move. The first has number 0, the "
        "last height - 1 or width - 1.",
        slips.without_edge(lambda down: 1, lambda right: 1),
        slips.without_edge(lambda down: 1, lambda right: 0),
        slips.without_edge(lambda down: 0, lambda right: 1),
        slips.without_edge(lambda down: -1, lambda right: -1),
        slips.without_edge(lambda down: -1, lambda right: 0),
        slips.without_edge(lambda down: 0, lambda right: -1),
        slips.without_edge(slips.sign, slips.sign),
        slips.without_edge(slips.sign, lambda right: 0),
        slips.without_edge(lambda down: 0, slips.sign),
    ),
    Misconception(
        "one-too-few-cleared",
        "One row or one column of what has left the picture still comes in on the other side. Moved by 2, two of them "
        "should be zero.",
        slips.rolled(
            lambda images, down, right: slips.erased(images, down - slips.sign(down), right - slips.sign(right))
        ),
        slips.rolled(lambda images, down, right: slips.erased(images, down - slips.sign(down), right)),
        slips.rolled(lambda images, down, right: slips.erased(images, down, right - slips.sign(right))),
    ),
)
