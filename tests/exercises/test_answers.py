"""Every exercise: right answers pass, each known wrong one is named, references agree with the world."""

import math
from collections.abc import Callable

import pytest
import torch
from einops import einsum, rearrange, repeat
from torch import Tensor
from torch.nn import functional as F
from torchvision import models

from course_utils.attention import LocalAttention2d, attend
from course_utils.costs import attention_bytes
from course_utils.exercises import Kind, Outcome, examine, exercises, find, solution, stub
from course_utils.exercises.compare import same, tensors_in
from course_utils.exercises.nb04_vit import matrix_bytes, vit_parameters
from course_utils.exercises.observe import observe
from course_utils.window_attention import partition

EVERY = pytest.mark.parametrize("exercise", exercises(), ids=lambda exercise: exercise.name)

# What a notebook imports for its students.
NAMES = {
    "Tensor": Tensor,
    "Callable": Callable,
    "torch": torch,
    "math": math,
    "F": F,
    "rearrange": rearrange,
    "repeat": repeat,
    "einsum": einsum,
}


def cell(source: str, name: str):
    namespace = {**NAMES, "attend": attend, "partition": partition}
    exec(compile(source, "<cell>", "exec"), namespace)
    return namespace[name]


@EVERY
def test_each_known_wrong_answer_is_told_its_own_message(exercise):
    messages = [misconception.message for misconception in exercise.misconceptions]
    assert len(set(messages)) == len(messages)
    for misconception in exercise.misconceptions:
        verdict = examine(exercise, misconception.wrong)
        assert (verdict.kind, verdict.message) == (Kind.MISCONCEPTION, misconception.message)


def distance(one, other):
    """Largest difference between the numbers of two observations; infinite when they differ in form."""
    mine, theirs = tensors_in(one.result), tensors_in(other.result)
    if [(t.shape, t.dtype) for t in mine] != [(t.shape, t.dtype) for t in theirs] or not mine:
        return 0.0 if same(one.result, other.result) else math.inf
    return max((a.double() - b.double()).abs().max().item() for a, b in zip(mine, theirs, strict=True))


@EVERY
def test_no_wrong_answer_hides_near_the_right_one(exercise):
    """A wrong result differs in form, by a whole number, or by a hundred times what rounding could explain."""
    cases = exercise.cases(torch.Generator().manual_seed(0))
    right = observe(exercise.reference, cases)
    for misconception in exercise.misconceptions:
        gaps = [
            distance(answer, wanted)
            for answer, wanted in zip(observe(misconception.wrong, cases), right, strict=True)
        ]
        assert max(gaps) > 0.05, misconception.message


@EVERY
def test_the_stub_is_not_attempted_and_the_solution_passes_with_only_what_a_notebook_imports(exercise):
    name = exercise.reference.__name__
    assert examine(exercise, cell(stub(exercise.name), name)).outcome is Outcome.NOT_ATTEMPTED
    verdict = examine(exercise, cell(solution(exercise.name), name))
    assert verdict.passed
    assert verdict.right == verdict.cases >= 3


def attend_by_hand(query, key, value, mask=None):
    scores = torch.einsum("...qd,...kd->...qk", query, key) * query.shape[-1] ** -0.5
    if mask is not None:
        scores = torch.where(mask, scores, float("-inf"))
    weights = scores.exp() / scores.exp().sum(-1, keepdim=True)
    return torch.einsum("...qk,...kd->...qd", weights, value), weights


def causal_mask_by_comparison(tokens):
    place = torch.arange(tokens)
    return place[:, None] >= place[None, :]


def split_heads_by_view(tokens, heads):
    batch, length, features = tokens.shape
    return tokens.view(batch, length, heads, features // heads).transpose(1, 2)


def cross_attention_fused(tokens, memory, to_query, to_key, to_value):
    return F.scaled_dot_product_attention(to_query(tokens), to_key(memory), to_value(memory))


def encoder_block_step_by_step(tokens, norm1, attention, norm2, mlp):
    residual = tokens
    tokens = norm1(tokens)
    tokens = attention(tokens) + residual
    return mlp(norm2(tokens)).add(tokens)


def receptive_field_from_the_last_layer(layers):
    field = 1
    for kernel, stride in reversed(layers):
        field = (field - 1) * stride + kernel
    return field


def flatten_positions_by_transposing(features):
    return features.flatten(2).transpose(1, 2)


def attend_2d_by_einsum(query, key, value):
    scores = torch.einsum("bchw,bcyx->bhwyx", query, key) / query.shape[1] ** 0.5
    weights = scores.flatten(3).softmax(-1).flatten(1, 2)
    return torch.einsum("bqk,bck->bcq", weights, value.flatten(2)).view_as(value), weights


def attend_by_dot_product_scaling_the_keys(query, key, value):
    weights = torch.einsum("bqd,bkd->bqk", query, key / key.shape[1])
    return torch.bmm(weights, value), weights


def gated_residual_by_addcmul(features, update, gate):
    return torch.addcmul(features, update, gate.expand_as(update))


def patchify_by_convolution(images, patch_size):
    """Each pixel of a patch is picked by a kernel of zeros and one 1."""
    size = images.shape[1] * patch_size**2
    kernel = torch.eye(size).view(size, images.shape[1], patch_size, patch_size)
    return F.conv2d(images, kernel, stride=patch_size).flatten(2).transpose(1, 2)


def projection_kernel_by_view(weight, patch_size):
    return weight.view(weight.shape[0], -1, patch_size, patch_size)


def sequence_written_in_place_of_zeros(patches, class_token, positions):
    tokens = patches.new_zeros(patches.shape[0], patches.shape[1] + 1, patches.shape[2])
    tokens[:, :1] = class_token
    tokens[:, 1:] = patches
    return tokens + positions


def matrix_bytes_in_one_line(image_size, patch_size, layers, heads, class_token=True, bytes_per_number=4):
    return bytes_per_number * heads * layers * ((image_size // patch_size) ** 2 + class_token) ** 2


def vit_parameters_by_multiplying_out(image_size, patch_size, dim, layers, mlp_dim, classes, channels=3):
    patches = (image_size // patch_size) ** 2
    block = 4 * dim**2 + 9 * dim + 2 * dim * mlp_dim + mlp_dim
    return dim * (channels * patch_size**2 + patches + 5 + classes) + classes + layers * block


def attention_rollout_normalising_rows(attention_maps):
    products = []
    for weights in attention_maps:
        layer = weights.mean(1) + torch.eye(weights.shape[-1])
        layer = layer / layer.sum(-1, keepdim=True)
        products.append(layer if not products else torch.bmm(layer, products[-1]))
    return products


def quantise_by_distance_matrix(images, palette):
    return torch.cdist(images.flatten(2).mT, palette.expand(len(images), -1, -1)).argmin(2)


def next_pixel_pairs_written_in_place(tokens, start):
    inputs = tokens.roll(1, dims=1)
    inputs[:, 0] = start
    return inputs, tokens.clone()


def bits_per_pixel_by_cross_entropy(logits, pixels):
    return F.cross_entropy(logits.transpose(1, 2), pixels) / math.log(2)


def masked_loss_by_multiplying(logits, pixels, hidden):
    nats = F.cross_entropy(logits.transpose(1, 2), pixels, reduction="none")
    return (nats * hidden).sum() / hidden.sum()


def cached_step_fused(query, key, value, past_keys, past_values):
    keys, values = torch.cat((past_keys, key), 2), torch.cat((past_values, value), 2)
    return F.scaled_dot_product_attention(query, keys, values), keys, values


def neighbourhoods_by_slices(maps, size, stride=1):
    half = size // 2
    padded = F.pad(maps, (half, half, half, half))
    height, width = maps.shape[-2:]
    shifts = [padded[..., i : i + height, j : j + width] for i in range(size) for j in range(size)]
    return torch.stack(shifts, dim=-1)[:, :, ::stride, ::stride].flatten(2, 3)


def neighbourhood_mask_by_places(height, width, size):
    place = torch.arange(height * width)
    row, column = place // width, place % width
    far = torch.maximum((row[:, None] - row).abs(), (column[:, None] - column).abs())
    return far < (size + 1) / 2


def local_attend_as_attention_with_one_query(query, key, value, inside, prior=0.0):
    scores = (key @ query[..., None])[..., 0] * query.shape[-1] ** -0.5 + prior
    weights = torch.where(inside, scores.exp(), 0)
    weights = weights / weights.sum(-1, keepdim=True)
    return (weights[..., None, :] @ value)[..., 0, :], weights


def relative_positions_by_loops(rows, columns):
    return torch.stack([torch.cat([row, column]) for row in rows for column in columns])


def local_parameters_of_the_layer(channels, out_channels, size):
    return sum(parameter.numel() for parameter in LocalAttention2d(channels, out_channels, size, 2).parameters())


def stochastic_depth_by_where(branch, survival, draws):
    kept = torch.where(draws < survival, 1 / survival, 0.0)
    return torch.einsum("b...,b->b...", branch, kept.expand(len(branch)))


def linear_rule_by_linspace(layers, last):
    return torch.linspace(1, last, layers + 1)[1:]


def smooth_labels_by_interpolation(labels, classes, smoothing):
    even = torch.full((len(labels), classes), 1 / classes)
    return torch.lerp(torch.eye(classes)[labels], even, smoothing)


def mixup_by_indexing(images, targets, share):
    before = (torch.arange(len(images)) - 1) % len(images)
    own = share.expand(len(images))
    pictures = torch.stack([s * a + (1 - s) * b for s, a, b in zip(own, images, images[before], strict=True)])
    return pictures, torch.lerp(targets[before], targets, own[:, None])


def apply_each_picture_by_picture(images, transforms, chosen):
    results = []
    for number, image in enumerate(images):
        for index in chosen[:, number].tolist():
            image = transforms[index](image[None])[0]
        results.append(image)
    return torch.stack(results)


def soft_distillation_by_pytorch(student, teacher, labels, temperature, weight):
    divergence = F.kl_div(
        F.log_softmax(student / temperature, -1),
        F.log_softmax(teacher / temperature, -1),
        reduction="batchmean",
        log_target=True,
    )
    return F.cross_entropy(student, labels) * (1 - weight) + divergence * weight * temperature * temperature


def hard_distillation_by_one_mixed_target(student, teacher, labels, smoothing=0.1):
    classes = student.shape[1]
    label = (1 - smoothing) * F.one_hot(labels, classes) + smoothing / classes
    said = F.one_hot(teacher.softmax(-1).argmax(-1), classes)
    return -((label + said) / 2 * student.log_softmax(-1)).sum(-1).mean()


def token_distillation_by_means(label_logits, distillation_logits, teacher, labels, smoothing=0.1):
    both = [F.cross_entropy(label_logits, labels, label_smoothing=smoothing)]
    both.append(F.cross_entropy(distillation_logits, teacher.max(1).indices))
    return torch.stack(both).mean()


def fuse_by_stacking(label_logits, distillation_logits):
    return torch.stack([label_logits, distillation_logits]).softmax(-1).mean(0)


def shift_images_by_indices(images, down, right):
    height, width = images.shape[-2:]
    row = (torch.arange(height) - down).view(-1, 1).expand(height, width)
    column = (torch.arange(width) - right).expand(height, width)
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    return images[..., row.clamp(0, height - 1), column.clamp(0, width - 1)] * inside


def shuffle_patches_by_unfolding(images, patch_size, order):
    patches = F.unfold(images, patch_size, stride=patch_size)
    return F.fold(patches[:, :, order], images.shape[-2:], patch_size, stride=patch_size)


def attention_distance_by_einsum(weights, distances):
    between = weights[:, :, 1:, 1:]
    far = torch.einsum("bhqk,qk->bhq", between, distances) / (1 - weights[:, :, 1:, 0])
    return far.mean((0, 2))


def achieved_flops_by_sorting(flops, seconds):
    return torch.stack([work / sorted(times)[len(times) // 2] for work, times in zip(flops, seconds, strict=True)])


def partition_by_view(maps, window):
    batch, height, width, dim = maps.shape
    grid = maps.view(batch, height // window, window, width // window, window, dim)
    return grid.transpose(2, 3).flatten(3, 4).flatten(1, 2)


def unpartition_by_rows_of_windows(windows, window, height, width):
    squares = windows.unflatten(2, (window, window)).unflatten(1, (height // window, width // window))
    return torch.cat([torch.cat(list(row.unbind(1)), dim=2) for row in squares.unbind(1)], dim=1)


def shift_mask_by_slices_as_the_papers_authors(height, width, window, shift):
    """Nine slices of the map are numbered, as in the authors' code and torchvision's."""
    number, piece = 0, torch.zeros(height, width)
    for rows in (slice(0, -window), slice(-window, height - shift[0]), slice(height - shift[0], None)):
        for columns in (slice(0, -window), slice(-window, width - shift[1]), slice(width - shift[1], None)):
            piece[rows, columns] = number
            number += 1
    pieces = piece.view(height // window, window, width // window, window).transpose(1, 2).flatten(2).flatten(0, 1)
    return (pieces.unsqueeze(1) - pieces.unsqueeze(2)) == 0


def relative_position_index_of_torchvision(window):
    layer = models.swin_transformer.ShiftedWindowAttention(4, [window, window], [0, 0], 1)
    return layer.relative_position_index.view(window**2, window**2)


def merge_patches_as_torchvision(maps):
    return models.swin_transformer._patch_merging_pad(maps)


def prototypes_class_by_class(features, labels, ways):
    return torch.stack([features[labels == way].mean(dim=0) for way in range(ways)])


def prototype_logits_multiplied_out(queries, centres):
    return 2 * queries @ centres.T - centres.square().sum(1) - queries.square().sum(1, keepdim=True)


def lora_linear_by_merging(inputs, weight, bias, down, up, alpha):
    return F.linear(inputs, weight + alpha / down.shape[0] * (up @ down), bias)


def affine_parameters_of_the_signed_range(low, high, bits):
    low, high = torch.minimum(low, torch.zeros(())), torch.maximum(high, torch.zeros(()))
    scale = (high - low) / (2**bits - 1)
    scale = scale + (scale == 0)
    zero = -(2 ** (bits - 1)) - torch.round(low / scale)
    return scale, zero.clip(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def fake_quantise_by_pytorch(values, scale, zero_point, bits):
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return torch.fake_quantize_per_channel_affine(values, scale.flatten(), zero_point.flatten().int(), 0, least, most)


def similarities_by_cosine(pictures, captions, temperature):
    return F.cosine_similarity(pictures[:, None], captions[None], dim=-1).div(temperature)


def contrastive_loss_by_cross_entropy(logits, same):
    target = F.normalize(same.float(), p=1, dim=1)
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.mT, target)).mul(0.5)


def retrieval_ranks_by_sorting(logits, right):
    places = logits.argsort(dim=1, descending=True).argsort(dim=1)
    return places[torch.arange(len(right)), right] + 1


def pgd_step_of_the_change(pictures, gradient, centre, radius, step_size):
    change = (pictures - centre - step_size * torch.sign(gradient)).clamp(-radius, radius)
    return torch.clamp(centre + change, 0, 1)


OTHER_RIGHT_ANSWERS = {
    "00.attend": attend_by_hand,
    "00.causal_mask": causal_mask_by_comparison,
    "00.split_heads": split_heads_by_view,
    "00.cross_attention": cross_attention_fused,
    "00.encoder_block": encoder_block_step_by_step,
    "01.receptive_field": receptive_field_from_the_last_layer,
    "01.flatten_positions": flatten_positions_by_transposing,
    "01.attend_2d": attend_2d_by_einsum,
    "01.attend_by_dot_product": attend_by_dot_product_scaling_the_keys,
    "01.gated_residual": gated_residual_by_addcmul,
    "03.quantise": quantise_by_distance_matrix,
    "03.next_pixel_pairs": next_pixel_pairs_written_in_place,
    "03.bits_per_pixel": bits_per_pixel_by_cross_entropy,
    "03.masked_loss": masked_loss_by_multiplying,
    "03.cached_step": cached_step_fused,
    "02.neighbourhoods": neighbourhoods_by_slices,
    "02.local_attend": local_attend_as_attention_with_one_query,
    "02.relative_positions": relative_positions_by_loops,
    "02.neighbourhood_mask": neighbourhood_mask_by_places,
    "02.local_parameters": local_parameters_of_the_layer,
    "04.patchify": patchify_by_convolution,
    "04.projection_kernel": projection_kernel_by_view,
    "04.sequence": sequence_written_in_place_of_zeros,
    "04.attention_bytes": matrix_bytes_in_one_line,
    "04.parameters": vit_parameters_by_multiplying_out,
    "04.attention_rollout": attention_rollout_normalising_rows,
    "07.soft_distillation": soft_distillation_by_pytorch,
    "07.hard_distillation": hard_distillation_by_one_mixed_target,
    "07.token_distillation": token_distillation_by_means,
    "07.fuse": fuse_by_stacking,
    "06.stochastic_depth": stochastic_depth_by_where,
    "06.linear_rule": linear_rule_by_linspace,
    "06.label_smoothing": smooth_labels_by_interpolation,
    "06.mixup": mixup_by_indexing,
    "06.apply_each": apply_each_picture_by_picture,
    "05.shift_images": shift_images_by_indices,
    "05.shuffle_patches": shuffle_patches_by_unfolding,
    "05.attention_distance": attention_distance_by_einsum,
    "05.achieved_flops": achieved_flops_by_sorting,
    "09.prototypes": prototypes_class_by_class,
    "09.prototype_logits": prototype_logits_multiplied_out,
    "09.lora_linear": lora_linear_by_merging,
    "09.affine_parameters": affine_parameters_of_the_signed_range,
    "09.fake_quantise": fake_quantise_by_pytorch,
    "08.partition": partition_by_view,
    "08.unpartition": unpartition_by_rows_of_windows,
    "08.shift_mask": shift_mask_by_slices_as_the_papers_authors,
    "08.relative_position_index": relative_position_index_of_torchvision,
    "08.merge_patches": merge_patches_as_torchvision,
    "10.similarities": similarities_by_cosine,
    "10.contrastive_loss": contrastive_loss_by_cross_entropy,
    "10.retrieval_ranks": retrieval_ranks_by_sorting,
    "10.pgd_step": pgd_step_of_the_change,
}


@EVERY
def test_a_right_answer_written_differently_passes(exercise):
    verdict = examine(exercise, OTHER_RIGHT_ANSWERS[exercise.name])
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("dim", [8, 16])
def test_attention_is_tried_on_scores_that_leave_the_softmax_soft(dim):
    """Where every softmax is one-hot, an answer without √dim would pass."""
    cases = [case for case in find("00.attend").cases(torch.Generator().manual_seed(0)) if case[0].shape[-1] == dim]
    assert cases
    for case in cases:
        assert attend(*case)[1].amax(-1).median() < 0.7


def test_bytes_agree_with_the_librarys_and_with_the_slides():
    assert matrix_bytes(224, 16, 12, 12) == attention_bytes(197, heads=12, layers=12)
    assert matrix_bytes(224, 16, 1, 1, class_token=False) == 14**4 * 4
    assert matrix_bytes(256, 16, 48, 16, class_token=False) == 192 * 2**20


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("vit_b_16", (224, 16, 768, 12, 3072, 1000)),
        ("vit_b_32", (224, 32, 768, 12, 3072, 1000)),
        ("vit_l_16", (224, 16, 1024, 24, 4096, 1000)),
        ("vit_l_32", (224, 32, 1024, 24, 4096, 1000)),
        ("vit_h_14", (224, 14, 1280, 32, 5120, 1000)),
    ],
)
def test_parameters_agree_with_torchvisions_models_to_the_last_one(name, sizes):
    with torch.device("meta"):
        model = getattr(models, name)()
    assert vit_parameters(*sizes) == sum(parameter.numel() for parameter in model.parameters())


def test_the_slides_sum_is_the_one_that_the_slides_misconception_names():
    slide = find("04.parameters").misconceptions[0]
    assert slide.wrong(224, 16, 1024, 24, 4096, 1000) == 278_836_224
    assert "slide" in slide.message
