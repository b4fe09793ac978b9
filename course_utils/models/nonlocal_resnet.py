"""A ResNet with self-attention between its blocks. Wang et al. 2018; Zhang et al. 2019. Notebook 01."""

from dataclasses import dataclass
from typing import Annotated, Any, Self

from torch import Tensor, nn

from course_utils.attention import SIMILARITIES, SelfAttention2d
from course_utils.models.resnet import PUBLISHED as RESNETS
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.settings import Count, Must, at_least, one_of

Index = Annotated[int, at_least(0)]
Place = tuple[Index, Index]  # (stage, block), both counted from zero
Places = Annotated[tuple[Place, ...], Must("different places", lambda places: len(set(places)) == len(places))]


def every_other_block(blocks: tuple[int, ...]) -> tuple[Place, ...]:
    """The places after every other residual block of the second and third stage: five in a ResNet-50.

    In the paper these stages are res3 and res4. Wang et al. 2018, section 5.1, "going deeper with non-local blocks".
    """
    middle = list(enumerate(blocks))[1:3]
    return tuple((stage, index) for stage, count in middle for index in range(1, count, 2))


DEFAULT_PLACES = every_other_block(ResNetConfig.blocks)


@dataclass(frozen=True)
class NonLocalResNetConfig(ResNetConfig):
    """A ResNet and the attention blocks in it. Raises ValueError, with the reason, for one that cannot be built."""

    after: Places = DEFAULT_PLACES  # attention comes after these residual blocks
    heads: Count = 1
    reduction: Count = 2  # channels / reduction for query, key and value
    similarity: Annotated[str, one_of(SIMILARITIES)] = "softmax"  # or "dot_product"
    pool_keys: bool = False  # keys and values from a map of half the height and width

    def __post_init__(self) -> None:
        super().__post_init__()
        for stage, index in self.after:
            if not (stage < len(self.blocks) and index < self.blocks[stage]):
                raise ValueError(
                    f"after names block {index} of stage {stage}, but the stages have {self.blocks} blocks: "
                    "count both from zero."
                )
            channels = self.outputs(stage)
            if channels % (self.reduction * self.heads):
                raise ValueError(
                    f"The {channels} channels after block {index} of stage {stage} cannot be divided by reduction "
                    f"{self.reduction} and then among {self.heads} heads: choose divisors of {channels}."
                )


# A published ResNet with attention as in Wang et al. 2018.
PUBLISHED = {
    name: NonLocalResNetConfig(**{**vars(config), "after": every_other_block(config.blocks)})
    for name, config in RESNETS.items()
}


class NonLocalResNet(ResNet):
    """(batch, channels, height, width) → logits (batch, classes): a ResNet with self-attention between its blocks.

    Every gate starts at zero, so with a ResNet's weights it returns that ResNet's logits until it is trained. In
    ``attention_maps``, queries and keys are the positions of a block's map in raster order. Wang et al. 2018.
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
        """A ResNet's copy, with its weights, its frozen parts and new attention blocks: the same logits at first.

        attention: fields of NonLocalResNetConfig, such as ``after`` (default: :func:`every_other_block`). Raises
        TypeError for any other model.
        """
        if type(resnet) is not ResNet:
            raise TypeError(
                f"Cannot add attention to a {type(resnet).__name__}: pass a ResNet of the course, or convert "
                "torchvision's with from_torchvision first."
            )
        places = {"after": every_other_block(resnet.config.blocks)} if "after" not in attention else {}
        model = cls(NonLocalResNetConfig(**{**vars(resnet.config), **places, **attention}))
        model.to(resnet.head.weight.device, resnet.head.weight.dtype).train(resnet.training)
        model.load_state_dict({**model.state_dict(), **resnet.state_dict()})
        for name, module in resnet.named_modules():
            model.get_submodule(name).training = module.training
        for name, parameter in resnet.named_parameters():
            model.get_parameter(name).requires_grad_(parameter.requires_grad)
        return model

    def between(self, features: Tensor, stage: int, index: int) -> Tensor:
        """Self-attention, after the residual blocks that the configuration names."""
        place = f"{stage}_{index}"
        return self.attention[place](features) if place in self.attention else features
