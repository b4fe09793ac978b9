"""Attention for Vision: the library behind the notebooks. Start with :mod:`course_utils.attention`."""
