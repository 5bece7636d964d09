"""The forecasts as a small hub: model-output files and hub-config, as hubverse tools read them.

Quantiles of every unit (`location`), indicator (`target`) and horizon; and, where a promise asks for the value at its
deadline, one point of the distribution function there: our published probability (calibrated, so it need not lie on the
line through the quantiles). In the hubverse, `target` means the thing forecast: our indicator.

``P(value >= t)`` is a statement about the values below t. Written as a distribution function, P(value <= x), that
needs the largest value below t: ``t - 1`` for counts and ranks, ``t - resolution`` where the indicator states one, and
t itself where values are exact (a tie has probability 0 there).

References
----------
hubverse documentation, "Model output" and "Defining modeling tasks"; schema of tasks.json v5.0.1.
"""

from __future__ import annotations

import math
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from analysis.briefing.locale import text_of
from analysis.publishing.downloads.csvs import write_csv, write_parquet
from analysis.publishing.downloads.texts import clean, each, guard, shown
from analysis.words.files import json_text, page_slug, write_file
from analysis.words.periods import between, frequency_of, last_day
from analysis.words.schema import RunTables

MODEL = "candich-ensemble"  # team_abbr-model_abbr
SCHEMA = "https://raw.githubusercontent.com/hubverse-org/schemas/main/v5.0.1/{name}-schema.json"
COLUMNS = ("origin_date", "target", "target_end_date", "horizon", "location", "output_type", "output_type_id", "value")
MONTHS = {"M": 1, "Q": 3, "Y": 12}  # the hubverse knows days, weeks and months only
AT_DEADLINE = ("level_at", "score_ge", "cumulative_count", "rank_le")  # kinds that ask for one value at one time
MAX_CSV_ROWS = 1_000_000  # a longer file is Parquet only
MAX_ID, MAX_NAME = 30, 100  # of target_id, of target_name and target_units


def write_hub(run: RunTables, folder: Path) -> list[Path]:
    """Write model-output, model-metadata and hub-config; return the files in the order of their names."""
    table = model_output(run)
    ending, write = ("csv", write_csv) if len(table) <= MAX_CSV_ROWS else ("parquet", write_parquet)
    contents = {
        folder / "hub-config" / "admin.json": _admin(run, file_format=ending),
        folder / "hub-config" / "tasks.json": tasks(run, table),
        folder / "model-metadata" / f"{MODEL}.yml": _metadata(run),  # JSON is YAML; the hubverse wants this ending
    }
    for path, content in contents.items():
        write_file(path, json_text(content).encode("utf-8", "replace"))
    outputs = []
    for origin, rows in table.groupby("origin_date", sort=True):
        outputs.append(folder / "model-output" / MODEL / f"{origin}-{MODEL}.{ending}")
        write(pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(None), outputs[-1])
    return [*contents, *outputs]


def model_output(run: RunTables) -> pd.DataFrame:
    """Quantile and distribution-function rows of a run.

    `horizon` is in months, dates are ISO text, `output_type_id` is a quantile level or a value; sorted by all but
    `value`. Text is guarded as in the CSV files.
    """
    parts = [part for part in (_quantiles(run.forecasts), _points(run)) if len(part)]
    frame = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))
    for name in ("target", "location"):
        frame[name] = each(frame[name], lambda text: guard(clean(text)))
    order = ["origin_date", "target", "location", "target_end_date", "output_type", "output_type_id"]
    return frame[list(COLUMNS)].sort_values(order, kind="stable", ignore_index=True)


def _quantiles(rows: pd.DataFrame) -> pd.DataFrame:
    months = each(rows["cutoff"], lambda cutoff: MONTHS.get(frequency_of(cutoff), 1))
    return pd.DataFrame(
        {
            "origin_date": each(rows["cutoff"], _date),
            "target": rows["indicator"],
            "target_end_date": each(rows["period"], _date),
            "horizon": rows["horizon"].to_numpy("int64") * months.astype("int64"),
            "location": rows["unit"],
            "output_type": "quantile",
            "output_type_id": rows["quantile_level"].to_numpy("float64"),
            "value": rows["predicted"].to_numpy("float64"),
        }
    )


def _points(run: RunTables) -> pd.DataFrame:
    """One point of the distribution function for every open promise about the value at its deadline."""
    readings = dict(zip(run.targets["target"], run.targets["reading"]))
    indicators = {row.indicator: row for row in run.indicators.itertuples(index=False)}
    keep = run.assessments[run.assessments["kind"].isin(AT_DEADLINE) & ~run.assessments["settled"].astype(bool)]
    found = {}
    for row in keep.itertuples(index=False):
        indicator = indicators.get(row.indicator)
        horizon = _months(row.cutoff, row.deadline)
        if indicator is None or horizon < 1 or readings.get(row.target, "") not in ("", "each_period"):
            continue
        if math.isfinite(row.p_attain) and math.isfinite(row.threshold):
            point, below = distribution_point(row, indicator)
            key = (_date(row.cutoff), row.indicator, _date(row.deadline), horizon, row.unit, "cdf", point)
            found.setdefault(key, below)
    return pd.DataFrame([(*key, below) for key, below in found.items()], columns=list(COLUMNS))


def distribution_point(row, indicator) -> tuple[float, float]:
    """Where, and how much: ``(x, P(value <= x))`` from the probability of the promise.

    >>> from types import SimpleNamespace as Row
    >>> exact = float("nan")
    >>> distribution_point(Row(operator=">=", threshold=8000, p_attain=0.75), Row(kind="count", resolution=exact))
    (7999.0, 0.25)
    >>> distribution_point(Row(operator="<=", threshold=3, p_attain=0.75), Row(kind="rank", resolution=exact))
    (3.0, 0.75)
    """
    step = 1.0 if indicator.kind in ("count", "rank") else indicator.resolution
    step = step if math.isfinite(step) else 0.0
    strictly_below = row.operator in (">=", "<")
    point = round(row.threshold - step * strictly_below, 9)
    below = 1 - row.p_attain if row.operator in (">", ">=") else row.p_attain
    return float(point), round(below, 9)


def tasks(run: RunTables, table: pd.DataFrame) -> dict:
    """hub-config/tasks.json: what may be submitted, taken from the rows of :func:`model_output`."""
    about = {guard(clean(row.indicator)): row for row in run.indicators.itertuples(index=False)}
    point = np.where(table["output_type"] == "cdf", table["output_type_id"], 0)
    groups = [
        _task(rows, about.get(target), output_type=output_type)
        for (target, output_type, _point), rows in table.groupby(["target", "output_type", point])
    ]
    return {
        "schema_version": SCHEMA.format(name="tasks"),
        "rounds": [
            {
                "round_id_from_variable": True,
                "round_id": "origin_date",
                "model_tasks": groups,
                "submissions_due": {"relative_to": "origin_date", "start": 0, "end": 92},
            }
        ],
        "output_type_id_datatype": "double",
        "derived_task_ids": ["target_end_date"],
    }


def _task(rows: pd.DataFrame, indicator, *, output_type: str) -> dict:
    task_ids = {
        name: _values(rows[name]) for name in ("origin_date", "target", "target_end_date", "horizon", "location")
    }
    levels = sorted(rows["output_type_id"].unique().tolist())
    limits = {"type": "double"} | ({"minimum": 0, "maximum": 1} if output_type == "cdf" else {})
    output = {"output_type_id": {"required": levels}, "value": limits, "is_required": output_type == "quantile"}
    return {
        "task_ids": task_ids,
        "output_type": {output_type: output},
        "target_metadata": [_target(rows["target"].iloc[0], indicator)],
    }


def _target(code: str, indicator) -> dict:
    name = text_of(indicator, "name", "en") if indicator is not None else code
    count = getattr(indicator, "kind", "") in ("count", "rank")
    return {
        "target_id": code if len(code) <= MAX_ID else f"{page_slug(code)[:16]}-{page_slug(code)[-12:]}",
        "target_name": shown(name or code, limit=MAX_NAME),
        "target_units": _units(indicator),
        "target_keys": {"target": code},
        "target_type": "discrete" if count else "continuous",
        "is_step_ahead": True,
        "time_unit": "month",
    }


def _units(indicator) -> str:
    if getattr(indicator, "kind", "") == "rate":
        return "fraction (0 to 1)"
    return shown(text_of(indicator, "unit", "en") or "count", limit=MAX_NAME) if indicator is not None else "count"


def _values(column: pd.Series) -> dict:
    return {"required": None, "optional": sorted(column.unique().tolist())}


def _admin(run: RunTables, *, file_format: str) -> dict:
    return {
        "schema_version": SCHEMA.format(name="admin"),
        "name": shown(str(run.params.get("title_en") or run.run_id), limit=MAX_NAME),
        "maintainer": "Cán Đích",
        "contact": {},  # contact and repository are for whoever hosts the hub to state
        "file_format": [file_format],
        "timezone": "Asia/Ho_Chi_Minh",
        "model_output_dir": "model-output",
    }


def _metadata(run: RunTables) -> dict:
    team, model = MODEL.split("-")
    return {
        "team_abbr": team,
        "model_abbr": model,
        "model_name": "Cán Đích pooled ensemble",
        "designated_model": True,
        "simulated_data": bool(run.params.get("simulated")),
    }


@lru_cache(maxsize=4096)
def _months(cutoff: str, deadline: str) -> int:
    """Months from the cutoff to the deadline; 0 where one of them is no period."""
    if not frequency_of(cutoff) or not frequency_of(deadline):
        return 0
    return between(cutoff, deadline) * MONTHS[frequency_of(cutoff)]


@lru_cache(maxsize=4096)
def _date(code: str) -> str:
    return last_day(code).isoformat()
