"""A small project on disk: params, source, indicators, targets and a raw CSV, each part replaceable."""

from pathlib import Path

import yaml

from analysis.registry.params import read_params
from analysis.registry.sources import SourceParams
from analysis.words.findings import say

INDICATOR = {
    "indicator": "online",
    "name_vi": "Tỷ lệ hồ sơ trực tuyến",
    "name_en": "Share filed online",
    "kind": "rate",
    "better": "up",
    "frequency": "M",
    "season_length": 1,
    "cumulative": False,
    "aggregation": "sum",
    "unit_vi": "%",
    "unit_en": "%",
    "definition_vi": "Hồ sơ nộp trực tuyến trên tổng hồ sơ",
    "definition_en": "Dossiers filed online over all dossiers",
}
TARGET = {
    "target": "ON-80",
    "kind": "level_at",
    "indicator": "online",
    "name_vi": "Ít nhất 80%",
    "name_en": "At least 80%",
    "scope": "all",
    "operator": ">=",
    "threshold": 0.8,
    "deadline": "2025-12",
}
SOURCE = {
    "source": "dvc",
    "title": "Dossiers",
    "licence": "CC0",
    "format": "csv",
    "path": "raw/dossiers.csv",
    "vintage": "2024-04-05",
    "numbers": "plain",
    "dates": "code",
    "max_refused_share": 1.0,
    "columns": {"unit": "unit", "period": "period"},
    "measures": [{"indicator": "online", "numerator": "filed", "denominator": "all"}],
    "level": "commune",
    "tree": [{"level": "province", "code": "P", "name": "Tỉnh"}],
}
PARAMS = {
    "run_id": "small",
    "title_vi": "Nhỏ",
    "title_en": "Small",
    "language": "vi",
    "simulated": True,
    "cutoff": None,
    "sources": ["params/sources/dvc.yml"],
    "units": None,
    "indicators": "params/indicators.yml",
    "targets": ["params/targets/small.yml"],
    "horizon_periods": 12,
    "interval_levels": [0.5, 0.8],
    "model": "ensemble",
    "seed": 1,
    "n_paths": 100,
    "cut_points": {"on_track": 0.8, "likely": 0.5, "at_risk": 0.2},
    "hysteresis_margin": 0.05,
    "min_points": 4,
    "max_failed_share": 0.02,
    "publish": {"unit": True, "overview": True, "forecast": True},
}
CSV = """unit,period,filed,all
01,2024-01,40,100
01,2024-02,45,100
02,2024-01,30,50
02,2024-02,20,50
"""


def write_project(
    folder: Path, *, csv=CSV, params=None, source=None, indicators=None, targets=None, units=None
) -> Path:
    """Write the project; return the path of its params file. Dicts are merged into the parts above."""
    write_yaml(folder / "params/small.yml", PARAMS | (params or {}))
    write_yaml(folder / "params/sources/dvc.yml", SOURCE | (source or {}))
    write_yaml(folder / "params/indicators.yml", {"indicators": indicators or [INDICATOR]})
    write_yaml(folder / "params/targets/small.yml", {"targets": [TARGET] if targets is None else targets})
    write_text(folder / "raw/dossiers.csv", csv)
    if units is not None:
        write_text(folder / "params/units.csv", units)
    return folder / "params/small.yml"


def write_yaml(path: Path, content) -> Path:
    return write_text(path, yaml.safe_dump(content, allow_unicode=True, sort_keys=False))


def write_text(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def read_project(folder: Path, **parts):
    """Write and read the project."""
    from analysis.intake import read_inputs

    params = read_params(write_project(folder, **parts))
    return read_inputs(params, data_dir=None, root=folder)


def make_source(**parts) -> SourceParams:
    return SourceParams.model_validate(SOURCE | parts)


def found(inputs, flag) -> list[tuple]:
    """(unit, indicator, period, words) of a flag in the quality register."""
    rows = inputs.quality[inputs.quality["flag"] == flag]
    return [(*place, words) for _flag, *place, words in in_words(rows)]


def in_words(findings) -> list[tuple]:
    """(flag, unit, indicator, period, words) of findings."""
    rows = findings[["flag", "unit", "indicator", "period", "details"]].itertuples(index=False, name=None)
    return [(flag, *place, say(flag, details)) for flag, *place, details in rows]


def figures(inputs, column="value") -> dict:
    """(unit, period) -> the observation's `column`."""
    return inputs.observations.set_index(["unit", "period"])[column].to_dict()
