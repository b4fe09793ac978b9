"""Images and captions on one sphere, to find which belong together. Radford et al. 2021 (CLIP). Notebook 10."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention import EncoderBlock
from course_utils.models.model import Config, Model
from course_utils.models.refusals import check_heads
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.settings import DEEPEST, Count, Must, Widths, at_least, at_most

LARGEST_SCALE = 100.0  # of the logits; Radford et al. 2021, section 2.5
Vocabulary = Annotated[tuple[str, ...], Must("one or more different words", lambda w: 0 < len(w) == len(set(w)))]
Layers = Annotated[int, at_least(0), at_most(DEEPEST)]
Temperature = Annotated[float, at_least(1 / LARGEST_SCALE, ": try 0.07, as CLIP did")]


@dataclass(frozen=True)
class ImageTextConfig(Config["ImageText"]):
    """The configuration of an image–text model. Raises ValueError for one that cannot be built."""

    words: Vocabulary  # the words that a caption may contain
    length: Count = 8  # words of the longest caption
    dim: Count = 64  # of the joint space
    widths: Widths = (16, 32, 64)  # of the image encoder's stages, with one residual block each
    text_dim: Count = 64
    text_layers: Layers = 2  # 0: the mean of the word embeddings, a bag of words
    text_heads: Count = 4
    temperature: Temperature = 0.07  # initially; it is learned

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.text_layers:
            check_heads(self.text_dim, self.text_heads, "text_")


def similarities(images: Tensor, captions: Tensor, temperature: float | Tensor) -> Tensor:
    """Cosine similarity of every image with every caption, divided by a temperature.

    images (images, dim) and captions (captions, dim), of any floating dtype, one vector per row → (images,
    captions), of the same dtype. No vector is zero; their lengths do not matter. temperature: any number above 0, or a
    tensor of shape (). Gradients reach the embeddings and the temperature. Radford et al. 2021, figure 3.
    """
    images = images / images.norm(dim=-1, keepdim=True)
    captions = captions / captions.norm(dim=-1, keepdim=True)
    return images @ captions.mT / temperature


def contrastive_loss(logits: Tensor, same: Tensor) -> Tensor:
    """Cross-entropy in both directions: which caption belongs to an image, and which image to a caption.

    logits (batch, batch), in single or double precision: image i with caption j. same (batch, batch), boolean: True
    if captions i and j say the same, including the diagonal. All right answers share the target evenly, so choosing a
    caption with the same text is not an error. → a tensor of shape () in the logits' dtype, with gradients to the
    logits: the mean over the batch and over both directions. Radford et al. 2021, figure 3; van den Oord et al. 2018,
    eq. 4.
    """
    target = same.to(logits.dtype) / same.sum(dim=1, keepdim=True)
    of_images = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
    of_captions = -(target.mT * logits.log_softmax(dim=0)).sum(dim=0).mean()
    return (of_images + of_captions) / 2


def retrieval_ranks(logits: Tensor, right: Tensor) -> Tensor:
    """The rank of each image's right caption if all captions are sorted by their logits; 1 is the best.

    logits (images, captions); no two in a row are equal. right (images,), int64: the index of each image's right
    caption → (images,), int64. Logits [[0.3, 0.9, 0.5]] with right [2] give [2], because one caption is better.
    """
    of_right = logits.gather(1, right[:, None])
    return (logits > of_right).sum(dim=1) + 1


class ImageText(Model):
    """Images (images, 3, height, width) and tokens (captions, length) → logits (images, captions).

    A small ResNet reads the images and transformer blocks read the words. Both return unit vectors in the joint
    space; the logit is their cosine divided by a learned temperature. Radford et al. 2021, section 2.
    """

    config: ImageTextConfig

    def __init__(self, config: ImageTextConfig) -> None:
        super().__init__()
        self.config = c = config
        blocks = (1,) * len(c.widths)
        self.pictures = ResNet(
            ResNetConfig("basic", blocks, c.widths, stem_kernel=3, stem_stride=2, max_pool=False, classes=c.dim)
        )
        self.words = nn.Embedding(len(c.words) + 1, c.text_dim, padding_idx=0)
        self.positions = nn.Parameter(torch.empty(c.length, c.text_dim).normal_(std=0.02))
        self.blocks = nn.ModuleList(
            EncoderBlock(c.text_dim, c.text_heads, 2 * c.text_dim) for _ in range(c.text_layers)
        )
        self.norm = nn.LayerNorm(c.text_dim, eps=1e-6)
        self.to_joint = nn.Linear(c.text_dim, c.dim)
        self.log_scale = nn.Parameter(torch.tensor(-math.log(c.temperature)))

    @property
    def temperature(self) -> Tensor:
        """The divisor of the cosines; never below 0.01."""
        return 1 / self.log_scale.exp().clamp(max=LARGEST_SCALE)

    def tokenise(self, captions: Sequence[str]) -> Tensor:
        """Captions → (captions, length), whole numbers, on the model's device: one per word, then zeros.

        Raises ValueError for an unknown word, and for a caption that is empty or too long.
        """
        c, number = self.config, {word: index for index, word in enumerate(self.config.words, start=1)}
        tokens = torch.zeros(len(captions), c.length, dtype=torch.long)
        for row, caption in zip(tokens, captions, strict=True):
            words = caption.lower().split()
            if unknown := [word for word in words if word not in number]:
                raise ValueError(
                    f"The caption {caption!r} has the word {unknown[0]!r}, which is not in the vocabulary: use its "
                    f"words {', '.join(c.words)}."
                )
            if not 1 <= len(words) <= c.length:
                raise ValueError(f"The caption {caption!r} has {len(words)} words, but must have 1 to {c.length}.")
            row[: len(words)] = torch.tensor([number[word] for word in words])
        return tokens.to(self.positions.device)

    def embed_images(self, images: Tensor) -> Tensor:
        """(batch, 3, height, width), in [0, 1] → (batch, dim), each of length one."""
        return F.normalize(self.pictures(images * 2 - 1), dim=-1)

    def embed_captions(self, tokens: Tensor) -> Tensor:
        """(captions, length) of :meth:`tokenise` → (captions, dim), each of length one. Padding has no effect."""
        read = tokens != 0
        features = self.words(tokens) + self.positions
        for block in self.blocks:
            features = block(features, read[:, None, None, :])  # no word attends to padding
        mean = (features * read[..., None]).sum(dim=1) / read.sum(dim=1, keepdim=True)
        return F.normalize(self.to_joint(self.norm(mean)), dim=-1)

    @torch.no_grad()
    def attention_maps(self, tokens: Tensor) -> list[Tensor]:
        """Attention between words, (captions, heads, length, length) per block; the image encoder has none."""
        with self.recording() as maps:
            self.embed_captions(tokens)
        return maps

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        return similarities(self.embed_images(images), self.embed_captions(tokens), self.temperature)
