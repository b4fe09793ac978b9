"""Tools to study a trained model: where it attends, what changes its output, how fast it is. Notebooks 04 and 05."""
