"""Forecasts of the run before, kept under the hash of the panel they were made from: a correction makes one anew.

A group's targets may look at several indicators (a composite's components), of which a correction touches one.
"""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import Panel
from analysis.forecasting.portable import as_arrays, from_arrays
from analysis.forecasting.predictive import Predictive
from analysis.publishing import keys

FOLDER = "forecasts-"  # before the number of the group


@dataclass
class Forecasts:
    """``forecast_panel`` that looks first into a folder, and leaves there what it made.

    Parameters
    ----------
    folder : Path or None
        None: nothing is kept.
    """

    folder: Path | None
    used: set[str] = field(default_factory=set)

    def __call__(self, panel: Panel, *, horizon: int, options: Options) -> Predictive:
        """The forecast of a panel, as read back from what is kept: the same whoever made it, and when."""
        if self.folder is None:
            return from_arrays(as_arrays(forecast_panel(panel, horizon=horizon, options=options)))
        path = self.folder / f"{key_of(panel, horizon=horizon, options=options)}.npz"
        self.used.add(path.name)
        found = _read(path)
        if found is None:
            arrays = as_arrays(forecast_panel(panel, horizon=horizon, options=options))
            _write(path, arrays)
            found = from_arrays(arrays)
        return found

    def forget(self) -> None:
        """Remove what was not asked for."""
        for path in sorted(self.folder.glob("*")) if self.folder is not None else ():
            if path.name not in self.used:
                path.unlink(missing_ok=True)


def key_of(panel: Panel, *, horizon: int, options: Options) -> str:
    """Hash of all that a forecast is made from: figures, what is asked, our code, the versions."""
    asked = [horizon, asdict(options), keys.code_hash(), keys.environment()]
    digest = hashlib.sha256(json.dumps(asked, sort_keys=True).encode("utf-8"))
    for name, array in as_arrays(panel).items():
        array = np.ascontiguousarray(array)
        told = repr(array.tolist()).encode("utf-8", "surrogatepass") if array.dtype == object else array.tobytes()
        digest.update(f"{name} {array.dtype} {array.shape} {len(told)}".encode() + told)
    return digest.hexdigest()


def _read(path: Path) -> Predictive | None:
    try:
        with np.load(path, allow_pickle=False) as file:
            return from_arrays({name: file[name] for name in file.files})
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):  # the last: of its check sums
        return None


def _write(path: Path, arrays: dict[str, np.ndarray]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with beside.open("wb") as file:
            np.savez(file, **arrays)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)
