"""A made-up country to measure on: 1 nation, 34 provinces, n communes, 8 rates, 36 months. Nothing in it is real.

    python benchmarks/country.py FOLDER [--communes 3320]

writes everything `candich run FOLDER/params/country.yml` needs into FOLDER.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd

N_PROVINCES, N_INDICATORS, N_MONTHS = 34, 8, 36
FIRST = "2023-10"
PARAMS = {
    "run_id": "country",
    "title_vi": "Đo tốc độ trên một nước dựng ra",
    "title_en": "Speed, measured on a made-up country",
    "language": "vi",
    "simulated": True,
    "cutoff": "2026-09",
    "sources": ["params/sources/country.yml"],
    "units": "data/units.csv",
    "indicators": "data/indicators.yml",
    "targets": ["params/targets/country.yml"],
    "tasks": None,
    "horizon_periods": 15,
    "interval_levels": [0.5, 0.8, 0.95],
    "model": "ensemble",
    "seed": 1,
    "n_paths": 1000,
    "cut_points": {"on_track": 0.8, "likely": 0.5, "at_risk": 0.2},
    "hysteresis_margin": 0.05,
    "min_points": 4,
    "max_failed_share": 0.0,
    "publish": {"unit": True, "overview": True, "forecast": True},
}


def write_country(
    folder: Path, *, communes: int = 3320, provinces: int = N_PROVINCES, indicators: int = N_INDICATORS, seed: int = 1
) -> Path:
    """Write the country's files.

    Parameters
    ----------
    folder : Path
    communes, provinces, indicators : int
        How many of each.
    seed : int

    Returns
    -------
    Path
        The params file.
    """
    folder = Path(folder)
    for part in ("params/sources", "params/targets", "data"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    units = _units(communes, provinces=provinces)
    units.to_csv(folder / "data/units.csv", index=False)
    figures = _observations(units, n_indicators=indicators, seed=seed)
    figures.to_parquet(folder / "data/observations.parquet", index=False)
    texts = {  # JSON is YAML
        "data/indicators.yml": {"indicators": [_indicator(one) for one in range(indicators)]},
        "params/targets/country.yml": {"targets": [_target(one) for one in range(indicators)]},
        "params/sources/country.yml": _source(),
        "params/country.yml": PARAMS,
    }
    for name, content in texts.items():
        (folder / name).write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")
    notebooks = folder / "notebooks"
    if not notebooks.exists():
        notebooks.symlink_to(Path(__file__).resolve().parents[1] / "notebooks")
    return folder / "params/country.yml"


def _units(communes: int, *, provinces: int) -> pd.DataFrame:
    codes = [f"{one + 1:02d}" for one in range(provinces)]
    rows = [("00", "Nước", "Nation", "", "nation")]
    rows += [(code, f"Tỉnh {code}", f"Province {code}", "00", "province") for code in codes]
    rows += [
        (f"{one:05d}", f"Xã số {one}", f"Commune {one}", codes[one % provinces], "commune")
        for one in range(1, communes + 1)
    ]
    frame = pd.DataFrame(rows, columns=["unit", "name", "name_en", "parent", "level"])
    return frame.assign(valid_from="2022-01-01", valid_to="")


def _observations(units: pd.DataFrame, *, n_indicators: int, seed: int) -> pd.DataFrame:
    """Rates that rise along an S-curve of their own with common bursts, of known denominators."""
    random = np.random.default_rng(seed)
    leaves = units.loc[units["level"] == "commune", "unit"].to_numpy()
    shape = (len(leaves), n_indicators, N_MONTHS)
    start, speed = random.uniform(-3, 0, shape[:2]), random.uniform(0.02, 0.12, shape[:2])
    bursts = 1 + 0.5 * random.standard_normal(N_MONTHS).cumsum() / np.sqrt(N_MONTHS)
    logit = start[..., None] + (speed[..., None] * bursts).cumsum(axis=2) + 0.08 * random.standard_normal(shape)
    denominator = random.integers(200, 3000, shape[:2])[..., None] + np.zeros(N_MONTHS, dtype=int)
    numerator = random.binomial(denominator, 1 / (1 + np.exp(-logit)))
    months = pd.period_range(FIRST, periods=N_MONTHS, freq="M").astype(str).to_numpy()
    index = pd.MultiIndex.from_product([leaves, [f"rate{one}" for one in range(n_indicators)], months])
    frame = index.to_frame(index=False, name=["unit", "indicator", "period"])
    return frame.assign(numerator=numerator.ravel(), denominator=denominator.ravel())


def _indicator(one: int) -> dict:
    return {
        "indicator": f"rate{one}",
        "name_vi": f"Tỷ lệ thứ {one + 1}",
        "name_en": f"Rate {one + 1}",
        "kind": "rate",
        "better": "up",
        "frequency": "M",
        "season_length": 12,
        "cumulative": False,
        "aggregation": "sum",
        "unit_vi": "%",
        "unit_en": "%",
        "numerator_vi": "hồ sơ trực tuyến",
        "numerator_en": "dossiers online",
        "denominator_vi": "hồ sơ tiếp nhận",
        "denominator_en": "dossiers received",
        "definition_vi": "Số dựng ra để đo tốc độ.",
        "definition_en": "Made up to measure speed.",
    }


def _target(one: int) -> dict:
    return {
        "target": f"T{one}",
        "kind": "level_at",
        "indicator": f"rate{one}",
        "name_vi": f"Tỷ lệ thứ {one + 1} đạt 80% vào cuối năm 2026",
        "name_en": f"Rate {one + 1} at 80 % at the end of 2026",
        "scope": "all",
        "operator": ">=",
        "threshold": 0.8,
        "deadline": "2026-12",
        "owner": "Dựng ra",
        "document": "Văn bản dựng ra",
        "document_date": "2026-01-15",
        "sentence": "Câu dựng ra để đo tốc độ.",
        "valid_from": "2026-01-15",
    }


def _source() -> dict:
    return {
        "source": "country",
        "title": "Số dựng ra để đo tốc độ",
        "publisher": "Cán Đích",
        "licence": "MIT",
        "format": "parquet",
        "path": "data/observations.parquet",
        "vintage": "2026-10-10",
        "numbers": "plain",
        "dates": "code",
        "columns": {"unit": "unit", "indicator": "indicator", "period": "period"},
        "measures": [{"numerator": "numerator", "denominator": "denominator"}],
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--communes", type=int, default=3320)
    arguments = parser.parse_args()
    print(write_country(arguments.folder, communes=arguments.communes))
