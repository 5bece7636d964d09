"""Runs for these tests: the briefings' factory, and one whose names are as nasty as names can be."""

import dataclasses
import importlib.util
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from analysis.briefing.view import view_of
from analysis.words import schema
from analysis.words.schema import as_table

NASTY = (
    "<script>alert(1)</script>",
    '=cmd|"/c calc"!A1',
    "@SUM(1)",
    "+1",
    "-1+1",
    "\t=1",
    "'quoted",
    "../../etc/passwd",
    "x" * 10_000,
    "\u202eabc\u2066",
    "\ud800half",
    "nul\x00\x07bell",
    "con",
    "]]>&amp;<",
    "\uff1d1",
)


def _factory():
    path = Path(__file__).parents[2] / "briefing" / "factory.py"
    spec = importlib.util.spec_from_file_location("briefing_factory", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


factory = _factory()


UNITS = [one for one in factory.UNITS if one[0] in ("64", "64-D1", "64-D2", "001", "004", "999")]


@pytest.fixture(scope="session")
def run():
    return factory.make_run(units=UNITS)


def about(run, unit):
    """The run whose overview is about one unit and nothing else."""
    units = as_table(run.units[run.units["unit"] == unit].assign(parent=""), schema.UNITS)
    assessments = run.assessments[run.assessments["unit"] == unit]
    return dataclasses.replace(run, units=units, assessments=assessments, previous=None)


def unguard(text):
    """The rule of the README, to undo `guard`: a text that begins with an apostrophe loses that apostrophe."""
    return text[1:] if text.startswith("'") else text


@pytest.fixture(scope="session")
def view(run):
    return view_of(run, "vi")


@pytest.fixture(scope="session")
def english(run):
    return view_of(run, "en")


@pytest.fixture(scope="session")
def nasty(run):
    """The rows of one ordinary unit, once for every nasty name; the province above them stays."""
    names = pd.DataFrame([(one, one, "", "64", "commune") for one in NASTY], columns=list(run.units.columns[:5]))
    units = pd.concat([run.units[run.units["unit"] == "64"], names])
    tables = {"units": as_table(units, schema.UNITS)}
    for name in ("observations", "forecasts", "assessments", "scorecard"):
        frame = getattr(run, name)
        rows = frame[frame["unit"] == "001"].tail(60)
        copies = [frame[frame["unit"] == "64"], *[rows.assign(unit=one) for one in NASTY]]
        tables[name] = as_table(pd.concat(copies), schema.TABLES[name])
    return dataclasses.replace(run, **tables, previous=None)


@pytest.fixture
def parts():
    """Read every member of a zip."""

    def read(path):
        with zipfile.ZipFile(path) as archive:
            return {name: archive.read(name) for name in archive.namelist()}

    return read
