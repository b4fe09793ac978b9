"""What a trained model is looked at with: where it looks, what moves it, how fast it is. Notebooks 04 and 05."""
