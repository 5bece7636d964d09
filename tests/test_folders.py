"""A run's folder: whose it is, what a later step may take from it, which units may be asked for."""

import json
from types import SimpleNamespace

import pandas as pd
import pytest

from analysis import folders
from analysis.words.errors import DataError, ParamsError


def test_an_unknown_unit_is_named_and_a_known_one_passes():
    known = pd.Series(["007", "012"])
    folders.check_units(["012"], known=known)
    folders.check_units(None, known=known)
    with pytest.raises(ParamsError, match="there is no unit '07'.*Did you mean '007'"):
        folders.check_units(["012", "07"], known=known)


def test_another_runs_folder_is_refused(tmp_path):
    (tmp_path / "manifest.json").write_text(json.dumps({"run_id": "other"}))
    with pytest.raises(DataError, match="holds another run, 'other'.*Name another folder with --out"):
        folders.check_run_dir(tmp_path, run_id="demo")
    folders.check_run_dir(tmp_path, run_id="other")


def test_a_folder_with_strange_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "thesis.docx").write_text("mine")
    with pytest.raises(DataError, match="not of a run: 'thesis.docx'"):
        folders.check_run_dir(tmp_path, run_id="demo")
    assert (tmp_path / "thesis.docx").read_text() == "mine"


def test_a_run_that_was_cut_off_may_go_on(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / ".lock").touch()
    folders.check_run_dir(tmp_path, run_id="demo")
    folders.check_run_dir(tmp_path / "not there yet", run_id="demo")


def test_stored_tables_of_other_params_are_not_used(tmp_path, monkeypatch):
    stored = SimpleNamespace(params={"seed": 1, "language": "vi"})
    monkeypatch.setattr(folders.records, "load_run", lambda run_dir: stored)
    same = SimpleNamespace(model_dump=lambda mode: {"seed": 1, "language": "en"})
    assert folders.stored_tables(tmp_path, params=same) is stored
    other = SimpleNamespace(model_dump=lambda mode: {"seed": 2, "language": "vi"})
    with pytest.raises(ParamsError, match="made with other params: 'seed' differ"):
        folders.stored_tables(tmp_path, params=other)
