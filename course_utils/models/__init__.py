"""The architectures of the course, one a file."""

from course_utils.models.hybrid import HybridViT, HybridViTConfig
from course_utils.models.lr_net import LRNet, LRNetConfig
from course_utils.models.nonlocal_resnet import NonLocalResNet, NonLocalResNetConfig
from course_utils.models.pixel_transformer import PixelTransformer, PixelTransformerConfig
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.models.swin import Swin, SwinConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = [
    "HybridViT",
    "HybridViTConfig",
    "LRNet",
    "LRNetConfig",
    "NonLocalResNet",
    "NonLocalResNetConfig",
    "PixelTransformer",
    "PixelTransformerConfig",
    "ResNet",
    "ResNetConfig",
    "Swin",
    "SwinConfig",
    "ViT",
    "ViTConfig",
]
