"""A standard transformer on pixels: an image as a sequence of colours. Chen et al. 2020 (iGPT). Notebook 03."""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import Annotated

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from course_utils.attention import (
    MLP,
    MultiHeadSelfAttention,
    attend,
    causal_mask,
    encoder_block,
    merge_heads,
    split_heads,
)
from course_utils.attention.checks import check_mask
from course_utils.models.model import Config, Model
from course_utils.models.palette import check_colours, grey_levels, quantise
from course_utils.models.refusals import check_heads
from course_utils.modes import evaluating
from course_utils.settings import LARGEST, Count, Depth, Probability, Side, at_least, at_most

# Larger than the 0.02 of iGPT's code: in a short training, the blocks must not drown out the token embeddings.
EMBEDDING_STD = 0.1

Past = list[Tensor]  # of one layer: empty, or its keys and values so far, (batch, heads, tokens, dim) each

Colours = Annotated[int, at_least(2, ": one colour leaves nothing to predict"), at_most(LARGEST)]


@dataclass(frozen=True)
class PixelTransformerConfig(Config["PixelTransformer"]):
    """The configuration of a pixel transformer. Raises ValueError, with the reason, for one that cannot be built."""

    image_size: Side = 32  # pixels per side
    channels: Count = 3
    colours: Colours = 512  # of the palette
    dim: Count = 512  # features of a token
    layers: Depth = 24
    heads: Count = 8
    mlp_dim: Count = 2048
    dropout: Probability = 0.0  # in the MLPs and after the positions
    causal: bool = True  # True: predict each pixel from those before it; False: hidden pixels from the visible ones

    def __post_init__(self) -> None:
        super().__post_init__()
        check_heads(self.dim, self.heads)

    @property
    def pixels(self) -> int:
        """Pixels of an image."""
        return self.image_size**2

    @property
    def tokens(self) -> int:
        """The longest sequence: every pixel and, in a causal model, the start token before them."""
        return self.pixels + self.causal


# Chen et al. 2020, section 3.3; the number of heads from the authors' code, github.com/openai/image-gpt.
PUBLISHED = {
    "igpt_s": PixelTransformerConfig(dim=512, layers=24, heads=8, mlp_dim=2048),
    "igpt_m": PixelTransformerConfig(dim=1024, layers=36, heads=8, mlp_dim=4096),
    "igpt_l": PixelTransformerConfig(dim=1536, layers=48, heads=16, mlp_dim=6144),
}


def next_pixel_pairs(tokens: Tensor, start: int) -> tuple[Tensor, Tensor]:
    """What a next-pixel model reads, and what it must predict at each position.

    tokens (batch, pixels) → inputs (batch, pixels), targets (batch, pixels), all integers. start is the index of the
    start token, which no pixel has. The inputs begin with it, so at every position the model has read exactly the
    pixels before the one it must predict. tokens is not changed. Chen et al. 2020, eq. 1.
    """
    first = torch.full_like(tokens[:, :1], start)
    inputs = torch.cat([first, tokens[:, :-1]], dim=1)
    return inputs, tokens


def bits_per_pixel(logits: Tensor, pixels: Tensor) -> Tensor:
    """logits (batch, pixels, colours), pixels (batch, pixels) → mean of −log₂ of the probability of the right colour.

    The mean is over all pixels of all images: a tensor of shape (), finite even if the model is certain of a wrong
    colour. Uniform predictions need log₂ colours bits. Chen et al. 2020, eq. 2, in bits and per pixel.
    """
    log_probabilities = logits.log_softmax(dim=-1)
    right = log_probabilities.gather(-1, pixels[..., None])
    return -right.mean() / math.log(2)


def masked_loss(logits: Tensor, pixels: Tensor, hidden: Tensor) -> Tensor:
    """Mean cross-entropy (nats) over the hidden pixels only, because the model sees the others.

    logits (batch, pixels, colours), pixels (batch, pixels), hidden (batch, pixels), boolean and True at least once
    → a tensor of shape () with gradients to the logits, finite even if the model is certain of a wrong colour. Every
    hidden pixel counts the same, in whichever image it is. Chen et al. 2020, eq. 3.
    """
    check_mask(hidden, pixels.shape, pixels.device, "hidden", "for the hidden pixels")
    return F.cross_entropy(logits[hidden], pixels[hidden])


def cached_step(
    query: Tensor, key: Tensor, value: Tensor, past_keys: Tensor, past_values: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Causal attention for one new token, which comes after all tokens in the key/value cache.

    query, key, value (batch, heads, 1, dim), past_keys and past_values (batch, heads, seen, dim)
    → output (batch, heads, 1, dim), keys and values (batch, heads, seen + 1, dim) to cache for the next token, in the
    order of the tokens. For the first token, seen is 0. Gradients pass through.
    """
    keys = torch.cat([past_keys, key], dim=-2)
    values = torch.cat([past_values, value], dim=-2)
    output, _ = attend(query, keys, values)
    return output, keys, values


class PixelAttention(MultiHeadSelfAttention):
    """Multi-head self-attention, causal or not, with an optional key/value cache.

    A mask, boolean as in :class:`MultiHeadSelfAttention`, takes the place of the causal one.
    """

    def __init__(self, dim: int, heads: int, causal: bool) -> None:
        super().__init__(dim, heads)
        self.causal = causal

    def forward(self, tokens: Tensor, mask: Tensor | None = None, past: Past | None = None) -> Tensor:
        query, key, value = (split_heads(part, self.heads) for part in self.to_qkv(tokens).chunk(3, dim=-1))
        if past:
            mixed, *kept = cached_step(query, key, value, *past)
            if self.recorded:
                self.record(attend(query, *kept)[1])
        else:
            mixed, kept = self.mix(query, key, value, mask), [key, value]
        if past is not None:
            past[:] = kept
        return self.to_out(merge_heads(self.heard(mixed)))

    def mix(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None) -> Tensor:
        """The fused kernel has a causal flag and needs no mask; the plain one gets the mask."""
        if not self.recorded and mask is None:
            return F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        if self.causal and mask is None:
            mask = causal_mask(query.shape[-2]).to(query.device)
        return super().mix(query, key, value, mask)


class PixelBlock(nn.Module):
    """(batch, tokens, dim) → (batch, tokens, dim), pre-norm. Chen et al. 2020, section 2.3."""

    def __init__(self, config: PixelTransformerConfig) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(config.dim, eps=1e-6)
        self.attention = PixelAttention(config.dim, config.heads, config.causal)
        self.norm2 = nn.LayerNorm(config.dim, eps=1e-6)
        self.mlp = MLP(config.dim, config.mlp_dim, config.dropout)

    def forward(self, tokens: Tensor, past: Past | None = None) -> Tensor:
        return encoder_block(tokens, self.norm1, partial(self.attention, past=past), self.norm2, self.mlp)


class PixelTransformer(Model):
    """(batch, channels, image_size, image_size) in [0, 1] → logits (batch, pixels, colours) of every pixel's colour.

    Causal: pixel i is predicted from the start token and pixels 0 … i − 1. Otherwise each is predicted from all
    pixels that are not hidden. palette (colours, channels) holds the colours; the default is grey levels. Raises
    ValueError for a palette, and WrongShape for images, that do not fit the configuration. Chen et al. 2020, section
    2.
    """

    config: PixelTransformerConfig
    published = PUBLISHED
    palette: Tensor

    def __init__(self, config: PixelTransformerConfig | None = None, palette: Tensor | None = None) -> None:
        super().__init__()
        self.config = config = config or PixelTransformerConfig()
        if palette is None:
            palette = grey_levels(config.colours).repeat(1, config.channels)
        if palette.shape != (config.colours, config.channels):
            raise ValueError(
                f"The palette has the shape {tuple(palette.shape)}, but this configuration has {config.colours} "
                f"colours of {config.channels} channels: learn a palette for it, or change colours."
            )
        self.register_buffer("palette", palette)
        # One more token than colours: the start token or, in a model that is not causal, a hidden pixel.
        self.colour = nn.Embedding(config.colours + 1, config.dim)
        self.positions = nn.Parameter(torch.empty(1, config.tokens, config.dim).normal_(std=EMBEDDING_STD))
        self.dropout = nn.Dropout(config.dropout)
        self.blocks = nn.ModuleList(PixelBlock(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.dim, eps=1e-6)
        self.head = nn.Linear(config.dim, config.colours)
        nn.init.normal_(self.colour.weight, std=EMBEDDING_STD)

    def encode(self, images: Tensor) -> Tensor:
        """(batch, channels, image_size, image_size) in [0, 1] → (batch, pixels), colour indices."""
        self.check_images(images)
        return quantise(images, self.palette)

    def stream(self, words: Tensor, past: list[Past] | None = None) -> Iterator[Tensor]:
        """words (batch, n) → (batch, n, dim) before the first block, then after each.

        past: the cache of each layer for earlier words; then words holds only new ones.
        """
        seen = past[0][0].shape[-2] if past and past[0] else 0
        end = seen + words.shape[1]
        if end > self.config.tokens:
            raise ValueError(
                f"The sequence has {end} tokens, but this model has positions for {self.config.tokens}: shorten it, "
                "or build the model for larger images."
            )
        tokens = self.dropout(self.colour(words) + self.positions[:, seen:end])
        yield tokens
        for index, block in enumerate(self.blocks):
            tokens = block(tokens, past=None if past is None else past[index])
            yield tokens

    def predict(self, words: Tensor, past: list[Past] | None = None) -> Tensor:
        """words (batch, n) → logits (batch, n, colours); see :meth:`stream`."""
        (tokens,) = deque(self.stream(words, past), maxlen=1)
        return self.head(self.norm(tokens))

    def logits(self, tokens: Tensor, hidden: Tensor | None = None) -> Tensor:
        """tokens (batch, pixels), hidden (batch, pixels) boolean or None → (batch, pixels, colours).

        Raises ValueError for tokens outside the palette, for hidden pixels in a causal model, and if hidden is not
        boolean.
        """
        check_colours(tokens, self.config.colours)
        check_mask(hidden, tokens.shape, tokens.device, "hidden", "for the hidden pixels")
        if self.config.causal:
            if hidden is not None:
                raise ValueError(
                    "A causal model already hides all later pixels: build it with causal=False to hide others."
                )
            return self.predict(next_pixel_pairs(tokens, self.config.colours)[0])
        return self.predict(tokens if hidden is None else tokens.masked_fill(hidden, self.config.colours))

    def forward(self, images: Tensor, hidden: Tensor | None = None) -> Tensor:
        """images may also be encoded by :meth:`encode`, (batch, pixels); hidden: see :meth:`logits`."""
        return self.logits(images if images.ndim == 2 else self.encode(images), hidden)

    def words(self, images: Tensor) -> Tensor:
        """The input sequence of an image: its pixels, after the start token in a causal model."""
        tokens = self.encode(images)
        return F.pad(tokens, (1, 0), value=self.config.colours) if self.config.causal else tokens

    def features(self, images: Tensor) -> list[Tensor]:
        """(batch, tokens, dim) before the first block and after each block, normalised by the next norm.

        Chen et al. 2020, section 2.4, train their linear probes on these features.
        """
        norms = [*(block.get_submodule("norm1") for block in self.blocks), self.norm]
        return [norm(tokens) for norm, tokens in zip(norms, self.stream(self.words(images)), strict=True)]

    @torch.no_grad()
    def attention_maps(self, images: Tensor) -> list[Tensor]:
        """Attention weights of every layer, (batch, heads, tokens, tokens) each, as in the base class."""
        with self.recording() as maps:
            self.predict(self.words(images))
        return maps

    @torch.no_grad()
    def complete(
        self, known: Tensor, temperature: float = 1.0, generator: torch.Generator | None = None, cached: bool = True
    ) -> Tensor:
        """known (batch, n), the colours of the first n pixels, n ≥ 0 → whole images (batch, pixels).

        Draws one pixel after another from softmax(logits / temperature), in evaluation mode. With cached, it stores
        the keys and values of every layer, so that a step computes one token instead of the whole sequence. Raises
        ValueError for a model that is not causal, a temperature that is not positive, and colours or a number of
        pixels that the model does not have.
        """
        c = self.config
        if not c.causal:
            raise ValueError("Only a causal model can complete an image: build it with causal=True.")
        if not temperature > 0:
            raise ValueError(
                f"temperature is {temperature}, but must be above 0: try 1, or 0.1 for likelier colours."
            )
        check_colours(known, c.colours)
        if known.shape[1] > c.pixels:
            raise ValueError(
                f"{known.shape[1]} pixels are known, but this model's images have {c.pixels}: pass at most that many."
            )
        words = new = F.pad(known, (1, 0), value=c.colours)
        past: list[Past] | None = [[] for _ in self.blocks] if cached else None
        with evaluating(self):
            while words.shape[1] < c.tokens:
                last = self.predict(new if cached else words, past)[:, -1]
                new = torch.multinomial((last / temperature).softmax(dim=-1), 1, generator=generator)
                words = torch.cat([words, new], dim=1)
        return words[:, 1:]
