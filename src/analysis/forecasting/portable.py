"""A panel's forecast as plain arrays and one text, and back: to be kept without running anything when it is read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from analysis.forecasting.bounds import Relapse
from analysis.forecasting.past import Past
from analysis.forecasting.predictive import Predictive
from analysis.forecasting.published import Counted
from analysis.forecasting.scales import Scale

_KNOWN = {one.__name__: one for one in (Predictive, Scale, Past, Relapse, Counted)}
SHAPE = "shape"  # the text that says where each array belongs


def as_arrays(value: Any) -> dict[str, np.ndarray]:
    """A dataclass of arrays, numbers, texts and further such dataclasses as named arrays.

    Examples
    --------
    >>> made = as_arrays(Counted(size=np.array([3, 0]), noise=np.array([0.1, 0.0]), resolution=0.0))
    >>> sorted(made)
    ['0', '1', 'shape']
    """
    arrays: dict[str, np.ndarray] = {}
    shape = json.dumps(_taken_apart(value, arrays))
    return arrays | {SHAPE: np.frombuffer(shape.encode("ascii"), dtype=np.uint8)}


def from_arrays(arrays: Mapping[str, np.ndarray]) -> Any:
    """What :func:`as_arrays` took apart.

    Raises
    ------
    KeyError, ValueError, TypeError
        When these are not such arrays.

    Examples
    --------
    >>> from_arrays(as_arrays(Counted(size=np.array([3]), noise=np.array([0.1]), resolution=0.5))).resolution
    0.5
    """
    return _put_together(json.loads(bytes(arrays[SHAPE])), arrays)


def _taken_apart(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if dataclasses.is_dataclass(value):
        fields = {one.name: _taken_apart(getattr(value, one.name), arrays) for one in dataclasses.fields(value)}
        return {"class": type(value).__name__, "fields": fields}
    if isinstance(value, np.ndarray):
        ordered = value.flags.c_contiguous or value.flags.f_contiguous  # as a file keeps it: sums depend on the order
        arrays[name := str(len(arrays))] = value if ordered else np.ascontiguousarray(value)
        return {"array": name}
    if isinstance(value, dict):
        return {"dict": [[key, _taken_apart(one, arrays)] for key, one in value.items()]}
    if isinstance(value, tuple):
        return {"tuple": list(value)}
    return value.item() if isinstance(value, np.generic) else value


def _put_together(shape: Any, arrays: Mapping[str, np.ndarray]) -> Any:
    if not isinstance(shape, dict):
        return shape
    if "array" in shape:
        return arrays[shape["array"]]
    if "tuple" in shape:
        return tuple(shape["tuple"])
    if "dict" in shape:
        return {key: _put_together(one, arrays) for key, one in shape["dict"]}
    made = {name: _put_together(one, arrays) for name, one in shape["fields"].items()}
    return _KNOWN[shape["class"]](**made)
