"""Joint errors of all units along the horizon: same seed, same bytes, whatever rows are asked for.

An h-step error is the sum of one-step shocks carried on, ``e_h = r_h + sum_j c_j r_{h-j}``, with a share common to all
units; scaled to unit variance at every horizon and made t-distributed by one divisor a unit and path. A unit's own
random numbers depend on the seed and its code, nothing else.
"""

from __future__ import annotations

import hashlib

import numpy as np

BLOCK = 16  # units at once: a block stays in the processor's cache


def errors(
    units: list[str], *, carry: np.ndarray, df: np.ndarray, common: float, n_paths: int, seed: int
) -> np.ndarray:
    """Standardised errors, t-distributed with `df` at every horizon.

    Parameters
    ----------
    units : list of str, length n
    carry : array, shape (n, H - 1)
    df : array, shape (n,)
    common : float
        Share of a shock's variance that is common to all units.
    n_paths : int
    seed : int

    Returns
    -------
    array, shape (n, H, n_paths)
    """
    n, horizon = len(units), carry.shape[1] + 1
    shared = _generator(seed, "").standard_normal((horizon, n_paths), dtype=np.float32) * np.float32(np.sqrt(common))
    out = np.empty((n, horizon, n_paths), dtype=np.float32)  # seven digits are plenty for a random error
    divisor = np.empty((n, n_paths), dtype=np.float32)
    for index, unit in enumerate(units):
        stream = _generator(seed, "unit:" + unit)
        stream.standard_normal(dtype=np.float32, out=out[index])
        divisor[index] = stream.standard_gamma(df[index] / 2.0, n_paths, dtype=np.float32)
    out *= np.float32(np.sqrt(1.0 - common))
    out += shared
    out = _carry(out, carry.astype(np.float32))
    divisor *= (2.0 / df[:, None]).astype(np.float32)
    np.sqrt(divisor, out=divisor)
    np.divide(np.float32(1.0), divisor, out=divisor)
    out *= divisor[:, None, :]
    return out


def choices(unit: str, *, n_paths: int, seed: int) -> np.ndarray:
    """Two rows of uniform numbers of one unit, shape (2, n_paths); apart from those of :func:`errors`."""
    return _generator(seed, "choice:" + unit).random((2, n_paths))


def cases(unit: str, about: str, *, seed: int) -> np.random.Generator:
    """Stream of one unit's counts; apart from those of :func:`errors` and :func:`choices`."""
    return _generator(seed, f"cases:{about}:{unit}")


def _carry(shocks: np.ndarray, carry: np.ndarray) -> np.ndarray:
    out = np.array(shocks)
    carried = np.empty((shocks.shape[0], shocks.shape[2]), dtype=shocks.dtype)
    for h in range(1, shocks.shape[1]):
        for j in range(1, h + 1):
            np.multiply(shocks[:, h - j], carry[:, j - 1, None], out=carried)
            out[:, h] += carried
    size = 1.0 + np.concatenate([np.zeros((len(carry), 1)), np.cumsum(carry * carry, axis=1)], axis=1)
    out *= (1.0 / np.sqrt(size)).astype(shocks.dtype)[:, :, None]
    return out


def _generator(seed: int, name: str) -> np.random.Generator:
    digest = hashlib.blake2b(f"{seed}|{name}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
