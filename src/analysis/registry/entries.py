"""Typed entries of our files: frozen, no unknown key, and every mistake reported as a `Problem`.

Pydantic finds the mistakes, :func:`as_entry` says them in our four parts with a "did you mean".
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from analysis.words.errors import Problem, did_you_mean
from analysis.words.periods import as_period, frequency_of, last_day, period_code

Model = TypeVar("Model", bound=BaseModel)


class Entry(BaseModel):
    """Base of all typed entries: frozen, an unknown key is an error, no silent conversions of numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True, allow_inf_nan=False)


def _text(value: Any) -> Any:
    """A code written without quotes may arrive as a whole number; a decimal has already lost its form."""
    if isinstance(value, bool) or not isinstance(value, int):
        return value
    return str(value)


def _period(value: Any) -> Any:
    """Period code, also from ``2026Q3``, ``2025`` as a number, and the last day of a month."""
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if frequency_of(text):
        return period_code(as_period(text))
    if re.fullmatch(r"\d{4}-\d{2}-\d{2}", text):
        try:
            day = dt.date.fromisoformat(text)
        except ValueError:
            day = None
        if day and day == last_day(f"{day:%Y-%m}"):
            return f"{day:%Y-%m}"
    raise ValueError("2022-02 (month), 2022-Q1 (quarter), 2022 (year), or the last day of a month as 2022-02-28")


def _iso_date(value: Any) -> Any:
    try:
        return dt.date.fromisoformat(str(value)).isoformat()
    except ValueError:
        raise ValueError("a date as 2022-08-09") from None


Text = Annotated[str, BeforeValidator(_text)]
PeriodCode = Annotated[str, BeforeValidator(_period)]
IsoDate = Annotated[str, BeforeValidator(_iso_date)]


def as_entry(model: type[Model], raw: Any, *, where: str) -> tuple[Model | None, list[Problem]]:
    """Convert plain values to a typed entry, or say everything that is wrong with them.

    Parameters
    ----------
    model : type of Entry
    raw : dict
        As read from YAML.
    where : str
        File and entry, for the messages.

    Returns
    -------
    entry, problems : tuple
        The entry and ``[]``, or None and every problem found.
    """
    if not isinstance(raw, dict):
        return None, [
            Problem(
                where,
                f"found {type(raw).__name__} {str(raw)[:60]!r}",
                "a mapping of keys to values",
                "Write it as `key: value` lines",
            )
        ]
    try:
        return model.model_validate(raw), []
    except ValidationError as error:
        errors = error.errors(include_url=False)
    places = {one["loc"][:-1] for one in errors}  # a list with a wrong item is not also too short
    errors = [one for one in errors if not (one["type"] == "too_short" and one["loc"] in places)]
    return None, [_problem(one, model, raw, where) for one in errors]


def _problem(error: dict, model: type[BaseModel], raw: Any, where: str) -> Problem:
    path = [str(one) for one in error["loc"]]
    place = f"{where}: {'.'.join(path)}" if path else where
    kind, found = error["type"], error.get("input")
    if kind == "extra_forbidden":
        allowed = _fields_at(model, error["loc"][:-1])
        remedy = did_you_mean(path[-1], allowed) or "Remove it"
        return Problem(place, f"the key {path[-1]!r} is not known", ", ".join(allowed), remedy)
    if kind == "missing":
        return Problem(place, "the key is missing", "", "Add it; the README.md in params explains every key")
    if kind == "literal_error":
        allowed = [one.strip(" '") for one in error["ctx"]["expected"].replace(" or ", ", ").split(",")]
        remedy = did_you_mean(found, allowed) or "Choose one of them"
        return Problem(place, f"found {found!r}", ", ".join(allowed), remedy)
    if kind == "none_required":
        return Problem(place, f"found {_shown(found)}", "nothing: this kind has none", "Remove it")
    if kind == "value_error" and isinstance(found, dict):
        return Problem(
            place, "the keys do not fit together", error["msg"].removeprefix("Value error, "), "Correct one of them"
        )
    return Problem(place, f"found {_shown(found)}", _allowed(error), "Change the value")


def _allowed(error: dict) -> str:
    """What is allowed there, from pydantic's message, without its grammar."""
    if error["type"] == "too_short":
        return f"at least {error['ctx']['min_length']} entries"
    if error["type"] == "string_pattern_mismatch":
        return f"text like {error['ctx']['pattern']}"
    message = error["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    return message.removeprefix("a valid ").split(", unable to parse")[0]


def _shown(found: Any) -> str:
    if isinstance(found, list | tuple | dict):
        return f"{len(found)} entries" if found else "nothing"
    return repr(found) if len(repr(found)) <= 80 else repr(found)[:77] + "..."


def _fields_at(model: type[BaseModel], loc: tuple) -> list[str]:
    """Keys that are allowed at the place of an error; of nested entries as well."""
    fields = model.model_fields
    for step in loc:
        if step not in fields:
            continue
        inner = _entry_in(fields[step].annotation)
        if inner is None:
            return []
        fields = inner.model_fields
    return list(fields)


def _entry_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for one in getattr(annotation, "__args__", ()):
        inner = _entry_in(one)
        if inner is not None:
            return inner
    return None


def resolve(path: str, *, root: Path) -> Path:
    """A path of a params file: relative paths start at the project folder `root`."""
    return Path(path) if Path(path).is_absolute() else Path(root) / path
