"""Reading our YAML files: safely, strictly, and with every problem at once.

Plain words only: no tags, no dates, no octal numbers (``01`` stays the text ``'01'``), no key twice, aliases
within bounds. The limits keep a hostile file from taking more than a second or a few megabytes.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from analysis.words.errors import ParamsError, Problem, did_you_mean, require

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

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    object

    Raises
    ------
    ParamsError
        No such file, not UTF-8, over `MAX_BYTES`, not YAML, a tag, a key that occurs twice, too deep, too many aliases.
    """
    path = Path(path)
    if not path.is_file():
        near = [one.name for one in path.parent.glob("*.y*ml")] if path.parent.is_dir() else []
        remedy = did_you_mean(path.name, near) or "Check the path; relative paths start at the project folder"
        raise ParamsError(Problem(str(path), "there is no such file", "", remedy))
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

    Parameters
    ----------
    path : str or Path
    key : str
        Plural of what is listed: "targets"; the code of an entry is under its singular.
    remedy : str
        What to read where the list is missing.

    Returns
    -------
    entries, problems : tuple
        No entry and one problem where the file holds something else.
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

    Raises
    ------
    ParamsError
        As :func:`read_yaml`.

    Examples
    --------
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
