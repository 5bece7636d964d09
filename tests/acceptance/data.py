"""Where the real series stand: beside the project in ``../shared/data``, or where ``CANDICH_DATA`` says.

They are not part of the project. A test that needs one skips without it, and fails without it where ``CI=true``.
"""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def data_dir(name: str) -> Path:
    """The folder of the real series, when the file `name` stands there."""
    folder = Path(os.environ.get("CANDICH_DATA") or ROOT.parent / "shared" / "data")
    if not (folder / name).is_file():
        said = f"the real series {name} is missing; name its folder in CANDICH_DATA"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    return folder
