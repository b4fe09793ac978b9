"""A ResNet with self-attention between its blocks. Wang et al. 2018; Zhang et al. 2019. Notebook 01."""

from dataclasses import dataclass
from typing import Any, Self

from torch import Tensor, nn

from course_utils.attention import SIMILARITIES, SelfAttention2d
from course_utils.models.resnet import PUBLISHED as RESNETS
from course_utils.models.resnet import ResNet, ResNetConfig

Place = tuple[int, int]  # (stage, block), both counted from zero


def every_other_block(blocks: tuple[int, ...]) -> tuple[Place, ...]:
    """Places after every other residual block of the second and third stage: five in a ResNet-50.

    In the paper these stages are res3 and res4. Wang et al. 2018, section 5.1, "going deeper with non-local blocks".
    """
    middle = list(enumerate(blocks))[1:3]
    return tuple((stage, index) for stage, count in middle for index in range(1, count, 2))


@dataclass(frozen=True)
class NonLocalResNetConfig(ResNetConfig):
    """A ResNet and the attention blocks in it. Raises ValueError, with the reason, for one that cannot be built."""

    after: tuple[Place, ...] = every_other_block(ResNetConfig.blocks)  # the residual blocks that attention follows
    heads: int = 1
    reduction: int = 2  # channels / reduction for query, key and value
    similarity: str = "softmax"  # or "dot_product"
    pool_keys: bool = False  # keys and values from a map of half the height and width

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(set(self.after)) != len(self.after):
            raise ValueError(f"after names a place twice: {self.after}. Name each once.")
        for stage, index in self.after:
            if not (0 <= stage < len(self.blocks) and 0 <= index < self.blocks[stage]):
                raise ValueError(
                    f"after names block {index} of stage {stage}, but the stages have {self.blocks} blocks: "
                    "count both from zero."
                )
            channels = self.outputs(stage)
            if self.reduction < 1 or self.heads < 1 or channels % (self.reduction * self.heads):
                raise ValueError(
                    f"The {channels} channels after block {index} of stage {stage} cannot be divided by reduction "
                    f"{self.reduction} and then among {self.heads} heads: choose divisors of {channels}."
                )
        if self.similarity not in SIMILARITIES:
            raise ValueError(f"similarity is {self.similarity!r}, but must be one of {', '.join(SIMILARITIES)}.")


# A published ResNet with attention as in Wang et al. 2018.
PUBLISHED = {
    name: NonLocalResNetConfig(**{**vars(config), "after": every_other_block(config.blocks)})
    for name, config in RESNETS.items()
}


class NonLocalResNet(ResNet):
    """(batch, channels, height, width) → logits (batch, classes): a ResNet with self-attention between its blocks.

    Every gate starts at zero, so with a ResNet's weights it gives that ResNet's logits until it is trained. In
    ``attention_maps`` the queries are the places of a block's map in raster order, and so are the keys.
    """

    config: NonLocalResNetConfig
    published = PUBLISHED

    def __init__(self, config: NonLocalResNetConfig | None = None) -> None:
        config = config or NonLocalResNetConfig()
        super().__init__(config)
        self.attention = nn.ModuleDict(
            {
                f"{stage}_{index}": SelfAttention2d(
                    config.outputs(stage), config.heads, config.reduction, config.similarity, config.pool_keys
                )
                for stage, index in sorted(config.after)
            }
        )

    @classmethod
    def from_resnet(cls, resnet: ResNet, **attention: Any) -> Self:
        """A copy of a ResNet, its weights and mode, with new attention blocks: the same logits until it is trained.

        attention: fields of NonLocalResNetConfig, such as ``after`` (:func:`every_other_block` when left out).
        """
        places = {"after": every_other_block(resnet.config.blocks)} if "after" not in attention else {}
        model = cls(NonLocalResNetConfig(**{**vars(resnet.config), **places, **attention}))
        model.load_state_dict({**model.state_dict(), **resnet.state_dict()})
        return model.to(resnet.head.weight.device).train(resnet.training)

    def between(self, features: Tensor, stage: int, index: int) -> Tensor:
        """Self-attention, after the residual blocks that the configuration names."""
        place = f"{stage}_{index}"
        return self.attention[place](features) if place in self.attention else features
