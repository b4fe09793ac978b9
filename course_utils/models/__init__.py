"""The architectures of the course, one per file, each built from its configuration. All notebooks."""

from course_utils.models.deit import DistilledViT, DistilledViTConfig
from course_utils.models.hybrid import HybridViT, HybridViTConfig
from course_utils.models.image_text import ImageText, ImageTextConfig
from course_utils.models.lr_net import LRNet, LRNetConfig
from course_utils.models.model import build
from course_utils.models.nonlocal_resnet import NonLocalResNet, NonLocalResNetConfig
from course_utils.models.pixel_transformer import PixelTransformer, PixelTransformerConfig
from course_utils.models.registers import RegisterViT, RegisterViTConfig
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.models.swin import Swin, SwinConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = [
    "DistilledViT",
    "DistilledViTConfig",
    "HybridViT",
    "HybridViTConfig",
    "ImageText",
    "ImageTextConfig",
    "LRNet",
    "LRNetConfig",
    "NonLocalResNet",
    "NonLocalResNetConfig",
    "PixelTransformer",
    "PixelTransformerConfig",
    "RegisterViT",
    "RegisterViTConfig",
    "ResNet",
    "ResNetConfig",
    "Swin",
    "SwinConfig",
    "ViT",
    "ViTConfig",
    "build",
]
