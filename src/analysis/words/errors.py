"""How the product says what is wrong: where, what was found, what is allowed, what to do; all at once.

A check returns ``list[Problem]``; :func:`require` raises once with every problem in it. Nothing here reads or writes.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

MAX_EXAMPLES = 5  # values quoted in one problem; the rest is counted


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong with an input.

    Parameters
    ----------
    where : str
        File, entry and line, as the reader would look for it: ``"params/demo.yml: horizon_months"``.
    found : str
        What was found there, values shown with ``!r``.
    allowed : str
        What is allowed there.
    remedy : str
        What to do about it.
    """

    where: str
    found: str
    allowed: str = ""
    remedy: str = ""

    def __str__(self) -> str:
        parts = [_sentence(f"{self.where}: {self.found}")]
        if self.allowed:
            parts.append(_sentence(f"Allowed: {self.allowed}"))
        if self.remedy:
            parts.append(_sentence(self.remedy))
        return " ".join(parts)


def _sentence(text: str) -> str:
    """The text with one mark at its end: its own question mark, or a full stop."""
    return text if text.endswith("?") else f"{text.rstrip('.')}."


class AnalysisError(Exception):
    """Root of our errors. ``problems`` holds every problem found; ``exit_code`` is what the command returns."""

    exit_code = 1

    def __init__(self, problems: Problem | str | Iterable[Problem]):
        if isinstance(problems, str):
            problems = [Problem(where="candich", found=problems)]
        elif isinstance(problems, Problem):
            problems = [problems]
        self.problems: list[Problem] = list(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ParamsError(AnalysisError):
    """A params file, a target, a unit list or an argument is wrong: the user's to correct."""

    exit_code = 2


class DataError(AnalysisError):
    """The data cannot be read or contradicts itself: the user's to correct."""

    exit_code = 2


class ModelError(AnalysisError):
    """A forecast could not be made: our fault, or a run above its ``max_failed_share``."""


class PublishError(AnalysisError):
    """A page or a site could not be published."""


def require(problems: Sequence[Problem], error: type[AnalysisError] = DataError) -> None:
    """Raise `error` with all `problems`, if there is any.

    AnalysisError: of the class `error`, when `problems` is not empty.

    >>> require([])
    """
    if problems:
        raise error(list(dict.fromkeys(problems)))


def examples(values: Iterable[object]) -> str:
    """Quote at most five values and count the rest.

    >>> examples([1, 'a'])
    "1, 'a'"
    >>> examples(range(7))
    '0, 1, 2, 3, 4 and 2 more'
    """
    values = list(values)
    text = ", ".join(repr(value) for value in values[:MAX_EXAMPLES])
    return text if len(values) <= MAX_EXAMPLES else f"{text} and {len(values) - MAX_EXAMPLES} more"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """The allowed word that is most like `word`, or "" where none is."""
    close = difflib.get_close_matches(str(word), [str(one) for one in allowed], n=1, cutoff=0.6)
    return close[0] if close else ""


def did_you_mean(word: str, allowed: Iterable[str]) -> str:
    """Suggest the nearest allowed word, as a sentence, or ``""``.

    >>> did_you_mean("horizn", ["horizon", "cutoff"])
    "Did you mean 'horizon'?"
    """
    close = nearest(word, allowed)
    return f"Did you mean {close!r}?" if close else ""


def unknown(
    named: Iterable[str], known: Collection[str], *, where: str, what: str, remedy: str, allowed: str = ""
) -> list[Problem]:
    """Codes that are named and do not exist: a problem each, with the nearest one that does."""
    allowed = allowed or f"one of {len(known)} codes"
    return [
        Problem(where, f"there is no {what} {one!r}", allowed, did_you_mean(one, known) or remedy)
        for one in sorted(set(named) - set(known))
    ]
