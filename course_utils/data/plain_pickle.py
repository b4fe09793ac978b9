"""Pickles of dictionaries, lists, bytes, numbers and NumPy arrays; anything else is refused. All notebooks."""

import io
import pickle
from typing import Any

import numpy as np

# What rebuilds an array; none of it runs code of the pickle's choice. Its modules had other names before NumPy 2.
_REBUILD: dict[str, Any] = {"ndarray": np.ndarray, "dtype": np.dtype}
_REBUILD |= {"_reconstruct": np.zeros(0).__reduce__()[0], "_frombuffer": np.zeros(0).__reduce_ex__(5)[0]}
_MODULES = {"numpy"} | {f"numpy.{core}.{part}" for core in ("core", "_core") for part in ("multiarray", "numeric")}


class _Plain(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in _MODULES and name in _REBUILD:
            return _REBUILD[name]
        if (module, name) == ("_codecs", "encode"):  # how Python 3 writes bytes for Python 2
            return lambda text, encoding: text.encode("latin1")
        raise pickle.UnpicklingError(f"it asks for {module}.{name}, which is neither an array nor plain data")


def loads(content: bytes) -> Any:
    """The object in a pickle; text of Python 2 becomes bytes. Raises pickle.UnpicklingError for anything else."""
    try:
        return _Plain(io.BytesIO(content), encoding="bytes").load()
    except pickle.UnpicklingError:
        raise
    except Exception as error:  # a damaged pickle raises a dozen types
        raise pickle.UnpicklingError(f"it is damaged ({error})") from error
