"""Attacks on images, and what is proved against them. Notebook 10."""
