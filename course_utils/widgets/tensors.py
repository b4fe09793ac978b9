"""What a widget takes from Python: numbers and names in any common form, checked and packed for the page.
All notebooks.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from numbers import Real
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from course_utils.console import unwarned
from course_utils.data.image_files import pixels_of
from course_utils.data.images import is_pillow
from course_utils.settings import Must, WrongSetting, checked, shown

MOST_ENTRIES = 10_000  # of a list: no page shows more


def as_tensor(value: Any, what: str) -> Tensor:
    """A CPU tensor in float32, without gradients, from any numbers: tensors, arrays, images of Pillow, nested lists.

    Raises ValueError if it has no real numbers, is empty, or has NaN or infinity.
    """
    tensor = torch.as_tensor(raw_numbers(value, what), device="cpu").to(torch.float32)
    if not tensor.numel():
        raise ValueError(f"{what} is empty (shape {tuple(tensor.shape)}): pass one with at least one number.")
    if not tensor.isfinite().all():
        count = int((~tensor.isfinite()).sum())
        raise ValueError(
            f"{what} has {count:,} values that are NaN or infinite, but all must be finite: find out where they come "
            "from."
        )
    return tensor


def raw_numbers(value: Any, what: str) -> Tensor | np.ndarray:
    """The numbers on the CPU, dense and without gradients. Tensors and bytes keep their dtype.

    Raises ValueError for what has no real numbers.
    """
    if isinstance(value, Tensor) and value.is_meta:
        raise ValueError(f"{what} is on the device 'meta', which stores no values: pass a tensor of another device.")
    numbers, cause = None, None
    try:
        with unwarned(), np.errstate(all="ignore"):
            numbers = _dense(value) if isinstance(value, Tensor) else _native(np.asarray(_plain(value)))
    except Exception as error:  # whatever the conversion of an unknown type raises
        cause = error
    if numbers is None:
        found = shown(value) if value is None or isinstance(value, (str, bytes)) else f"a {type(value).__name__}"
        rows = " in rows of one length" if isinstance(value, list | tuple) else ""
        raise ValueError(f"{what} is {found}, but must be a tensor or an array of real numbers{rows}.") from cause
    return numbers


def _dense(tensor: Tensor) -> Tensor | None:
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    return None if tensor.is_complex() or tensor.is_nested else tensor.detach().to_dense().to("cpu").resolve_neg()


def _native(array: np.ndarray) -> np.ndarray | None:
    """A copy in C order and this machine's byte order: bytes as they are, other numbers in float32."""
    if array.dtype.kind not in "biuf":
        return None
    return np.array(array, dtype=np.uint8 if array.dtype == np.uint8 else np.float32, order="C")


def _plain(value: Any) -> Any:
    """The value with NumPy arrays in place of tensors and of Pillow's images, also within lists."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Tensor):
        dense = torch.as_tensor(_dense(value))  # raises if it has no real numbers
        return (dense if dense.dtype == torch.uint8 else dense.to(torch.float32)).numpy()
    if is_pillow(value):
        return pixels_of(value, "The image").numpy()
    return value


def as_list(value: Any, name: str) -> list[Any]:
    """The entries of any ordered collection; a tensor or an array is flattened. Raises WrongSetting for others."""
    numbers = _dense(value) if isinstance(value, Tensor) and not value.is_meta else value
    if isinstance(numbers, np.ndarray) or (isinstance(numbers, Tensor) and not numbers.is_meta):
        return list(numbers.reshape(-1).tolist())
    if not isinstance(value, Iterable) or isinstance(value, (Tensor, str, bytes, Mapping, set, frozenset)):
        raise WrongSetting(f"{name} is {shown(value)}, but must be a list.")
    entries = list(islice(value, MOST_ENTRIES + 1))
    if len(entries) > MOST_ENTRIES:
        raise WrongSetting(f"{name} has more than {MOST_ENTRIES:,} entries, too many for a page: pass fewer.")
    return [_scalar(each) for each in entries]


def _scalar(entry: Any) -> Any:
    """The number in a tensor or an array without axes; anything else as it is."""
    if isinstance(entry, Tensor | np.ndarray) and not entry.ndim and not getattr(entry, "is_meta", False):
        return entry.item()
    return entry


def as_setting(value: Any, name: str, hint: Any) -> Any:
    """One setting, by its annotation, also from a tensor or an array without axes. Raises WrongSetting."""
    return checked(name, _scalar(value), hint)


def as_names(value: Any, name: str, count: int | None = None, thing: str = "entry") -> list[str]:
    """Names, also numbers as names. Raises WrongSetting for anything else, or if they are not one for each thing."""
    entries = as_list(value, name)
    for each in entries:
        if not isinstance(each, (str, Real)):
            raise WrongSetting(f"{name} contains {shown(each)}, but must be a list of texts.")
    if count is not None and len(entries) != count:
        plural = thing if count == 1 else f"{thing}s"
        raise WrongSetting(
            f"{name} has {len(entries)} names, but there are {count} {plural}: pass one name per {thing}."
        )
    return [str(each) for each in entries]


def as_indices(value: Any, name: str, below: int, count: int, thing: str) -> list[int]:
    """One whole number from 0 to below − 1 for each of count things. Raises WrongSetting for anything else."""
    index = Annotated[int, Must(f"a whole number from 0 to {below - 1}", lambda each: 0 <= each < below)]
    found = checked(name, as_list(value, name), tuple[index, ...])
    if len(found) != count:
        raise WrongSetting(
            f"{name} has {len(found)} numbers, but there are {count} {thing}s: pass one number per {thing}."
        )
    return list(found)


def as_start(value: Any, rows: int, columns: int, what: str) -> tuple[int, int]:
    """Row and column of the place of a grid that asks first, by default the middle.
    Raises ValueError outside the grid.
    """
    row, column = (
        (rows // 2, columns // 2) if value is None else checked("start", as_list(value, "start"), tuple[int, int])
    )
    if not (0 <= row < rows and 0 <= column < columns):
        raise ValueError(
            f"start is row {row}, column {column}, but the {what} form {rows} × {columns}: pass a row from 0 to "
            f"{rows - 1} and a column from 0 to {columns - 1}."
        )
    return row, column


def half_floats(tensor: Tensor) -> bytes:
    """A tensor as little-endian half floats."""
    return tensor.half().cpu().contiguous().numpy().astype("<f2", copy=False).tobytes()


def floats(tensor: Tensor) -> bytes:
    """A tensor as little-endian floats."""
    return tensor.float().cpu().contiguous().numpy().astype("<f4", copy=False).tobytes()
