"""Vintage folders: each file with its day and its hash, none changed afterwards."""

import hashlib

import pytest

from analysis.intake.read import vintages_of
from analysis.words.errors import DataError
from intake.factory import CSV, make_source, read_project, write_text, write_yaml

SOURCE = {"path": "raw/dvc/{vintage}/d.csv", "vintage": None}


def deliver(folder, day, text=CSV, **meta):
    write_text(folder / f"raw/dvc/{day}/d.csv", text)
    stated = {"source": "dvc", "vintage": day, "sha256": hashlib.sha256(text.encode()).hexdigest(), "retrieved": day}
    write_yaml(folder / f"raw/dvc/{day}/d.csv.meta.yml", stated | meta)


def said(folder, as_of=None):
    with pytest.raises(DataError) as error:
        vintages_of(make_source(**SOURCE), base=folder, as_of=as_of)
    return [str(one) for one in error.value.problems]


def test_folders_are_vintages_oldest_first(tmp_path):
    for day in ("2024-05-05", "2024-04-05"):
        deliver(tmp_path, day)
    found = vintages_of(make_source(**SOURCE), base=tmp_path, as_of=None)
    assert [(one.vintage, one.where) for one in found] == [
        ("2024-04-05", "raw/dvc/2024-04-05/d.csv"), ("2024-05-05", "raw/dvc/2024-05-05/d.csv"),
    ]  # fmt: skip
    assert [one.vintage for one in vintages_of(make_source(**SOURCE), base=tmp_path, as_of="2024-04-30")] == [
        "2024-04-05"
    ]
    assert said(tmp_path, as_of="2024-01-01") == [
        "raw/dvc/{vintage}/d.csv: no vintage was known on 2024-01-01. Allowed: the first is 2024-04-05. Set a later as_of."  # noqa: E501
    ]


def test_every_wrong_folder_is_told(tmp_path):
    deliver(tmp_path, "2024-04-05", source="other", vintage="2024-04-06")
    write_text(tmp_path / "raw/dvc/2024-05-05/d.csv", CSV)
    write_text(tmp_path / "raw/dvc/2024-06-05/dd.csv", CSV)
    deliver(tmp_path, "latest")
    deliver(tmp_path, "2024-07-05", sha265="x")
    assert said(tmp_path) == [
        "raw/dvc/2024-04-05/d.csv.meta.yml: source: found 'other'. Allowed: 'dvc'. Correct one of them.",
        "raw/dvc/2024-04-05/d.csv.meta.yml: vintage: found '2024-04-06'. Allowed: '2024-04-05'. Correct one of them.",
        "raw/dvc/2024-05-05/d.csv.meta.yml: there is no such file. Write it: source, vintage, sha256, retrieved.",
        "raw/dvc/2024-06-05/d.csv: there is no such file. Did you mean 'dd.csv'?",
        "raw/dvc/2024-07-05/d.csv.meta.yml: sha265: the key 'sha265' is not known. "
        "Allowed: source, vintage, sha256, retrieved, url, note. Did you mean 'sha256'?",
        "raw/dvc/latest: the folder's name is not a date. Allowed: 2024-04-05. Rename or move it.",
    ]


def test_no_folder_is_told(tmp_path):
    assert said(tmp_path) == [
        "raw/dvc/: there is no vintage folder. Put each delivery into a folder named by its day, raw/dvc/2024-04-05/d.csv."  # noqa: E501
    ]


def test_a_file_that_changed_after_it_was_taken_in_is_refused(tmp_path):
    deliver(tmp_path, "2024-04-05")
    write_text(tmp_path / "raw/dvc/2024-04-05/d.csv", CSV.replace("40,100", "41,100"))
    with pytest.raises(
        DataError, match="d.csv: the file's sha256 is [0-9a-f]{64}. .*It is not the file that was taken in"
    ):
        read_project(tmp_path, source=SOURCE)
