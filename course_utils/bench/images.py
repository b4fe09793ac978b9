"""Making, augmenting and loading images: shapes, our and torchvision's augmentations, batches and a DataLoader."""

from collections.abc import Iterator

import torch
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from torchvision.transforms import v2

from course_utils.bench.race import Race
from course_utils.data import make_shapes
from course_utils.training.augment import shift_and_flip
from course_utils.training.rand_augment import RandAugment
from course_utils.training.regularise import mixup, mixup_shares

BATCH = 256


def image_races() -> Iterator[Race]:
    """On a CPU, with PyTorch's number of threads."""
    made = 2000
    yield Race(
        "images", f"shapes of 32 × 32, {made:,} at once", {"make_shapes": lambda: make_shapes(made)}, images=made
    )

    generator = torch.Generator().manual_seed(0)
    images = torch.rand(BATCH, 3, 32, 32, generator=generator)
    labels = torch.randint(10, (BATCH,), generator=generator)
    targets = F.one_hot(labels, 10).float()

    cut = v2.Compose([v2.RandomCrop(32, padding=2), v2.RandomHorizontalFlip()])
    yield Race(
        "images",
        f"shift and flip, {BATCH} images, each its own way",
        {
            "shift_and_flip": lambda: shift_and_flip(images, generator),
            "torchvision, image by image": lambda: torch.stack([cut(image) for image in images]),
        },
        images=BATCH,
    )
    ours, theirs = RandAugment(2, 9), v2.RandAugment(2, 9)
    bytes_of = (255 * images).to(torch.uint8)  # the type that torchvision's is made for
    yield Race(
        "images",
        f"RandAugment(2, 9), {BATCH} images, each its own way",
        {
            "RandAugment": lambda: ours(images, generator),
            "torchvision, image by image": lambda: torch.stack([theirs(image) for image in bytes_of]),
        },
        images=BATCH,
    )
    mix = v2.MixUp(num_classes=10)
    yield Race(
        "images",
        f"MixUp, {BATCH} images, one λ",
        {"mixup": lambda: mixup(images, targets, mixup_shares(1, 1.0)), "torchvision": lambda: mix(images, labels)},
        images=BATCH,
    )
    many = torch.rand(20_000, 1, 28, 28, generator=generator)
    numbers = torch.arange(len(many))

    def indexed() -> None:
        for chosen in torch.randperm(len(many), generator=generator).split(BATCH):
            many[chosen], numbers[chosen]

    def loaded() -> None:
        for _ in DataLoader(TensorDataset(many, numbers), BATCH, shuffle=True, generator=generator):
            pass

    yield Race(
        "images",
        f"{len(many):,} images in shuffled batches of {BATCH}",
        {"indexed (ours)": indexed, "DataLoader": loaded},
        images=len(many),
    )
