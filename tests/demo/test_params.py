"""The demonstration's params, indicators, units and targets read without a problem and say what they should."""

from pathlib import Path

import pytest

from analysis.registry.indicators import read_indicators
from analysis.registry.params import read_params
from analysis.registry.sources import read_source
from analysis.registry.targets import KINDS, read_targets, units_of
from analysis.registry.units import read_units

ROOT = Path(__file__).parents[2]
ONLINE = ("online_filed", "online_resolved", "online_full", "procedures_end_to_end")


@pytest.fixture(scope="module")
def run():
    params = read_params(ROOT / "params" / "demo.yml")
    indicators = read_indicators(ROOT / params.indicators)
    units = read_units(ROOT / params.units)
    targets = read_targets([ROOT / one for one in params.targets], indicators=indicators, units=units)
    return params, indicators, units, targets


def test_the_run_is_marked_as_simulated(run):
    assert run[0].simulated and "mô phỏng" in run[0].title_vi and "simulated" in run[0].title_en


def test_155_units_hang_on_one_province(run):
    assert run[2]["parent"].eq("099").sum() == 155


def test_twelve_indicators_have_both_names_and_definitions(run):
    indicators = run[1]
    assert len(indicators) == 12
    for column in ("name_vi", "name_en", "definition_vi", "definition_en", "unit_vi", "unit_en"):
        assert indicators[column].ne("").all()
    rates = indicators[indicators["kind"].eq("rate")]
    assert rates[["numerator_vi", "numerator_en", "denominator_vi", "denominator_en"]].ne("").all(axis=None)
    assert set(indicators["kind"]) == {"rate", "count", "level", "rank"}
    assert indicators["cumulative"].sum() == 2
    assert indicators.loc[indicators["valid_from"].ne(""), "indicator"].tolist() == ["results_digitised"]


def test_the_four_online_indicators_count_four_different_things(run):
    four = run[1].set_index("indicator").loc[list(ONLINE)]
    assert len(set(zip(four["numerator_vi"], four["denominator_vi"]))) == 4
    assert four["definition_vi"].nunique() == 4


def test_every_indicator_is_read_from_one_measure(run):
    sources = [read_source(ROOT / one) for one in run[0].sources]
    measured = [measure.indicator for source in sources for measure in source.measures]
    assert sorted(measured) == sorted(run[1]["indicator"])


def test_targets_name_their_document_sentence_and_owner_and_say_they_are_invented(run):
    for target in run[3]:
        assert target.sentence and target.owner and target.document_date
        assert target.document.endswith("(văn bản mô phỏng)")


def test_targets_cover_all_kinds(run):
    assert {target.kind for target in run[3]} == set(KINDS)
    deadlines = {target.deadline for target in run[3] if target.kind != "conditional"}
    assert deadlines == {"2025-12", "2026-12", "2027-12"}
    assert [target.target for target in run[3] if target.settled] == ["ONL-70-2025"]
    assert {target.replaces for target in run[3]} == {"", "ONL-70-2025"}


def test_every_commune_has_a_quota_of_its_own(run):
    params, _, units, targets = run
    book = next(target for target in targets if target.target == "BOOK-QUOTA")
    assert sorted(book.quota) == units_of(book, units) == units.loc[units["level"].eq("commune"), "unit"].tolist()
    assert min(book.quota.values()) >= 10
    assert sorted(book.population) == sorted(book.quota)
    assert all(book.quota[unit] < people for unit, people in book.population.items())


def test_every_reading_bound_and_clock_is_shown_by_some_target(run):
    targets = {target.target: target for target in run[3]}
    assert {one.reading for one in targets.values() if one.reading} == {"each_period", "cumulative"}
    assert {one.operator for one in targets.values()} == {">", ">=", "<=", None}
    assert targets["ONL-BAND"].upper == 0.95
    assert {one.started for one in targets.values() if one.kind == "conditional"} == {True, False}
    assert {one.kind for one in targets.values() if one.milestones} == {"level_at", "cumulative_count"}
