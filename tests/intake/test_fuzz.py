"""Hostile and broken files through the whole of reading: an answer or one of our errors, and every row accounted for."""  # noqa: E501

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, example, given, settings

from analysis.intake import read_inputs
from analysis.registry.params import read_params
from analysis.words.errors import AnalysisError
from intake.factory import write_project

CELL = st.one_of(
    st.sampled_from(["01", "02", "2024-01", "2024-02", "2024-Q1", "40", "100", "0", "-1", "", "1.473", "45,7%", "46/126", "nan", "inf",  # noqa: E501
                     "1e400", "=cmd()", "<script>", "../../etc", "\u202eabc", '"; import os', "gần 63.000", "NULL"]),
    st.text(st.characters(blacklist_characters='",\n\r', blacklist_categories=("Cs",)), max_size=6),
)  # fmt: skip
LINES = st.lists(st.tuples(CELL, CELL, CELL, CELL), max_size=8)
CALM = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    folder = tmp_path_factory.mktemp("fuzz")
    return folder, read_params(write_project(folder, targets=[]))


@given(LINES)
@example([("01", "2024-01", "40", "100"), ("<script>", "2024-01", "40", "100"), ("../../etc", "2024-01", "1", "2")])
@example([("x" * 10_000, "2024-01", "40", "100")])
@CALM
def test_every_row_is_used_refused_or_empty(project, lines):
    folder, params = project
    text = "unit,period,filed,all\n" + "".join(",".join(line) + "\n" for line in lines)
    (folder / "raw/dossiers.csv").write_bytes(text.encode())
    try:
        inputs = read_inputs(params, data_dir=None, root=folder)
    except AnalysisError as error:
        assert error.problems
        return
    source = inputs.sources[0]
    assert (
        source["rows"] == source["rows_used"] + source["rows_refused"] + source["rows_empty"] + source["rows_ignored"]
    )
    errors = inputs.quality[inputs.quality["severity"].eq("error")]
    assert (source["rows_refused"] > 0) == (len(errors) > 0)
    rates = inputs.observations["value"].dropna()
    assert rates.between(0, 1).all()


@given(st.binary(max_size=200))
@CALM
def test_any_bytes_are_read_or_refused(project, content):
    folder, params = project
    (folder / "raw/dossiers.csv").write_bytes(content)
    with pytest.raises(AnalysisError):  # without our columns nothing can be read
        read_inputs(params, data_dir=None, root=folder)
