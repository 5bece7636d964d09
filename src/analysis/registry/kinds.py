"""The eleven kinds of target as typed entries: what each must state, and what it refuses.

Their events are computed in :mod:`analysis.attainment`; files of targets are read by :mod:`analysis.registry.targets`.
Shares are fractions: "80 %" is ``0.8``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from analysis.registry.entries import Entry, IsoDate, PeriodCode, Text
from analysis.words.periods import last_day

Operator = Literal[">", ">=", "<", "<="]
Reading = Literal["each_period", "cumulative", "rolling_3"]
READINGS = ("each_period", "cumulative", "rolling_3")
TWO_SIDED = ("level_at", "sustained_from")
NO_STEPS = ("indicators_k_of_n", "directional", "conditional")  # kinds that have no number to step towards


class Scope(Entry):
    """Units of one level of the tree, all of them or those below `within`."""

    level: Text
    within: Text | None = None


class Milestone(Entry):
    """A stated step on the way: the same operator against `threshold` at `period`."""

    period: PeriodCode
    threshold: float


class Component(Entry):
    """One part of a composite score: points it can give (`weight`), by an indicator in points or as a share of them."""

    indicator: Text
    weight: Annotated[float, Field(gt=0)]
    name_vi: str = ""
    name_en: str = ""


class Target(Entry):
    """What every target states; kinds below say which of the open fields they need and which they refuse."""

    target: Text
    kind: str
    indicator: Text = ""
    name_vi: str
    name_en: str
    scope: Literal["all"] | Scope | Annotated[tuple[Text, ...], Field(min_length=1)]
    operator: Operator | None = None
    threshold: float | None = None
    upper: float | None = None  # two-sided: threshold <= value <= upper
    start: PeriodCode | None = None
    deadline: PeriodCode | None = None
    reading: Reading | None = None
    milestones: tuple[Milestone, ...] = ()
    baseline: float | None = None
    k: Annotated[int, Field(ge=1)] | None = None
    n: Annotated[int, Field(ge=1)] | None = None
    unit_thresholds: dict[Text, float] = {}
    settled: bool = False  # the deadline has passed and the target stays on the board as met or missed
    owner: str = ""
    document: str = ""
    document_date: IsoDate | Literal[""] = ""
    sentence: str = ""
    inferred: tuple[Text, ...] = ()
    valid_from: IsoDate | Literal[""] = ""
    valid_to: IsoDate | Literal[""] = ""
    replaces: Text = ""
    note_vi: str = ""
    note_en: str = ""

    @model_validator(mode="after")
    def _hangs_together(self) -> Target:
        said = self._said()
        unknown = sorted(set(self.inferred) - set(type(self).model_fields))
        if unknown:
            said.append(f"names of this target's keys in `inferred`, not {', '.join(unknown)}")
        if self.upper is not None and (self.operator != ">=" or self.threshold is None or self.upper < self.threshold):
            said.append("an `upper` of at least the threshold, with the operator >=")
        if self.upper is not None and self.kind not in TWO_SIDED:
            said.append(f"`upper` with the kinds {', '.join(TWO_SIDED)} only")
        if self.upper is not None and any(one > self.upper for one in self.unit_thresholds.values()):
            said.append(f"unit_thresholds of at most `upper` {self.upper:g}")
        if self.milestones and self.kind in NO_STEPS:
            said.append(f"no milestones for the kind {self.kind}")
        if self.k is not None and self.n is not None and self.k > self.n:
            said.append(f"k of at most n = {self.n}")
        if self.valid_from and self.valid_to and self.valid_from > self.valid_to:
            said.append("valid_from on or before valid_to")
        said += self._said_of_dates()
        if said:
            raise ValueError("; ".join(said))
        return self

    def _said(self) -> list[str]:
        """What a kind adds; each sentence says what would be allowed."""
        return []

    def _said_of_dates(self) -> list[str]:
        said = []
        if self.start and self.deadline and _before(self.deadline, self.start):
            said.append(f"a deadline on or after the start {self.start}")
        if self.deadline and any(_before(self.deadline, step.period) for step in self.milestones):
            said.append(f"milestones on or before the deadline {self.deadline}")
        return said


def _before(one: str, other: str) -> bool:
    return last_day(one) < last_day(other)


class LevelAt(Target):
    """The value stands at `operator` `threshold` at the deadline."""

    kind: Literal["level_at"]
    indicator: Text
    operator: Operator
    threshold: float
    deadline: PeriodCode


class SustainedFrom(Target):
    """The value stands at `operator` `threshold` in every period from `start` on, by the `reading` named official."""

    kind: Literal["sustained_from"]
    indicator: Text
    operator: Operator
    threshold: float
    start: PeriodCode
    reading: Reading


class CumulativeCount(Target):
    """A count, or its share of an assigned quota or of those eligible, reaches `threshold` by the deadline."""

    kind: Literal["cumulative_count"]
    indicator: Text
    operator: Operator
    threshold: float
    deadline: PeriodCode
    of: Literal["count", "quota", "eligible"]
    quota: dict[Text, Annotated[float, Field(gt=0)]] = {}
    population: dict[Text, Annotated[float, Field(gt=0)]] = {}

    def _said(self) -> list[str]:
        if self.of == "quota" and not self.quota:
            return ["a `quota` {unit: number} for `of: quota`"]
        return []


class CoverageAll(Target):
    """`k` of `n` units or services are covered; k left out means all, n left out is the denominator in the data."""

    kind: Literal["coverage_all"]
    indicator: Text
    operator: None = None
    threshold: None = None


class TasksKOfN(Target):
    """`k` of `n` tasks of the task list are done by the deadline; k left out: all, n left out: the list's length."""

    kind: Literal["tasks_k_of_n"]
    operator: None = None
    threshold: None = None


class RankLe(Target):
    """Rank at most `threshold` among `peers` at the deadline, 1 is best; `indicator` is what is ranked."""

    kind: Literal["rank_le"]
    indicator: Text
    operator: Literal["<="] = "<="
    threshold: Annotated[float, Field(ge=1)]
    peers: Literal["all"] | Scope | Annotated[tuple[Text, ...], Field(min_length=2)]


class ScoreGe(Target):
    """A composite score of `components` reaches `threshold`; the weights sum to `total`."""

    kind: Literal["score_ge"]
    operator: Literal[">", ">="]
    threshold: float | None = None
    components: Annotated[tuple[Component, ...], Field(min_length=1)]
    total: Annotated[float, Field(gt=0)]
    version: str

    @property
    def weights(self) -> dict[str, float]:
        """Component indicator -> highest points."""
        return {one.indicator: one.weight for one in self.components}

    @property
    def members(self) -> tuple[str, ...]:
        """Indicators of the components."""
        return tuple(self.weights)

    def _said(self) -> list[str]:
        said = []
        weights = sum(one.weight for one in self.components)
        if abs(weights - self.total) > 1e-9:
            said.append(f"weights that sum to the total {self.total:g} (they sum to {weights:g})")
        if self.threshold is not None and self.threshold > self.total:
            said.append(f"a threshold of at most the total {self.total:g}")
        return said


class RelativeChange(Target):
    """The value changes by `threshold` (-0.5: halved) against a baseline: a number, one a unit, or a period's value."""

    kind: Literal["relative_change"]
    indicator: Text
    operator: Operator
    threshold: Annotated[float, Field(ge=-1)]
    baseline: float | dict[Text, float] | None = None
    baseline_period: PeriodCode | None = None

    def _said(self) -> list[str]:
        said = []
        if self.baseline is not None and self.baseline_period is not None:
            said.append("one of `baseline` and `baseline_period`")
        if (self.threshold < 0) != self.operator.startswith("<"):
            said.append("an operator that points where the change points (-0.5 with <=)")
        return said


class IndicatorsKOfN(Target):
    """`k` of the `members` (codes of other targets) are met; without members nothing is computed."""

    kind: Literal["indicators_k_of_n"]
    operator: None = None
    threshold: None = None
    members: tuple[Text, ...] = ()

    def _said(self) -> list[str]:
        if self.members and self.n is not None and self.n != len(self.members):
            return [f"n = {len(self.members)}, the number of members"]
        if self.members and self.k is not None and self.k > len(self.members):
            return [f"k of at most {len(self.members)}, the number of members"]
        return []


class Directional(Target):
    """A wish without a number: only P(better than at `start`) is stated, never an invented threshold."""

    kind: Literal["directional"]
    operator: None = None
    threshold: None = None

    def _said(self) -> list[str]:
        if self.start and self.deadline and not _before(self.start, self.deadline):
            return [f"a deadline after the start {self.start}: nothing is better than itself"]
        return []


class Conditional(Target):
    """A target whose clock starts when another body has acted (`start`; left out: not yet); then it is `then`."""

    kind: Literal["conditional"]
    condition_vi: str
    condition_en: str
    then: Literal["level_at", "coverage_all", "tasks_k_of_n"]

    @property
    def started(self) -> bool:
        """Whether the clock runs."""
        return self.start is not None

    def _said(self) -> list[str]:
        if (self.then == "level_at") != (self.operator is not None and self.threshold is not None):
            return ["an operator and a threshold for `then: level_at`, and only there"]
        return []


KINDS: dict[str, type[Target]] = {
    "level_at": LevelAt,
    "sustained_from": SustainedFrom,
    "cumulative_count": CumulativeCount,
    "coverage_all": CoverageAll,
    "tasks_k_of_n": TasksKOfN,
    "rank_le": RankLe,
    "score_ge": ScoreGe,
    "relative_change": RelativeChange,
    "indicators_k_of_n": IndicatorsKOfN,
    "directional": Directional,
    "conditional": Conditional,
}
