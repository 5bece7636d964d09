"""What a person sees while a command works: a bar with the time left on a terminal, a line a step in a log."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TextIO

import pandas as pd
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

NAMES = {"read": "Reading", "forecast": "Forecasting", "publish": "Publishing", "pdf": "Printing"}


@contextmanager
def reporting(stream: TextIO) -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function ``(step, done, total)`` that shows progress on `stream`."""
    console = Console(file=stream)
    if not console.is_terminal:
        finished: set[str] = set()

        def line(step: str, done: int, total: int) -> None:
            if done >= total and step not in finished:
                finished.add(step)
                print(f"{NAMES.get(step, step)}: {done} of {total}", file=stream, flush=True)

        yield line
        return
    columns = [TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()]
    columns += [TextColumn("left"), TimeRemainingColumn()]
    with Progress(*columns, console=console, auto_refresh=False) as bars:  # a thread of its own would bar forking
        tasks: dict[str, int] = {}

        def advance(step: str, done: int, total: int) -> None:
            if step not in tasks:
                tasks[step] = bars.add_task(NAMES.get(step, step), total=total)
            bars.update(tasks[step], completed=done, total=total, refresh=True)

        yield advance


def print_tables(found: Mapping[str, pd.DataFrame | str]) -> None:
    """Print named tables and sentences on the standard output."""
    console = Console(soft_wrap=True)
    for name, frame in found.items():
        if not isinstance(frame, pd.DataFrame):
            console.print(f"{name}: {frame}", markup=False, highlight=False)
            continue
        if frame.empty:
            continue
        table = Table(title=name, title_justify="left", show_edge=False)
        for column in frame.columns:
            numeric = pd.api.types.is_numeric_dtype(frame[column])
            table.add_column(str(column), justify="right" if numeric else "left", overflow="fold")
        for row in frame.itertuples(index=False, name=None):
            table.add_row(*(_cell(value) for value in row))
        console.print(table, markup=False)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return "" if pd.isna(value) else f"{value:.4g}"
    return "" if value is None or value is pd.NA else str(value).replace("[", r"\[")
