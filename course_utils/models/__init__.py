"""The architectures of the course, one a file."""

from course_utils.models.nonlocal_resnet import NonLocalResNet, NonLocalResNetConfig
from course_utils.models.resnet import ResNet, ResNetConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = ["NonLocalResNet", "NonLocalResNetConfig", "ResNet", "ResNetConfig", "ViT", "ViTConfig"]
