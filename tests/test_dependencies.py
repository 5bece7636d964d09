"""pyproject.toml, environment.yml and requirements.lock name the same packages; the lock names no index."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
CONDA_NAMES = {"python-duckdb": "duckdb"}
CARD = {"jupyterlab", "papermill", "pandas", "statsmodels", "matplotlib", "seaborn", "nbconvert"}
NOT_IMPORTED = {  # declared, and why nothing in src/analysis imports it
    "jupyterlab": "analysts open their notebooks in it",
    "ipykernel": "the kernel that JupyterLab and the papermill command start",
    "vietnamadminunits": "registry/crosswalk.py reads its data files where find_spec finds them",
}
OPTIONAL = {"distributed"}  # imported only where `--dask` is given


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def ranges(lines):
    """Canonical name -> specifier set, as text."""
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name): str(one.specifier) for one in requirements}


def locked():
    """Name -> locked versions (more than one where platforms or Pythons differ)."""
    found = {}
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        match = re.match(r"([A-Za-z0-9_.\-]+)==([^ \\;]+)", line)
        if match:
            found.setdefault(canonicalize_name(match[1]), set()).add(match[2])
    return found


def test_the_seven_packages_of_the_card_are_required():
    assert CARD <= set(ranges(project()["dependencies"]))


def test_environment_yml_agrees_with_pyproject():
    entries = yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))["dependencies"]
    conda = [one for one in entries if isinstance(one, str)]
    pip = next(one["pip"] for one in entries if isinstance(one, dict))
    names = [re.sub(r"^[\w.-]+", lambda m: CONDA_NAMES.get(m[0], m[0]), one) for one in conda]
    found = ranges([*names, *(one for one in pip if not one.startswith("-"))])
    assert found.pop("python") == project()["requires-python"]
    assert found.pop("pip") == ""
    assert found.pop("setuptools") == ">=80"
    assert found == ranges(project()["dependencies"])


def test_every_requirement_is_locked_inside_its_range():
    extras = [line for lines in project()["optional-dependencies"].values() for line in lines]
    versions = locked()
    for requirement in map(Requirement, [*project()["dependencies"], *extras]):
        found = versions.get(canonicalize_name(requirement.name), set())
        assert found, f"{requirement.name} is not locked: run `make lock`"
        assert all(requirement.specifier.contains(one) for one in found), requirement


def test_the_lock_has_hashes_and_no_index_host():
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text and "--find-links" not in text
    entries = re.split(r"\n(?=[A-Za-z0-9])", text.strip())
    assert len(entries) > 100
    assert [one.split()[0] for one in entries if "--hash=sha256:" not in one] == []


def imported():
    """Distributions that src/analysis imports, at any depth of its functions; canonical names."""
    tops = set()
    for path in sorted((ROOT / "src" / "analysis").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                tops |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.level == 0:
                tops.add(node.module.split(".")[0])
    known = packages_distributions()
    return {canonicalize_name(known.get(top, [top])[0]) for top in tops - set(sys.stdlib_module_names) - {"analysis"}}


def test_every_declared_package_is_imported_or_has_a_reason():
    assert set(ranges(project()["dependencies"])) - imported() == set(NOT_IMPORTED)


def test_every_imported_package_is_declared():
    assert imported() - set(ranges(project()["dependencies"])) - OPTIONAL == set()
