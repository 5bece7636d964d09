"""No orphan number: every number a sentence says is a cell of the run's tables, or a count of their rows.

The oracle knows the tables and the way numbers are written, and nothing of how the sentences are made.
"""

import math
import re

import pytest
from bs4 import BeautifulSoup
from factory import NASTY

from analysis.briefing import overview_page, unit_page
from analysis.briefing.locale import number, percent, period
from analysis.briefing.parts import measure_of
from analysis.briefing.view import view_of
from analysis.briefing.wording import difference, quantity

NUMBER = re.compile(r"\d[\d.,]*")
CASES = [(unit, language) for unit in ("64", "001", "002", "003", "004", NASTY) for language in ("vi", "en")]


def numbers_in(text):
    return {one.rstrip(".,") for one in NUMBER.findall(text)}


def names_of(view):
    """What stands in names and periods is not said of anything."""
    names = [view.name(unit) for unit in view.units] + [view.target_name(one) for one in view.targets]
    names += [view.text(row, "name") for row in view.indicators.values()]
    dates = {one for row in view.run.assessments.itertuples() for one in (row.deadline, row.current_period)}
    dates |= set(view.run.observations["period"])
    said = [period(one, view.language) for one in dates if one]
    return sorted({one for one in [*names, *said] if one}, key=len, reverse=True)


def without(text, names):
    for name in names:
        text = text.replace(name, " ")
    return text


def cells_of(view, rows):
    """Every cell of these assessments as a page writes it: values, differences to the promise, chances; and counts."""
    language, found = view.language, set()
    for row in rows:
        indicator = measure_of(view, row)
        for value in (row.current, row.threshold, row.predicted_median, row.lower80, row.upper80):
            found |= numbers_in(quantity(value, indicator, language)) if math.isfinite(value) else set()
            found |= numbers_in(quantity(value, indicator, language, stated=True)) if math.isfinite(value) else set()
        gap = abs(row.threshold - row.predicted_median)
        found |= numbers_in(difference(gap, indicator, language)) if math.isfinite(gap) else set()
        if math.isfinite(row.p_attain):
            n = 10 if 0.075 <= row.p_attain <= 0.925 else 100
            found |= {str(n), str(min(max(round(row.p_attain * n), 1), n - 1)), percent(row.p_attain, language, 0)[:-1]}
    return found | {number(k, language) for k in range(len(rows) + 1)}


def sentences(fragment, names):
    soup = BeautifulSoup(str(fragment.html), "html.parser")
    return [without(one.get_text(" "), names) for one in soup.select(".answer, figcaption b")]


@pytest.mark.parametrize(("unit", "language"), CASES)
def test_every_number_in_a_unit_s_sentences_is_a_cell(run, unit, language):
    view, page = view_of(run, language), unit_page(run, unit=unit, language=language)
    known, names = cells_of(view, view.assessed(unit)), names_of(view)
    for code in view.indicators:  # a headline without a promise says today's figure
        history = view.history(unit, code)
        if history.periods and math.isfinite(history.values[-1]):
            known |= numbers_in(quantity(history.values[-1], view.indicators[code], language))
    said = [*sentences(page.answer(), names), *sentences(page.trajectories(), names)]
    assert said
    for sentence in said:
        assert numbers_in(sentence) <= known, sentence


@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_number_in_the_overview_s_sentences_is_a_count_of_rows(run, language):
    view, page = view_of(run, language), overview_page(run, language=language)
    names = names_of(view)
    [answer] = sentences(page.answer(), names)
    root, below = view.assessed(view.root), [unit for unit in view.all_assessed() if unit != view.root]
    doubtful = sum(any(row.status in ("at_risk", "unlikely") for row in view.assessed(unit)) for unit in below)
    known = {number(k, language) for k in range(len(root) + 1)} | {
        number(doubtful, language),
        number(len(below), language),
    }
    assert numbers_in(answer) <= known
    moved = run.extra["changes"]
    counts = {number(n, language) for n in (len(moved), (moved.status != moved.status_before).sum())}
    counts |= {number(n, language) for _target, mine in moved.groupby("target") for n in range(len(mine) + 1)}
    counts |= {number(n, language) for n in moved.cause.value_counts()}
    text = BeautifulSoup(str(page.changes().html), "html.parser").p.text
    extra = numbers_in(without(text, names)) - counts
    up = number(sum(row.status in ON and row.status_before not in ON for row in moved.itertuples()), language)
    assert extra <= {up}


ON = {"met", "holding", "on_track"}


def test_the_oracle_sees_a_number_that_stands_nowhere(run):
    view = view_of(run, "en")
    known, names = cells_of(view, view.assessed("001")), names_of(view)
    [answer] = sentences(unit_page(run, unit="001", language="en").answer(), names)
    digits = sorted(numbers_in(answer))
    assert not numbers_in(answer.replace(digits[0], "7,777")) <= known
