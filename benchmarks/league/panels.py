"""The five real panels and the targets their policy-makers set, as the product would see them: read, arranged, asked.

Every reader takes the folder that holds ``mynumber/``, ``nhs_ae/``, ``us_flu/``, ``phonepe/`` and ``gapminder/``.
Kind, season and resolution are inferred by ``as_panel``, as for a table from anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from analysis.forecasting.panel import Panel, as_panel

SEED = 20220806


@dataclass(frozen=True)
class Task:
    """One indicator of a panel with its targets, horizons and cutoffs."""

    name: str
    panel: Panel
    thresholds: Mapping[str, object]
    horizons: Sequence[int]
    cutoffs: Sequence[str]
    at_least: bool = True
    scored: Sequence[str] | None = None  # units that are cases; None: all


def mynumber(data: Path, *, n_scored: int | None) -> list[Task]:
    """Cards issued per resident and municipality; targets .20 to .50; cutoffs across the turn of spring 2021."""
    table = pd.read_csv(data / "mynumber" / "cards_issued.csv", dtype={"municipality_code": str})
    day = pd.to_datetime(table["as_of"])
    # the 1st of a month is the state at the end of the month before; other days go to the nearest month's end
    table["period"] = (day - pd.to_timedelta(np.where(day.dt.day <= 15, 15, 0), unit="D")).dt.strftime("%Y-%m")
    rows = table.rename(columns={"municipality_code": "unit", "cards_issued": "numerator", "population": "denominator"})
    rows = rows.assign(indicator="cards", value=rows["numerator"] / rows["denominator"])
    rows = rows[["unit", "indicator", "period", "value", "numerator", "denominator"]]
    panel = as_panel(rows, indicator={"indicator": "cards"}, cutoff=None)
    cutoffs = ["2020-05", "2020-07", "2020-10", "2020-11", "2020-12", "2021-01", "2021-02", "2021-03"]
    cutoffs += ["2021-05", "2021-07", "2021-09", "2021-11"]
    thresholds = {f"share {one:.2f}": one for one in (0.20, 0.30, 0.40, 0.50)}
    return [Task("cards", panel, thresholds, (3, 6, 9), cutoffs, scored=_sample(panel, n_scored))]


def nhs(data: Path, *, n_scored: int | None) -> list[Task]:
    """Attendances seen within four hours: at least .90, at least .95; strongly seasonal."""
    table = pd.read_csv(data / "nhs_ae" / "attendances_within_4h.csv")
    cutoffs = ["2017-06", "2017-09", "2017-12", "2018-03", "2018-06", "2018-09"]
    thresholds = {"share 0.90": 0.90, "share 0.95": 0.95}
    tasks = []
    for code in sorted(table["indicator"].unique()):
        panel = as_panel(table, indicator={"indicator": code}, cutoff=None)
        tasks.append(Task(code, panel, thresholds, (3, 6, 9), cutoffs, scored=_sample(panel, n_scored)))
    return tasks


def us_flu(data: Path, *, n_scored: int | None) -> list[Task]:
    """Adults vaccinated by the season's end (May): from earlier seasons, and from November and January of it."""
    table = pd.read_csv(data / "us_flu" / "coverage.csv")
    table = table[table["unit_type"] == "admin1"]
    thresholds = {f"share {one:.2f}": one for one in (0.40, 0.45, 0.50, 0.70)}
    code = table["indicator"].iloc[0]
    end = table[table["period"].str.endswith("-05")].copy()
    end["period"] = end["period"].str[:4]
    yearly = as_panel(end, indicator={"indicator": code, "cumulative": False}, cutoff=None)
    # the count restarts every season, so it is a seasonal level, not a cumulative one
    monthly = as_panel(table, indicator={"indicator": code, "cumulative": False}, cutoff=None)
    years = range(2014, 2022)
    return [
        Task("from past seasons", yearly, thresholds, (1, 2), [str(one) for one in years]),
        Task("from November", monthly, thresholds, (6,), [f"{one}-11" for one in years if one < 2022]),
        Task("from January", monthly, thresholds, (4,), [f"{one}-01" for one in years if one > 2014]),
    ]


def phonepe(data: Path, *, n_scored: int | None) -> list[Task]:
    """Users and transactions of a payment service: growth by 10, 20, 30 % in four quarters."""
    table = pd.read_csv(data / "phonepe" / "state_quarterly.csv")
    # README: 0 app opens until 2019-Q1 means not measured
    unmeasured = (table["indicator"] == "app_opens") & (table["value"] == 0)
    table = table[~unmeasured]
    cutoffs = ["2020-Q2", "2020-Q4", "2021-Q2", "2021-Q4", "2022-Q2", "2022-Q4", "2023-Q2", "2023-Q4"]
    thresholds = {f"growth {one:.0%}": _growth(one) for one in (0.10, 0.20, 0.30)}
    return [
        Task(code, as_panel(table, indicator={"indicator": code}, cutoff=None), thresholds, (4,), cutoffs)
        for code in sorted(table["indicator"].unique())
    ]


def gapminder(data: Path, *, n_scored: int | None) -> list[Task]:
    """Internet users (per-country goals by group) and under-five deaths (a third of each country's 1990 level)."""
    table = pd.read_csv(data / "gapminder" / "country_year.csv", dtype={"period": str})
    group = table.drop_duplicates("unit").set_index("unit")["group"]
    users = as_panel(table, indicator={"indicator": "internet_users"}, cutoff=None)
    developing = np.array([group[unit] == "g77" for unit in users.units])
    thresholds = {
        "least developed": np.where(developing, 0.15, np.nan),
        "own group": np.where(developing, 0.50, 0.60),
    }
    deaths = as_panel(table, indicator={"indicator": "under_five_mortality_from_cme_per_1000_born"}, cutoff=None)
    third = deaths.values[:, deaths.periods.index("1990")] / 3
    cutoffs = ["2002", "2004", "2006", "2008", "2010", "2012"]
    return [
        Task("internet users", users, thresholds, (3, 5, 7), cutoffs),
        Task("under-five deaths", deaths, {"third of 1990": third}, (3, 5, 7), cutoffs, at_least=False),
    ]


PANELS: Mapping[str, Callable[..., list[Task]]] = {
    "mynumber": mynumber,
    "nhs": nhs,
    "us_flu": us_flu,
    "phonepe": phonepe,
    "gapminder": gapminder,
}


def quick(task: Task) -> Task:
    """The same task on every third cutoff."""
    return replace(task, cutoffs=list(task.cutoffs)[::3])


def _growth(share: float) -> Callable[[Panel], np.ndarray]:
    return lambda panel: (1 + share) * panel.last_value()


def _sample(panel: Panel, n: int | None) -> list[str] | None:
    if n is None or n >= panel.n_units:
        return None
    chosen = np.random.default_rng(SEED).choice(panel.n_units, size=n, replace=False)
    return [panel.units[one] for one in sorted(chosen)]
