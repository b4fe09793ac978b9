"""The architectures of the course, one a file."""

from course_utils.models.lr_net import LRNet, LRNetConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = ["LRNet", "LRNetConfig", "ViT", "ViTConfig"]
