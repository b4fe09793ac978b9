"""The architectures of the course, one a file."""

from course_utils.models.pixel_transformer import PixelTransformer, PixelTransformerConfig
from course_utils.models.vit import ViT, ViTConfig

__all__ = ["PixelTransformer", "PixelTransformerConfig", "ViT", "ViTConfig"]
