"""Attacks on images, and a defence with a proof. Notebook 10."""
