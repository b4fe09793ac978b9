"""The architectures of the course, one a file."""

from course_utils.models.vit import ViT, ViTConfig

__all__ = ["ViT", "ViTConfig"]
