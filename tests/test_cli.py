"""The command: exit codes, errors without traceback, a table from anywhere in and out."""

import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from analysis import tables
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


def test_assess_answers_for_every_unit_and_keeps_leading_zeros(tmp_path):
    out = tmp_path / "assessed.csv"
    made = tables.assess_files(
        write_observations(tmp_path / "o.csv"), targets=write_targets(tmp_path / "t.csv"), cutoff="2025-12", out=out
    )
    found = pd.read_csv(out, dtype={"unit": str})
    assert made.n_rows == 2 and made.refusals == [] and made.refused_path is None
    assert found["unit"].tolist() == ["007", "012"]
    wanted = {
        *("unit", "target", "p_attain", "status", "current", "predicted_median"),
        *("lower80", "upper80", "required_pace", "actual_pace"),
    }
    assert wanted <= set(found.columns)
    assert found["current"].tolist() == pytest.approx([0.53, 0.83])
    assert found.loc[0, "p_attain"] < 0.2 < 0.8 < found.loc[1, "p_attain"]
    assert found.loc[0, "required_pace"] == pytest.approx((0.8 - 0.53) / 6)


def test_assess_writes_the_same_bytes_twice_and_parquet_like_csv(tmp_path):
    observations, targets = write_observations(tmp_path / "o.csv"), write_targets(tmp_path / "t.csv")
    for name in ("a.csv", "b.csv", "c.parquet"):
        tables.assess_files(observations, targets=targets, cutoff="2025-12", out=tmp_path / name)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    stored = pd.read_parquet(tmp_path / "c.parquet")
    assert stored["p_attain"].tolist() == pytest.approx(pd.read_csv(tmp_path / "a.csv")["p_attain"].tolist())


def test_assess_refuses_rows_with_their_reason_and_loses_none(tmp_path):
    observations = write_observations(tmp_path / "o.csv")
    text = observations.read_text() + "007,online,22.8,0.5\n012,online,2025-12,chưa có\n"
    observations.write_text(text)
    out = tmp_path / "assessed.csv"
    made = tables.assess_files(observations, targets=write_targets(tmp_path / "t.csv"), cutoff="2025-12", out=out)
    refused = pd.read_csv(made.refused_path, dtype=str)
    assert len(refused) == 2 and refused["reason"].str.len().min() > 10
    assert refused["detail"].str.contains("22.8|chưa có").all()
    assert any("chưa có" in line for line in made.refusals)
    assert str(made.refused_path) in made.refusals[-1]
    assert pd.read_csv(out, dtype=str)["unit"].tolist() == ["007", "012"]


@pytest.mark.parametrize(
    "change, said",
    [
        ({"observations": "none.csv"}, "none.csv: there is no such file"),
        ({"out": "a.xlsx"}, "--out a.xlsx: the ending is '.xlsx'. Allowed: .csv or .parquet"),
    ],
)
def test_assess_names_what_is_wrong_with_its_files(tmp_path, monkeypatch, change, said):
    monkeypatch.chdir(tmp_path)
    write_observations(Path("o.csv"))
    write_targets(Path("t.csv"))
    names = {"observations": "o.csv", "out": "a.csv"} | change
    with pytest.raises(AnalysisError, match=said.replace("(", r"\(")):
        tables.assess_files(
            Path(names["observations"]), targets=Path("t.csv"), cutoff="2025-12", out=Path(names["out"])
        )


def test_a_misspelt_column_is_named_with_a_suggestion(tmp_path):
    observations = tmp_path / "o.csv"
    pd.read_csv(write_observations(observations)).rename(columns={"period": "perod"}).to_csv(observations, index=False)
    with pytest.raises(AnalysisError, match="'period' are missing.*Did you mean 'period'"):
        tables.assess_files(
            observations, targets=write_targets(tmp_path / "t.csv"), cutoff="2025-12", out=tmp_path / "a.csv"
        )


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


def test_check_writes_nothing_and_says_what_a_run_would_use(tmp_path):
    before = sorted(path.name for path in (ROOT / "outputs").iterdir())
    done = candich("check", "params/demo.yml")
    assert done.returncode == 0, done.stderr
    assert "156" in done.stdout and "2026-09" in done.stdout
    assert sorted(path.name for path in (ROOT / "outputs").iterdir()) == before


def test_every_command_explains_itself():
    env = {**os.environ, "NO_COLOR": "1"}
    for command in ("run", "check", "assess", "backtest", "verify"):
        done = subprocess.run(
            [sys.executable, "-m", "analysis", command, "--help"], capture_output=True, text=True, env=env, check=True
        )
        assert "Usage" in done.stdout
