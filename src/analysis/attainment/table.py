"""The statistics behind ``candich assess``: a tidy table and a table of targets from anywhere, without a registry.

What the table does not say (kind, season, published step) is inferred by :mod:`analysis.forecasting.panel`. Every unit
x target appears in the answer; what cannot be assessed says why.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.attainment.assess import assess
from analysis.attainment.intake_table import RATIO_TOLERANCE, REFUSED, text_of, usable_observations, usable_targets
from analysis.attainment.world import AssessOptions, World
from analysis.forecasting.ensemble import Options, forecast_panel
from analysis.forecasting.panel import Panel, as_panel
from analysis.registry.kinds import LevelAt
from analysis.words.errors import DataError, Problem
from analysis.words.periods import as_period, between, frequency_of, last_in, period_code
from analysis.words.schema import INDICATORS

COLUMNS = (
    "unit", "target", "indicator", "p_attain", "status", "current", "predicted_median", "lower80", "upper80",
    "required_pace", "actual_pace", "reason",
)  # fmt: skip
NATURAL = ("current", "predicted_median", "lower80", "upper80", "required_pace", "actual_pace")
NUMBERS = ("p_attain", *NATURAL)
MAX_HORIZON = 600  # periods; a deadline further away is a misprint


def assess_table(
    observations: pd.DataFrame, targets: pd.DataFrame, *, cutoff: str, options: AssessOptions | None = None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Assess every target for every unit of a plain table.

    Parameters
    ----------
    observations : DataFrame
        unit, indicator, period, value and optionally numerator, denominator. Shares as fractions; thresholds in the
        same unit as the values.
    targets : DataFrame
        target, indicator, operator, threshold, deadline and optionally unit (empty: every unit of the table).
    cutoff : str
        Last period that may be used; later rows are listed as not used.
    options : AssessOptions, optional

    Returns
    -------
    assessments : DataFrame
        One row a unit x target, sorted by them: unit, target, indicator, p_attain, status, current, predicted_median,
        lower80, upper80, required_pace, actual_pace (both in units of the indicator per period), reason.
    refused : DataFrame
        One row a row that was not used: table, row (1 is the first below the header), unit, indicator, period, target,
        reason, detail.

    Raises
    ------
    DataError
        A column is missing or the cutoff cannot be read.
    """
    options = options or AssessOptions()
    _check_cutoff(cutoff)
    used, refused = usable_observations(observations)
    late, used = _after(used, cutoff)
    percents = {one for one, rows in used.groupby("indicator", sort=True) if _is_percent(rows)}
    shares = {one for one, rows in used.groupby("indicator", sort=True) if _is_share(rows)}
    promised, refused_targets = usable_targets(targets, known=set(used["indicator"]), cutoff=cutoff, shares=shares)
    units = sorted(set(text_of(observations["unit"])) - {""})
    used = used.assign(value=used["value"].where(~used["indicator"].isin(percents), used["value"] / 100))
    beyond = set(promised.loc[promised["threshold"] > 1, "indicator"]) - percents  # promised more than a share can be
    panels = {
        one: _panel(rows, one, cutoff, kind="level" if one in beyond and (rows["value"] <= 1).all() else None)
        for one, rows in used.groupby("indicator", sort=True)
    }
    promises = _promises(promised, units, percents)
    world = World(
        targets=tuple(promises),
        panels=panels,
        predictives=_predictives(promises, panels, options.forecast or Options()),
        units=pd.DataFrame({"unit": units, "parent": ""}),
        indicators=INDICATORS.empty(),
        cutoff=cutoff,
        options=options,
    )
    answer = _per_cent_again(assess(world, annexes=False).assessments[list(COLUMNS)], percents)
    rows = _whole(answer, promised, refused_targets, units)
    refused = [one for one in (refused, late, refused_targets) if len(one)]
    return rows, pd.concat(refused, ignore_index=True) if refused else pd.DataFrame(columns=list(REFUSED))


def _check_cutoff(cutoff: str) -> None:
    if frequency_of(cutoff) is None:
        where, allowed = f"cutoff {cutoff!r}", "2022-02 (month), 2022-Q1 (quarter) or 2022 (year)"
        raise DataError(Problem(where, "it cannot be read as a period", allowed, "Rewrite it"))


def cutoff_in(cutoff: str, frequency: str) -> str:
    """Last whole period of `frequency` that has ended by the end of `cutoff`.

    Examples
    --------
    >>> cutoff_in("2022-02", "Q"), cutoff_in("2022-03", "Q"), cutoff_in("2022", "M")
    ('2021-Q4', '2022-Q1', '2022-12')
    """
    period = last_in(cutoff, frequency)
    if period.end_time > as_period(cutoff).end_time:
        period = period - 1
    return period_code(period)


def _after(used: pd.DataFrame, cutoff: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows after the cutoff, as refused rows, and the others."""
    last = {one: as_period(cutoff_in(cutoff, one)) for one in {frequency_of(code) for code in used["period"].unique()}}
    late = {one: as_period(one) > last[frequency_of(one)] for one in used["period"].unique()}
    gone = used["period"].map(late).astype(bool) if len(used) else pd.Series(False, index=used.index)
    rows = used[gone].assign(table="observations", target="", reason="after_cutoff")
    rows["detail"] = [f"period {one!r}, cutoff {cutoff!r}" for one in rows["period"]]
    return rows[list(REFUSED)], used[~gone]


def _panel(rows: pd.DataFrame, indicator: str, cutoff: str, *, kind: str | None) -> Panel:
    frequency = frequency_of(rows["period"].iloc[0])
    return as_panel(rows, indicator={"indicator": indicator, "kind": kind}, cutoff=cutoff_in(cutoff, frequency))


def _is_percent(rows: pd.DataFrame) -> bool:
    """Values are per cents of the counts beside them: read as shares, answered in per cent again."""
    ratio = rows["numerator"] / rows["denominator"]
    known = ratio.notna() & (ratio > 0)
    return bool(known.any() and ((rows["value"] - 100 * ratio).abs()[known] <= 1).all() and (rows["value"] > 1).any())


def _is_share(rows: pd.DataFrame) -> bool:
    """Values are numerators of the denominators beside them, as fractions."""
    ratio = rows["numerator"] / rows["denominator"]
    known = ratio.notna()
    return bool(known.any() and ((rows["value"] - ratio).abs()[known] <= RATIO_TOLERANCE).all())


def _promises(promised: pd.DataFrame, units: list[str], percents: set[str]) -> list[LevelAt]:
    """One target a text; rows of single units override the row for all."""
    promises = []
    for target, rows in promised.groupby("target", sort=True):
        named = set(rows["unit"]) - {""}
        for (indicator, operator, deadline), same in rows.groupby(["indicator", "operator", "deadline"], sort=True):
            threshold = same["threshold"] / (100 if indicator in percents else 1)
            single = same["unit"] != ""
            rest = set() if single.all() else set(units) - named
            bound = tuple(sorted({*same["unit"][single], *rest}))
            if bound:
                stated = {"target": target, "indicator": indicator, "operator": operator, "deadline": deadline}
                own = dict(zip(same["unit"][single], threshold[single]))
                general = float(threshold[~single].iloc[0] if rest else threshold.iloc[0])  # used for `rest` alone
                names = {"name_vi": "", "name_en": ""}
                promises.append(
                    LevelAt(kind="level_at", scope=bound, threshold=general, unit_thresholds=own, **stated, **names)
                )
    return promises


def _predictives(promises: list[LevelAt], panels: dict[str, Panel], forecast: Options) -> dict[str, object]:
    """One forecast an indicator, as far as its furthest deadline."""
    out = {}
    for name, panel in panels.items():
        horizons = [between(panel.periods[-1], one.deadline) for one in promises if one.indicator == name]
        furthest = max([one for one in horizons if 0 < one <= MAX_HORIZON], default=0)
        if furthest:
            out[name] = forecast_panel(panel, horizon=furthest, options=forecast)
    return out


def _per_cent_again(answer: pd.DataFrame, percents: set[str]) -> pd.DataFrame:
    """Answer in the unit the table came in."""
    scale = np.where(answer["indicator"].isin(percents), 100.0, 1.0)
    return answer.assign(**{name: answer[name] * scale for name in NATURAL})


def _whole(answer: pd.DataFrame, promised: pd.DataFrame, refused: pd.DataFrame, units: list[str]) -> pd.DataFrame:
    """Add the combinations of refused targets, so that no unit x target is missing from the answer."""
    asked = pd.concat([promised.assign(reason=""), refused], ignore_index=True)
    asked = asked[(asked["target"] != "") & (asked["reason"] != "duplicate")]
    have = set(zip(answer["unit"], answer["target"]))
    rows = []
    for one in asked[asked["reason"] != ""].itertuples():
        for unit in [one.unit] if one.unit else units:
            if (unit, one.target) not in have:
                have.add((unit, one.target))
                rows.append({"unit": unit, "target": one.target, "indicator": one.indicator, "reason": one.reason})
    lost = pd.DataFrame(rows, columns=list(COLUMNS)).assign(status="not_assessable")
    whole = pd.concat([answer, lost.astype({name: float for name in NUMBERS})], ignore_index=True) if rows else answer
    return whole.sort_values(["unit", "target"], kind="stable", ignore_index=True)
