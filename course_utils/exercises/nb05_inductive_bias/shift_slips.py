"""Misconceptions about shifting an image."""

import torch
from torch.nn import functional as F

from course_utils.analysis.probes import shift_images
from course_utils.exercises.exercise import Misconception
from course_utils.exercises.nb05_inductive_bias import shift_moves as slips

MISCONCEPTIONS = (
    Misconception(
        "comes-back-in",
        "What leaves the image on one side comes in on the other, as with roll. It should be lost, and zeros should "
        "come in.",
        slips.rolled(lambda images, down, right: images),
        lambda images, down, right: images.roll((down, right), (-1, -2)),
        lambda images, down, right: images.roll((-down, -right), (-2, -1)),
    ),
    Misconception(
        "one-axis-comes-back-in",
        "Along one axis, what leaves the image comes in on the other side, as with roll. Clear both rows and "
        "columns.",
        slips.rolled(lambda images, down, right: images * slips.inside(images, down, right)[0]),
        slips.rolled(lambda images, down, right: images * slips.inside(images, down, right)[1]),
    ),
    Misconception(
        "negative-comes-back-in",
        "After a shift up or to the left, what has left the image comes in on the other side. Clear the rows at the "
        "bottom and the columns on the right as well.",
        slips.rolled(lambda images, down, right: slips.erased(images, max(down, 0), max(right, 0))),
    ),
    Misconception(
        "wrong-side-cleared",
        "The zeros are on the wrong side: they erase what should stay and leave what came in on the other side. "
        "After a shift down they belong at the top.",
        slips.rolled(lambda images, down, right: slips.erased(images, -down, -right)),
        slips.rolled(lambda images, down, right: slips.erased(images, -max(down, 0), -max(right, 0))),
    ),
    Misconception(
        "wrong-way",
        "The image moves the wrong way: positive numbers go down and to the right, so the zeros come in at the top "
        "and on the left.",
        slips.moved(lambda down, right: -down, lambda down, right: -right),
    ),
    Misconception(
        "up-for-down",
        "The image moves up instead of down, and down instead of up. A positive number moves it down, so the zeros "
        "come in at the top.",
        slips.moved(lambda down, right: -down, lambda down, right: right),
    ),
    Misconception(
        "left-for-right",
        "The image moves left instead of right, and right instead of left. A positive number moves it right, so the "
        "zeros come in on the left.",
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
        "A negative number moves the image the same way as a positive one. It should go up, or to the left.",
        slips.moved(lambda down, right: abs(down), lambda down, right: abs(right)),
        slips.moved(lambda down, right: down, lambda down, right: abs(right)),
        slips.moved(lambda down, right: abs(down), lambda down, right: right),
    ),
    Misconception(
        "negative-ignored",
        "A negative number does not move the image at all. It should go up, or to the left.",
        slips.moved(lambda down, right: max(down, 0), lambda down, right: max(right, 0)),
        slips.moved(lambda down, right: max(down, 0), lambda down, right: right),
        slips.moved(lambda down, right: down, lambda down, right: max(right, 0)),
    ),
    Misconception(
        "right-ignored",
        "The image never moves to the side. Move the columns as you move the rows.",
        slips.moved(lambda down, right: down, lambda down, right: 0),
    ),
    Misconception(
        "down-ignored",
        "The image never moves up or down. Move the rows as you move the columns.",
        slips.moved(lambda down, right: 0, lambda down, right: right),
    ),
    Misconception(
        "one-move-of-two",
        "The image moves along only one axis when it should move along both. Apply the second shift to the result of "
        "the first.",
        slips.moved(lambda down, right: down, lambda down, right: 0 if down else right),
        slips.moved(lambda down, right: 0 if right else down, lambda down, right: right),
    ),
    Misconception(
        "two-pictures-added",
        "Two images are added, one moved down and one moved to the right. Apply the second shift to the result of "
        "the first.",
        lambda images, down, right: shift_images(images, down, 0) + shift_images(images, 0, right),
        lambda images, down, right: (shift_images(images, down, 0) + shift_images(images, 0, right)) / 2,
        lambda images, down, right: torch.maximum(shift_images(images, down, 0), shift_images(images, 0, right)),
    ),
    Misconception(
        "one-too-far",
        "The image moves one pixel too far. If it moves down by 2, row 0 becomes row 2.",
        slips.moved(lambda d, r: d + (d > 0) - (d < 0), lambda d, r: r + (r > 0) - (r < 0)),
        slips.moved(lambda d, r: d + 1, lambda d, r: r + 1),
    ),
    Misconception(
        "one-too-short",
        "The image moves one pixel less than it should. If it moves down by 2, row 0 becomes row 2.",
        slips.moved(lambda d, r: d - (d > 0) + (d < 0), lambda d, r: r - (r > 0) + (r < 0)),
        slips.moved(lambda d, r: d - 1, lambda d, r: r - 1),
    ),
    Misconception(
        "twice-as-far",
        "The image moves twice as far as it should. Pad on one side, or crop from a later start, but not both.",
        slips.moved(lambda down, right: 2 * down, lambda down, right: 2 * right),
    ),
    Misconception(
        "edge-comes-in",
        "Pixels of the image, such as its edge or its mirror image, come in where the image has moved away. Zeros "
        "should come in there.",
        slips.fetched(lambda place, side: place),
        slips.fetched(lambda place, side: place.abs() % side),
        slips.fetched(lambda place, side: (side - 1) - (place.abs() - (side - 1)).abs()),
        slips.fetched(lambda place, side: torch.where(place < 0, -1 - place, place).minimum(2 * side - 1 - place)),
    ),
    Misconception(
        "not-zeros",
        "Something other than zeros comes in where the image has moved away. F.pad and torch.zeros give zeros by "
        "default.",
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
        "F.pad gets the right numbers in the wrong order. It takes those of the last axis first: left, right, top, "
        "bottom.",
        slips.cut_from(lambda right, left, down, up: (right, down, left, up)),
        slips.cut_from(lambda right, left, down, up: (down, up, right, left)),
        slips.cut_from(lambda right, left, down, up: (down, right, up, left)),
    ),
    Misconception(
        "piece-exchanged",
        "The crop of the padded image begins at the wrong position: its first row and its first column are swapped.",
        slips.cut_from(lambda right, left, down, up: (right, left, down, up), exchanged=True),
    ),
    Misconception(
        "not-cropped",
        "Zeros come in, but nothing leaves the image, so it has grown. Crop it to the old height and width.",
        slips.padded,
        lambda images, down, right: F.pad(images, (abs(right), abs(right), abs(down), abs(down))),
    ),
    Misconception(
        "not-padded",
        "Something leaves the image, but no zeros come in, so it has shrunk. Fill it up to the old height and width.",
        slips.cropped,
    ),
    Misconception(
        "old-picture-beneath",
        "Where the image has moved away, the old pixels are still there. Begin with zeros, not with a copy of the "
        "image.",
        lambda images, down, right: torch.where(
            slips.moved_ones(images, down, right) > 0, shift_images(images, down, right), images
        ),
        lambda images, down, right: images + shift_images(images, down, right),
    ),
    Misconception(
        "erased-not-moved",
        "Zeros come in at the right positions, but the rest of the image stays where it was. Move it, too.",
        slips.erased,
    ),
    Misconception(
        "unmoved",
        "The image is unchanged. Remove on one side as much as you pad on the other.",
        lambda images, down, right: images,
    ),
    Misconception(
        "wrong-axes",
        "The images are moved along the wrong axes: height and width are the last two.",
        lambda images, down, right: images.roll((down, right), (0, 1)),
        lambda images, down, right: images.roll((down, right), (1, 2)),
        lambda images, down, right: images.roll((down, right), (0, 2)),
        lambda images, down, right: images.roll((down, right), (1, 3)),
    ),
    Misconception(
        "squares-only",
        "One side is used for both height and width, which is right only for square images.",
        slips.side_for_both(-1),
        slips.side_for_both(-2),
    ),
    Misconception(
        "cleared-from-the-top",
        "After a shift up or to the left, you clear what should stay and leave what came in on the other side. With "
        "a negative number the zeros belong at the bottom or on the right; note that `[:-1]` is all but the last.",
        slips.cleared_up_to(lambda down: down, lambda right: right),
        slips.cleared_up_to(lambda down: down, lambda right: None),
        slips.cleared_up_to(lambda down: None, lambda right: right),
        slips.cleared_up_to(abs, abs),
        slips.cleared_up_to(abs, lambda right: None),
        slips.cleared_up_to(lambda down: None, abs),
    ),
    Misconception(
        "zero-clears-all",
        "When down or right is 0, the whole image is cleared. `[0:]` and `[-0:]` are the whole axis: do nothing "
        "along that axis.",
        lambda images, down, right: shift_images(images, down, right) * (down != 0) * (right != 0),
        lambda images, down, right: shift_images(images, down, right) * (down != 0),
        lambda images, down, right: shift_images(images, down, right) * (right != 0),
    ),
    Misconception(
        "slices-for-positive-numbers",
        "Your slices are right only for positive numbers. Negative numbers count from the other end, and `[:-0]` is "
        "empty.",
        slips.for_positive_numbers,
        slips.one_axis_at_a_time,
    ),
    Misconception(
        "both-along-one-axis",
        "Rows or columns move by both down and right, and the others do not move. Rows move by down, columns by "
        "right.",
        slips.moved(lambda down, right: down + right, lambda down, right: 0),
        slips.moved(lambda down, right: 0, lambda down, right: down + right),
        lambda images, down, right: images.roll((down, right), (-2, -2)),
        lambda images, down, right: images.roll((down, right), (-1, -1)),
    ),
    Misconception(
        "one-long-line",
        "All numbers are moved as one long sequence, so what leaves a row or an image comes in at another one. It "
        "should be lost, and zeros should come in.",
        lambda images, down, right: images.roll(down * images.shape[-1] + right),
    ),
    Misconception(
        "edge-lost",
        "A row or a column at the edge of the image is lost, although it should only move. The first has index 0, "
        "the last height - 1 or width - 1.",
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
        "One row or one column of what has left the image still comes in on the other side. After a shift by 2, two "
        "rows or columns should be zero.",
        slips.rolled(
            lambda images, down, right: slips.erased(images, down - slips.sign(down), right - slips.sign(right))
        ),
        slips.rolled(lambda images, down, right: slips.erased(images, down - slips.sign(down), right)),
        slips.rolled(lambda images, down, right: slips.erased(images, down, right - slips.sign(right))),
    ),
)
