"""Cells as numbers: tables can then be compared and hashed without looking at each text."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd


def as_numbers(column: pd.Series) -> np.ndarray:
    """Numbers as they are; for other cells the first eight bytes of their hash, which comes from the cell alone.

    >>> as_numbers(pd.Series([0.5, 2.0])).tolist()
    [0.5, 2.0]
    >>> one, other, again = as_numbers(pd.Series(["a", "b", "a"]))
    >>> bool(one == again), bool(one == other)
    (True, False)
    """
    if isinstance(column.dtype, np.dtype):
        if column.dtype.kind in "fib":
            return column.to_numpy()
    elif column.dtype.kind in "iu":
        return column.to_numpy("float64", na_value=np.nan)
    codes, texts = pd.factorize(column, use_na_sentinel=True)
    parts = [hashlib.sha256(repr(text).encode("utf-8", "surrogatepass")).digest()[:8] for text in texts]
    return np.frombuffer(b"".join([*parts, bytes(8)]), dtype=np.uint64)[codes]  # a missing cell is the last
