"""Units on one chart, for an analyst's notebook; pages have charts of their own."""

from __future__ import annotations

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from analysis.words.periods import as_period


def compare_figure(table: pd.DataFrame, *, title: str, share: bool) -> Figure:
    """Draw observed figures as lines, forecasts dashed with their 80 % interval; each line is labelled at its end.

    Parameters
    ----------
    table : DataFrame
        unit, name, period, value, predicted, lower80, upper80.
    title : str
    share : bool
        The values are fractions: the axis is in per cent.

    Returns
    -------
    matplotlib.figure.Figure
        Save it with ``figure.savefig("name.png")``.
    """
    with sns.axes_style("whitegrid"):
        figure = Figure(figsize=(9, 5), layout="constrained")
        axes = figure.add_subplot()
    colours = sns.color_palette("colorblind", table["unit"].nunique())
    for colour, (_, rows) in zip(colours, table.groupby("unit", sort=False), strict=True):
        when = [as_period(period).to_timestamp() for period in rows["period"]]
        axes.plot(when, rows["value"], color=colour, linewidth=2)
        label = when[-1], rows["value"].iloc[-1]
        if "predicted" in rows:
            axes.plot(when, rows["predicted"], color=colour, linestyle="--")
            axes.fill_between(when, rows["lower80"], rows["upper80"], color=colour, alpha=0.15, linewidth=0)
            label = when[-1], rows["predicted"].iloc[-1]
        axes.annotate(rows["name"].iloc[0], label, xytext=(6, 0), textcoords="offset points", color=colour, va="center")
    axes.set_title(title, loc="left")
    if share:
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    return figure
