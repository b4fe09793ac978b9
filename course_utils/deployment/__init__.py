"""From a trained model to a small device: eight bits and ONNX. Notebook 09."""

from course_utils.deployment.export import OnnxModel, export_onnx

__all__ = ["OnnxModel", "export_onnx"]
