"""The command: exit codes, errors without traceback, a table from anywhere in and out."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pandas as pd
import pytest

from analysis import assess
from analysis.analyst import plain_tables
from analysis.words.errors import AnalysisError

ROOT = Path(__file__).parents[1]
MONTHS = [f"{year}-{month:02d}" for year in (2024, 2025) for month in range(1, 13)]


def candich(*arguments, cwd=ROOT):
    return subprocess.run(
        [sys.executable, "-m", "analysis", *map(str, arguments)], capture_output=True, text=True, cwd=cwd, check=False
    )


def write_observations(path, **columns):
    rows = [
        {"unit": unit, "indicator": "online", "period": month, "value": round(start + 0.01 * number, 3)}
        for unit, start in (("007", 0.30), ("012", 0.60))
        for number, month in enumerate(MONTHS)
    ]
    pd.DataFrame(rows).assign(**columns).to_csv(path, index=False)
    return path


def write_targets(path, **columns):
    row = {"target": "T80", "indicator": "online", "operator": ">=", "threshold": 0.8, "deadline": "2026-06"}
    pd.DataFrame([row | columns]).to_csv(path, index=False)
    return path


def assess_files(folder, *, observations=None, out="a.csv"):
    targets = folder / "t.csv"
    if not targets.exists():
        write_targets(targets)
    observations = observations or write_observations(folder / "o.csv")
    return plain_tables.assess_files(observations, targets=targets, cutoff="2025-12", out=folder / out)


def test_assess_answers_for_every_unit_and_keeps_leading_zeros(tmp_path):
    assessed, found = assess_files(tmp_path)
    stored = pd.read_csv(tmp_path / "a.csv", dtype={"unit": str})
    assert len(assessed) == 2 and found == [] and not (tmp_path / "a.csv.refused.csv").exists()
    assert stored["unit"].tolist() == ["007", "012"] and stored.columns.tolist() == plain_tables.ASSESSED
    assert stored["current"].tolist() == pytest.approx([0.53, 0.83])
    assert stored.loc[0, "p_attain"] < 0.2 < 0.8 < stored.loc[1, "p_attain"]
    assert stored.loc[0, "required_pace"] == pytest.approx((0.8 - 0.53) / 6)


def test_assess_writes_the_same_bytes_twice_and_parquet_like_csv(tmp_path):
    for name in ("a.csv", "b.csv", "c.parquet"):
        assess_files(tmp_path, out=name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    stored = pd.read_parquet(tmp_path / "c.parquet")
    assert stored["p_attain"].tolist() == pytest.approx(pd.read_csv(tmp_path / "a.csv")["p_attain"].tolist())


def test_assess_reads_parquet_as_it_reads_csv(tmp_path):
    wanted, _found = assess_files(tmp_path)
    table = pd.read_csv(tmp_path / "o.csv", dtype={"unit": str})
    table.to_parquet(tmp_path / "o.parquet")
    typed, _found = assess_files(tmp_path, observations=tmp_path / "o.parquet")
    pd.testing.assert_frame_equal(typed, wanted)
    targets = pd.read_csv(tmp_path / "t.csv", dtype={"unit": str})
    pd.testing.assert_frame_equal(assess(table, targets, cutoff="2025-12"), wanted)


@pytest.mark.slow
def test_assess_refuses_rows_with_their_reason_and_loses_none(tmp_path):
    observations = write_observations(tmp_path / "o.csv")
    observations.write_text(observations.read_text() + "007,online,22.8,0.5\n012,online,2025-12,chưa có\n")
    done = candich("assess", "--observations", observations, "--targets", write_targets(tmp_path / "t.csv"),
                   "--cutoff", "2025-12", "--out", tmp_path / "a.csv")  # fmt: skip
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        f"2 rows written to {tmp_path / 'a.csv'}",
        (
            "  observations, 1 row: '22.8' is not written like 2022-02, 2022-Q1 or 2022 (row 50). Write "
            "2026-09, 2026-Q3 or 2026, one of the three in all rows of an indicator."
        ),
        (
            "  observations, 1 row: 'chưa có' is not a number (column 'value', row 51). Write a plain "
            "number, as 0.762 or 1234.5."
        ),
        f"  each row: {tmp_path / 'a.csv.refused.csv'}",
    ]
    refused = pd.read_csv(tmp_path / "a.csv.refused.csv", dtype=str)
    assert refused["row"].tolist() == ["50", "51"]  # as the file counts them: the header is row 1
    assert refused["reason"].tolist() == ["unreadable_period", "unreadable_number"]
    assert pd.read_csv(tmp_path / "a.csv", dtype=str)["unit"].tolist() == ["007", "012"]


@pytest.mark.parametrize(("value", "threshold"), [(76.2, 0.8), (0.762, 80)])
def test_assess_with_nothing_left_exits_with_2_and_lists_the_rows(tmp_path, value, threshold):
    observations = write_observations(tmp_path / "o.csv", value=value)
    targets = write_targets(tmp_path / "t.csv", threshold=threshold)
    done = candich("assess", "--observations", observations, "--targets", targets,
                   "--cutoff", "2025-12", "--out", tmp_path / "a.csv")  # fmt: skip
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert f"targets, 1 row: threshold: found {threshold}, but" in done.stderr and "(row 2)" in done.stderr
    refused = pd.read_csv(tmp_path / "a.csv.refused.csv", dtype=str)
    assert refused[["table", "row", "reason"]].values.tolist() == [["targets", "2", "threshold_refused"]]
    assert not (tmp_path / "a.csv").exists()


@pytest.mark.parametrize(
    "change, said",
    [
        ({"observations": "absent-a.csv", "targets": "absent-b.csv"},
         ["absent-a.csv: there is no such file. Check the path, in the source's file or on the command line.",
          "absent-b.csv: there is no such file. Check the path, in the source's file or on the command line."]),
        ({"observations": "oo.csv"}, ["oo.csv: there is no such file. Did you mean 'o.csv'?"]),
        ({"out": "a.xlsx"},
         ["--out a.xlsx: the ending is '.xlsx'. Allowed: .csv or .parquet. Convert or rename the file."]),
    ],
)  # fmt: skip
def test_assess_names_what_is_wrong_with_its_files(tmp_path, monkeypatch, change, said):
    monkeypatch.chdir(tmp_path)
    write_observations(Path("o.csv"))
    write_targets(Path("t.csv"))
    names = {
        one: Path(name)
        for one, name in ({"observations": "o.csv", "targets": "t.csv", "out": "a.csv"} | change).items()
    }
    with pytest.raises(AnalysisError) as caught:
        plain_tables.assess_files(**names, cutoff="2025-12")
    assert str(caught.value).splitlines() == said


def test_a_misspelt_column_is_named_with_a_suggestion(tmp_path):
    observations = tmp_path / "o.csv"
    pd.read_csv(write_observations(observations)).rename(columns={"period": "perod"}).to_csv(observations, index=False)
    with pytest.raises(AnalysisError, match="o.csv: there is no column 'period'.*Did you mean 'perod'"):
        assess_files(tmp_path, observations=observations)


def test_the_first_example_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_observations(Path("mine.csv"))
    write_targets(Path("targets.csv"), deadline="2026-12")
    code, *_ = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), flags=re.S)
    names = {}
    exec(textwrap.dedent(code), names)  # noqa: S102
    assert len(names["answer"]) == 2 and names["refused"].empty


@pytest.mark.slow
def test_the_users_mistakes_exit_with_2_and_no_traceback(tmp_path):
    done = candich("run", tmp_path / "none.yml")
    assert done.returncode == 2 and "none.yml" in done.stderr and "Traceback" not in done.stderr
    done = candich("run", "params/demo.yml", "--from", "publsh")
    assert done.returncode == 2 and "Did you mean 'publish'?" in done.stderr
    done = candich("run", "params/demo.yml", "--jbos", 2)
    assert done.returncode == 2 and "--jobs" in done.stderr and "Traceback" not in done.stderr


def test_debug_shows_the_traceback(tmp_path):
    done = candich("--debug", "run", tmp_path / "none.yml")
    assert done.returncode == 2 and "Traceback" in done.stderr


@pytest.mark.slow
def test_check_writes_nothing_and_says_what_a_run_would_use(tmp_path):
    before = sorted(path.name for path in (ROOT / "outputs").iterdir())
    done = candich("check", "params/demo.yml")
    assert done.returncode == 0, done.stderr
    assert "156" in done.stdout and "2026-09" in done.stdout
    assert sorted(path.name for path in (ROOT / "outputs").iterdir()) == before


@pytest.mark.slow
def test_every_command_explains_itself():
    env = {**os.environ, "NO_COLOR": "1"}
    for command in ("run", "check", "assess", "backtest", "verify"):
        done = subprocess.run(
            [sys.executable, "-m", "analysis", command, "--help"], capture_output=True, text=True, env=env, check=True
        )
        assert "Usage" in done.stdout
