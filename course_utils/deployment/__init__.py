"""From a trained model to a small device: eight bits, ONNX. Notebook 09."""
