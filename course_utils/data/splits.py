"""How a dataset is divided: fit and validation, a random draw, and which images of a folder are for the test.
All notebooks."""

import hashlib
from collections.abc import Sequence

import torch
from torch import Tensor

from course_utils.data.labelled_images import LabelledImages

SPLITS = ("train", "fit", "validation", "test")


def part(count: int, split: str) -> Tensor:
    """The places of ``"validation"``, a fixed random twelfth of count images, at least one, or of ``"fit"``,
    the rest."""
    order = torch.randperm(count, generator=torch.Generator().manual_seed(1), device="cpu")
    held_out = max(1, count // 12)
    return (order[:held_out] if split == "validation" else order[held_out:]).sort().values


def drawn(examples: LabelledImages, size: int, seed: int) -> LabelledImages:
    """At most size of the images, in random order."""
    order = torch.randperm(len(examples), generator=torch.Generator().manual_seed(seed), device="cpu")
    return examples.select(order[:size])


def held_out(digests: Sequence[str], groups: Sequence[str], share: float, seed: int) -> list[bool]:
    """Whether each image is in the test split: about this share of each group, at least one image, chosen by the seed.

    digests: of the images' content. Equal images are on the same side, and few images change sides when others are
    added. Images that are in several groups can make the share of one larger.
    """
    ranks = [hashlib.sha256(f"{seed} {digest}".encode()).digest() for digest in digests]
    own: dict[str, set[bytes]] = {}
    for rank, group in zip(ranks, groups, strict=True):
        own.setdefault(group, set()).add(rank)
    last = {group: sorted(each)[max(1, round(share * len(each))) - 1] for group, each in own.items()}
    chosen = {rank for rank, group in zip(ranks, groups, strict=True) if rank <= last[group]}
    return [rank in chosen for rank in ranks]
