"""Different indicators are never made one series: not by a source, not by a chain of targets.

The sources of Đề án 06 hold four shares that all say "online": filed, received and resolved, processed fully, offered
end to end. In one city in one month three of them stood at 90, 66 and 97 %. A series or a promise that joins two is
wrong however well it is computed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from analysis.registry.kinds import Target
from analysis.registry.sources import SourceParams
from analysis.words.errors import Problem, examples


def check_joins(*, targets: Sequence[Target] = (), sources: Sequence[SourceParams] = ()) -> list[Problem]:
    """Places where two indicators would become one.

    Parameters
    ----------
    targets : sequence of Target
        A target may only replace one on the same indicator.
    sources : sequence of SourceParams
        A source may feed each indicator from one of its codes or columns only.

    Returns
    -------
    list of Problem
    """
    return _joined_by_targets(targets) + [one for source in sources for one in _joined_by_source(source)]


def _joined_by_targets(targets: Sequence[Target]) -> list[Problem]:
    indicator_of = {one.target: one.indicator for one in targets}
    return [
        Problem(
            f"target {one.target}: replaces",
            f"{one.replaces!r} is measured by {indicator_of[one.replaces]!r}, this target by {one.indicator!r}",
            "a target on the same indicator",
            "Let both stand side by side, each with its own validity",
        )
        for one in targets
        if indicator_of.get(one.replaces, one.indicator) != one.indicator
    ]


def _joined_by_source(source: SourceParams) -> list[Problem]:
    fed = defaultdict(list)
    for theirs, ours in source.indicators.items():
        fed[ours].append(theirs)
    for measure in source.measures:
        if measure.indicator:
            fed[measure.indicator].append(measure.value or measure.numerator)
    return [
        Problem(
            f"source {source.source}",
            f"{examples(sorted(names))} all become the indicator {indicator!r}",
            "one code or column for each indicator",
            "Give each an indicator of its own, or list the others under `ignore_indicators`",
        )
        for indicator, names in sorted(fed.items())
        if len(names) > 1
    ]
