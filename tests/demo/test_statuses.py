"""The demonstration shows what the product can say: every status, in a mix that a steering committee would see."""

from pathlib import Path

import pytest

from analysis.attainment.assess import assess
from analysis.forecasting.ensemble import forecast_panel
from analysis.forecasting.panel import as_panel
from analysis.intake import read_inputs
from analysis.registry.params import read_params
from analysis.words.schema import STATUSES

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def assessments():
    params = read_params(ROOT / "params" / "demo.yml")
    inputs = read_inputs(params, data_dir=None, root=ROOT)
    panels = {
        row["indicator"]: as_panel(inputs.observations, indicator=row, cutoff=params.cutoff)
        for row in inputs.indicators.to_dict("records")
    }
    predictives = {code: forecast_panel(panel, horizon=params.horizon_periods) for code, panel in panels.items()}
    return assess(
        inputs.targets, panels=panels, predictives=predictives, units=inputs.units, indicators=inputs.indicators,
        cutoff=params.cutoff, tasks=inputs.tasks,
    ).assessments  # fmt: skip


def test_all_eight_statuses_occur_and_none_rules(assessments):
    shares = assessments["status"].value_counts(normalize=True)
    assert sorted(shares.index) == sorted(STATUSES)
    assert shares.max() < 0.5


def test_every_target_is_assessed_for_every_unit_of_its_scope(assessments):
    sizes = assessments.groupby("target")["unit"].size()
    assert len(sizes) == 23
    assert {sizes[one] for one in ("ONL-80", "FULL-80", "LATE-2", "S766-90", "FOUR-OF-FIVE")} == {156}
    assert {sizes[one] for one in ("VNEID-80", "BOOK-QUOTA", "R766-20")} == {135}
    assert {sizes[one] for one in ("TASK-2026", "LATE-HALF", "REUSE-UP")} == {20}


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
