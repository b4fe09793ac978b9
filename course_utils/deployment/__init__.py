"""From a trained model to a small device: eight bits and ONNX. Notebook 09."""
