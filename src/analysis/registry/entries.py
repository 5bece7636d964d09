"""Our YAML files: read safely and strictly, as typed entries, and every mistake reported as a `Problem`.

Pydantic finds the mistakes, :func:`as_entry` says them in our four parts with a "did you mean".
Plain words only: no tags, no dates, no octal numbers (``01`` stays the text ``'01'``), no key twice, aliases within
bounds. The limits keep a hostile file from taking more than a second or a few megabytes.
"""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Annotated, Any, TypeVar

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from analysis.words.errors import ParamsError, Problem, did_you_mean, require
from analysis.words.files import missing_file
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
    """Convert plain values to a typed entry, or say everything that is wrong with them."""
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


MAX_BYTES = 5_000_000  # 3,321 communes with a threshold each and their sentences are below 1 MB
MAX_DEPTH = 20
MAX_ENTRIES = 300_000  # words, lists and mappings; 20 targets with a threshold for each of 3,321 communes are 133,000
MAX_DIGITS = 18
MAX_ALIASES = 64  # and none inside an anchored node, so a file grows at most 64-fold

_Base = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _PlainLoader(_Base):
    """Safe loader with the scalars of YAML 1.2: null, true/false, integers without leading zeros, decimals."""


_PlainLoader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?(0|[1-9][0-9]*)", list("-+0123456789")),
    (
        "float",
        r"[-+]?(0|[1-9][0-9]*)?\.[0-9]+([eE][-+]?[0-9]+)?|[-+]?(0|[1-9][0-9]*)\.([eE][-+]?[0-9]+)?",
        list("-+.0123456789"),
    ),
):
    _PlainLoader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first)


def _mapping(loader: yaml.Loader, node: yaml.MappingNode) -> dict:
    seen: dict[Any, int] = {}
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str | int | float | bool | None):
            raise yaml.constructor.ConstructorError(None, None, "a key is not a single word", key_node.start_mark)
        if key in seen:
            raise yaml.constructor.ConstructorError(
                None,
                None,
                f"the key {key!r} occurs twice (lines {seen[key]} and {key_node.start_mark.line + 1})",
                key_node.start_mark,
            )
        seen[key] = key_node.start_mark.line + 1
    return {
        loader.construct_object(key, deep=True): loader.construct_object(value, deep=True) for key, value in node.value
    }


def _whole(loader: yaml.Loader, node: yaml.ScalarNode) -> int:
    """A whole number; Python refuses to read one of thousands of digits, and no figure of ours has more than 18."""
    text = loader.construct_scalar(node)
    if len(text.lstrip("+-")) > MAX_DIGITS:
        found = f"a whole number of {len(text.lstrip('+-'))} digits, more than {MAX_DIGITS}"
        raise yaml.constructor.ConstructorError(None, None, found, node.start_mark)
    return int(text)


_PlainLoader.add_constructor("tag:yaml.org,2002:map", _mapping)
_PlainLoader.add_constructor("tag:yaml.org,2002:int", _whole)


def read_yaml(path: str | Path) -> Any:
    """Read one YAML file as plain dicts, lists, text, numbers, yes/no and None.

    ParamsError: no such file, not UTF-8, over `MAX_BYTES`, not YAML, a tag, a key that occurs twice, too deep, too many
    aliases.
    """
    path = Path(path)
    remedy = "Check the path; relative paths start at the project folder"
    require(missing_file(path, where=str(path), remedy=remedy), ParamsError)
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise ParamsError(
            Problem(str(path), f"the file has {size} bytes", f"at most {MAX_BYTES}", "Keep data in CSV or Parquet")
        )
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ParamsError(
            Problem(str(path), f"byte {error.start} is not UTF-8", "UTF-8", "Save the file as UTF-8")
        ) from None
    return parse_yaml(text, where=str(path))


def read_entries(path: str | Path, *, key: str, remedy: str) -> tuple[list[tuple[str, str, Any]], list[Problem]]:
    """Entries of a file that holds one list, as ``targets: [...]``: the code, the place and the content of each.

    `key` is the plural of what is listed ("targets"), the code of an entry is under its singular; `remedy` is what to
    read where the list is missing.
    """
    raw, noun = read_yaml(path), key.removesuffix("s")
    entries = raw.get(key) if isinstance(raw, dict) else None
    if not isinstance(entries, list) or set(raw) != {key}:
        return [], [Problem(str(path), f"the list of {key} is missing", f"the one key `{key}`, a list", remedy)]
    codes = [str(entry.get(noun, "")) if isinstance(entry, dict) else "" for entry in entries]
    places = [f"{path}: {noun} {code or order}" for order, code in enumerate(codes, start=1)]
    return list(zip(codes, places, entries)), []


def parse_yaml(text: str, *, where: str) -> Any:
    """Parse YAML text under the same rules as :func:`read_yaml`.

    ParamsError: as :func:`read_yaml`.

    >>> parse_yaml("unit: 01001\\ndate: 2022-12-31\\nshare: 0.4", where="example")
    {'unit': '01001', 'date': '2022-12-31', 'share': 0.4}
    """
    try:
        require(_check_events(text, where), ParamsError)
        return yaml.load(text, Loader=_PlainLoader)  # noqa: S506 - a safe loader with fewer types
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f": line {mark.line + 1}" if mark else ""
        reason = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
        raise ParamsError(
            Problem(
                f"{where}{line}",
                str(reason),
                "YAML: key: value, lists with '-', text quoted where it holds ': '",
                "Correct that line",
            )
        ) from None


def _check_events(text: str, where: str) -> list[Problem]:
    """Bounds on depth and aliases, and no tags; read from the event stream, before any object is built."""
    depth, aliases, anchored = 0, 0, []  # anchored: depth of every open anchored collection
    for number, event in enumerate(yaml.parse(text, Loader=_Base)):
        line = event.start_mark.line + 1
        if number > MAX_ENTRIES:
            found = f"more than {MAX_ENTRIES} entries"
            return [Problem(f"{where}: line {line}", found, f"at most {MAX_ENTRIES}", "Keep data in CSV or Parquet")]
        if isinstance(event, yaml.AliasEvent):
            aliases += 1
            if aliases > MAX_ALIASES or anchored:
                found = "an alias is inside an anchored entry" if anchored else f"more than {MAX_ALIASES} aliases"
                return [
                    Problem(
                        f"{where}: line {line}",
                        found,
                        f"at most {MAX_ALIASES} aliases, not nested",
                        "Write the values out",
                    )
                ]
            continue
        if getattr(event, "tag", None) and getattr(event, "implicit", True) is not True and event.tag != "!":
            if not (isinstance(event, yaml.ScalarEvent) and event.implicit[1]):
                return [Problem(f"{where}: line {line}", f"the tag {event.tag!r}", "no tags", "Remove the tag")]
        if isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            depth += 1
            if event.anchor:
                anchored.append(depth)
            if depth > MAX_DEPTH:
                return [Problem(f"{where}: line {line}", f"entries nest deeper than {MAX_DEPTH}", "", "Flatten them")]
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            if anchored and anchored[-1] == depth:
                anchored.pop()
            depth -= 1
    return []
