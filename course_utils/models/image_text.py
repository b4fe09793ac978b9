"""Pictures and captions on one sphere: which belong together? Radford et al. 2021 (CLIP). Notebook 10."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention import EncoderBlock, encoder_block
from course_utils.models.model import Config, Model
from course_utils.models.resnet import ResNet, ResNetConfig

LARGEST_SCALE = 100.0  # of the logits; Radford et al. 2021, section 2.5


@dataclass(frozen=True)
class ImageTextConfig(Config["ImageText"]):
    """Everything that decides the shape of an image–text model. Raises ValueError for what cannot be built."""

    words: tuple[str, ...]  # all that a caption may contain
    length: int = 8  # words of the longest caption
    dim: int = 64  # of the joint space
    widths: tuple[int, ...] = (16, 32, 64)  # of the picture encoder's stages, one residual block each
    text_dim: int = 64
    text_layers: int = 2  # 0: the mean of the words' embeddings, a bag of words
    text_heads: int = 4
    temperature: float = 0.07  # at the start; it is learned

    def __post_init__(self) -> None:
        if not self.words or len(set(self.words)) < len(self.words):
            raise ValueError(f"words are {self.words}, but must be at least one, each once: they are the vocabulary.")
        for name, least in (("length", 1), ("dim", 1), ("text_dim", 1), ("text_layers", 0), ("text_heads", 1)):
            if getattr(self, name) < least:
                raise ValueError(f"{name} is {getattr(self, name)}, but must be at least {least}.")
        if not self.temperature >= 1 / LARGEST_SCALE:
            raise ValueError(f"temperature is {self.temperature}, but must be at least 0.01: try 0.07, as CLIP did.")


def similarities(pictures: Tensor, captions: Tensor, temperature: float | Tensor) -> Tensor:
    """Cosine similarity of every picture with every caption, divided by the temperature.

    pictures (pictures, dim) and captions (captions, dim), of any floating dtype, one vector per row → (pictures,
    captions), of the same dtype. No vector is zero; otherwise its length does not matter. temperature: a number above
    0, however small, or a tensor of shape () that learns, as the embeddings do. Radford et al. 2021, figure 3.
    """
    pictures = pictures / pictures.norm(dim=-1, keepdim=True)
    captions = captions / captions.norm(dim=-1, keepdim=True)
    return pictures @ captions.mT / temperature


def contrastive_loss(logits: Tensor, same: Tensor) -> Tensor:
    """Cross entropy in both directions: which caption belongs to a picture, which picture to a caption.

    logits (batch, batch), in single or double precision: picture i with caption j. same (batch, batch), boolean:
    captions i and j say the same, the diagonal included. All right answers share the target evenly, so a twin is no
    mistake. → a tensor of shape () and the logits' dtype, through which gradients reach the logits: the mean over the
    batch, and over both directions. Radford et al. 2021, figure 3; van den Oord et al. 2018, eq. 4.
    """
    target = same.to(logits.dtype) / same.sum(dim=1, keepdim=True)
    of_pictures = -(target * logits.log_softmax(dim=1)).sum(dim=1).mean()
    of_captions = -(target.mT * logits.log_softmax(dim=0)).sum(dim=0).mean()
    return (of_pictures + of_captions) / 2


def retrieval_ranks(logits: Tensor, right: Tensor) -> Tensor:
    """The rank of each picture's right caption when all captions are sorted by their logits; 1 is the best.

    logits (pictures, captions), no two in a row are equal. right (pictures,), int64: the number of each picture's
    right caption, from 0 → (pictures,), int64. Logits [[0.3, 0.9, 0.5]] with right [2] give [2]: one caption is
    better.
    """
    of_right = logits.gather(1, right[:, None])
    return (logits > of_right).sum(dim=1) + 1


def _read(block: nn.Module, words: Tensor, mask: Tensor) -> Tensor:
    """One encoder block of ViT, in which no word looks at padding."""
    assert isinstance(block, EncoderBlock)
    return encoder_block(words, block.norm1, lambda normed: block.attention(normed, mask), block.norm2, block.mlp)


class ImageText(Model):
    """Pictures (pictures, 3, height, width) and tokens (captions, length) → logits (pictures, captions).

    A small ResNet reads the pictures, transformer blocks read the words; both end on the unit sphere of the joint
    space, where the cosine over a learned temperature is the logit. Radford et al. 2021, section 2.
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
        """What divides the cosines; never below 0.01."""
        return 1 / self.log_scale.exp().clamp(max=LARGEST_SCALE)

    def tokenise(self, captions: Sequence[str]) -> Tensor:
        """Captions → (captions, length), whole numbers: one per word, then zeros.

        Raises ValueError for an unknown word, and for a caption that is empty or too long.
        """
        c, number = self.config, {word: index for index, word in enumerate(self.config.words, start=1)}
        tokens = torch.zeros(len(captions), c.length, dtype=torch.long)
        for row, caption in zip(tokens, captions, strict=True):
            words = caption.lower().split()
            if unknown := [word for word in words if word not in number]:
                raise ValueError(
                    f"The caption {caption!r} has the word {unknown[0]!r}, which this model has never read: use its "
                    f"words {', '.join(c.words)}."
                )
            if not 1 <= len(words) <= c.length:
                raise ValueError(f"The caption {caption!r} has {len(words)} words, but must have 1 to {c.length}.")
            row[: len(words)] = torch.tensor([number[word] for word in words])
        return tokens

    def embed_pictures(self, images: Tensor) -> Tensor:
        """(batch, 3, height, width), in [0, 1] → (batch, dim), each of length one."""
        return F.normalize(self.pictures(images * 2 - 1), dim=-1)

    def embed_captions(self, tokens: Tensor) -> Tensor:
        """(captions, length) of :meth:`tokenise` → (captions, dim), each of length one. Padding is never read."""
        read = tokens != 0
        features = self.words(tokens) + self.positions
        for block in self.blocks:
            features = _read(block, features, read[:, None, None, :])
        mean = (features * read[..., None]).sum(dim=1) / read.sum(dim=1, keepdim=True)
        return F.normalize(self.to_joint(self.norm(mean)), dim=-1)

    @torch.no_grad()
    def attention_maps(self, tokens: Tensor) -> list[Tensor]:
        """How words look at words, (captions, heads, length, length) for each block; the picture encoder has none."""
        with self.looked_into() as maps:
            self.embed_captions(tokens)
        return maps

    def forward(self, images: Tensor, tokens: Tensor) -> Tensor:
        return similarities(self.embed_pictures(images), self.embed_captions(tokens), self.temperature)
