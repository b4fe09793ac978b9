"""What a model's configuration takes from a dataset. Notebooks 04 to 09."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from course_utils.data import DATASETS


def of_images(dataset: str, config: Any) -> dict[str, Any]:
    """Of channels, classes, image_size, mean and std of one of DATASETS,
    those that a configuration of that class has."""
    known = DATASETS[dataset]
    channels, side, _ = known.shape
    seen = {
        "channels": channels,
        "classes": len(known.classes),
        "image_size": side,
        "mean": known.mean,
        "std": known.std,
    }
    return fields_of(config, seen)


def fields_of(config: Any, values: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the values that a configuration, or its class, has a field for."""
    names = {field.name for field in fields(config)}
    return {name: value for name, value in values.items() if name in names}
