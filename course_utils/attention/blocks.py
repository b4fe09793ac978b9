"""Blocks of a transformer: tokens exchange information, then each is processed alone. Notebooks 00 and 04."""

from torch import Tensor, nn

from course_utils.attention.core import Layer, MultiHeadCrossAttention, MultiHeadSelfAttention, causal_mask
from course_utils.attention.stochastic_depth import StochasticDepth


def encoder_block(tokens: Tensor, norm1: Layer, attention: Layer, norm2: Layer, mlp: Layer) -> Tensor:
    """(batch, tokens, dim) → (batch, tokens, dim): the tokens exchange information, then each is processed alone.

    The output of attention is added to the tokens, then the output of mlp is added to the result. attention reads
    tokens normalised by norm1, and mlp reads tokens normalised by norm2. If both return zeros, the tokens are
    unchanged.

    All four are functions (batch, tokens, dim) → (batch, tokens, dim). Dosovitskiy et al. 2021, eq. 2 and 3.
    """
    tokens = tokens + attention(norm1(tokens))
    return tokens + mlp(norm2(tokens))


class MLP(nn.Sequential):
    """(..., dim) → (..., dim) through mlp_dim features, token by token. Dosovitskiy et al. 2021, section 3.1."""

    def __init__(self, dim: int, mlp_dim: int, dropout: float = 0.0) -> None:
        super().__init__(
            nn.Linear(dim, mlp_dim), nn.GELU(), nn.Dropout(dropout), nn.Linear(mlp_dim, dim), nn.Dropout(dropout)
        )


class EncoderBlock(nn.Module):
    """(batch, tokens, dim) → (batch, tokens, dim), pre-norm as in ViT. Dosovitskiy et al. 2021, eq. 2 and 3.

    mask: as in :class:`MultiHeadSelfAttention`, if some tokens, such as padding, must not be attended to.
    survival: the probability, in training, that an image keeps the output of attention, and likewise of the MLP.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float = 0.0, survival: float = 1.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = MultiHeadSelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, mlp_dim, dropout)
        self.survive = StochasticDepth(survival)

    def forward(self, tokens: Tensor, mask: Tensor | None = None) -> Tensor:
        return encoder_block(
            tokens,
            self.norm1,
            lambda normed: self.survive(self.attention(normed, mask)),
            self.norm2,
            lambda normed: self.survive(self.mlp(normed)),
        )


class DecoderBlock(nn.Module):
    """tokens (batch, tokens, dim), memory (batch, keys, dim) → (batch, tokens, dim).

    Causal self-attention, then cross-attention to the encoder's output, then the MLP; pre-norm. Vaswani et al. 2017,
    section 3.1, with the norms before each step, as in the encoder block above.
    """

    def __init__(self, dim: int, heads: int, mlp_dim: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(dim, eps=1e-6)
        self.attention = MultiHeadSelfAttention(dim, heads)
        self.norm2 = nn.LayerNorm(dim, eps=1e-6)
        self.cross_attention = MultiHeadCrossAttention(dim, heads)
        self.norm3 = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = MLP(dim, mlp_dim, dropout)

    def forward(self, tokens: Tensor, memory: Tensor) -> Tensor:
        mask = causal_mask(tokens.shape[1]).to(tokens.device)
        tokens = tokens + self.attention(self.norm1(tokens), mask)
        tokens = tokens + self.cross_attention(self.norm2(tokens), memory)
        return tokens + self.mlp(self.norm3(tokens))
