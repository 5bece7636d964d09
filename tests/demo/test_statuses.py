"""The demonstration shows what the product can say: every status, in a mix that a steering committee would see."""

import re
from pathlib import Path

import pandas as pd
import pytest

from analysis import records, statistics
from analysis.intake import read_inputs
from analysis.intake.inputs import TASK_COLUMNS
from analysis.registry.params import read_params
from analysis.words import schema
from analysis.words.schema import STATUSES

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run():
    params = read_params(ROOT / "params" / "demo.yml")
    return params, read_inputs(params, data_dir=None, root=ROOT)


@pytest.fixture(scope="module")
def now(run):
    params, inputs = run
    past = records.Register(ROOT, "demo").past(before=params.cutoff)
    history = pd.concat([past[then].assessments for then in statistics.status_cutoffs(params.cutoff)])
    forecasted = statistics.forecast_quarter(inputs, cutoff=params.cutoff, params=params)
    return statistics.assess_quarter(inputs, forecasted, params=params, previous=history), history


@pytest.fixture(scope="module")
def assessments(now):
    return now[0].assessments


def test_all_eight_statuses_occur_and_none_rules(assessments):
    shares = assessments["status"].value_counts(normalize=True)
    assert sorted(shares.index) == sorted(STATUSES)
    assert shares.max() < 0.5


def test_every_target_is_assessed_for_every_unit_of_its_scope(assessments):
    sizes = assessments.groupby("target")["unit"].size()
    assert len(sizes) == 25
    assert {sizes[one] for one in ("ONL-80", "FULL-80", "LATE-2", "S766-90", "FOUR-OF-FIVE")} == {156}
    assert {sizes[one] for one in ("VNEID-80", "BOOK-QUOTA", "R766-20")} == {135}
    assert {sizes[one] for one in ("TASK-2026", "LATE-HALF", "REUSE-UP", "ONL-BAND", "PAY-TREASURY")} == {20}


def test_the_new_commune_is_not_assessable_and_the_old_target_is_settled(assessments):
    new = assessments[assessments["unit"].eq("099130") & assessments["indicator"].ne("")]
    assert set(new["status"]) == {"not_assessable"}
    old = assessments[assessments["target"].eq("ONL-70-2025")]
    assert set(old["status"]) == {"met", "missed", "not_assessable"}
    assert old["status"].eq("missed").sum() > 20 and old["status"].eq("met").sum() > 20


def test_communes_of_one_target_stand_in_many_states(assessments):
    vneid = assessments[assessments["target"].eq("VNEID-80")]
    assert vneid["status"].nunique() >= 5
    assert vneid["p_attain"].between(0, 1).sum() > 130


def test_every_table_of_the_statistics_has_rows_in_the_demonstration(now):
    """What a kind, a lever or a chart adds is seen by somebody only where the demonstration has it."""
    assert set(now[0].extra) == {
        "baselines", "components", "contributions", "coverage", "crosswalk_labels", "denominators", "directional",
        "flip_flops", "k_of_n", "members", "milestones", "pace", "ranks", "readings", "rollup", "scenarios", "signals",
        "task_counts", "tasks",
    }  # fmt: skip


def test_statuses_of_the_last_quarters_seldom_go_back_and_forth(now):
    found, history = now
    assert sorted(history["cutoff"].unique()) == ["2025-12", "2026-03", "2026-06"]
    table = found.extra["flip_flops"]
    assert (table["n_cutoffs"] == 4).all() and table["flip_flop_index"].mean() < 0.1
    last = history[history["cutoff"] == "2026-06"].set_index(["unit", "target"])["status"]
    said = found.assessments.set_index(["unit", "target"])["previous_status"]
    assert (said == last.reindex(said.index)).all()


def test_every_figure_that_needs_checking_has_its_case(now):
    signals = now[0].extra["signals"]
    assert {
        "heaping", "end_of_period", "denominator_drop", "level_jump", "quota_population",
        "special_cause_improvement", "special_cause_concern",
    } == set(signals["signal"])  # fmt: skip
    assert set(signals.loc[signals["signal"] == "quota_population", "unit"]) == {"099055"}
    heaped = signals[signals["signal"] == "heaping"]
    assert set(heaped["rule"]) == {"LATE-2"} and len(heaped) >= 14


def test_two_denominators_and_both_probabilities_stand_side_by_side(now):
    table = now[0].extra["denominators"]
    books = table[table["target"] == "BOOK-QUOTA"]
    known = books[books["share_of_quota"].notna() & books["unit"].ne("099130")]
    assert known[["share_of_population", "p_quota", "p_population"]].notna().all(axis=None)
    low = books.set_index("unit").loc["099055"]
    assert low["share_of_quota"] > 1 and low["share_of_population"] < 0.12


def test_every_table_and_column_that_the_ten_questions_name_is_there(now):
    text = (ROOT / "docs" / "questions.md").read_text(encoding="utf-8")
    made = {name: set(table.columns) for name, table in now[0].extra.items()}
    made |= {
        name: set(getattr(schema, name.upper()).columns) | set(getattr(schema, name.upper()).key)
        for name in ("assessments", "forecasts", "observations", "quality", "scorecard", "evidence")
    }
    made["changes"] = set(records.build_changes(now[0].assessments, before=now[1]).columns)
    made["task_list"] = set(TASK_COLUMNS)
    named = set(re.findall(r"`([a-z_]+)\.([a-z_0-9]+)`", text))
    assert len(named) > 60
    assert {one for one in named if one[1] not in made.get(one[0], set())} == set()
    assert set(now[0].extra) <= {table for table, _ in named}  # and no table is left unexplained
