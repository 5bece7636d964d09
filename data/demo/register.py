"""Make the demonstration's register: four simulated quarters, each from what its simulated vintage knew.

    python data/demo/register.py

For each quarter the data files are cut at its last month and carry the day they would have been sent; the accounts of
that last month are 1.5 per cent short, as late reports are, so that something is revised a quarter later. Each quarter
is run and published by the command that users type, in a project of its own; data/register/demo* is then replaced.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas as pd

ROOT = Path(__file__).parents[2]
QUARTERS = {  # last month -> day of the data, day of publication
    "2025-09": ("2025-10-03", "2025-10-05"),
    "2025-12": ("2026-01-03", "2026-01-05"),
    "2026-03": ("2026-04-03", "2026-04-05"),
    "2026-06": ("2026-07-03", "2026-07-05"),
}
SOURCES = {  # file -> column of the period, separator
    "dossiers": ("thang", ";"),
    "accounts": ("ngay", ","),
    "procedures": ("period", ","),
    "index_766": ("thang", ";"),
}
SHORT = 0.985  # of the last month's accounts that had been reported in time


def month_of(text: str) -> str:
    """A period as the files write it, as 2026-06."""
    parts = text.removeprefix("tháng ").replace("-", "/").split("/")
    year, month = (parts[0], parts[1]) if len(parts[0]) == 4 else (parts[-1], parts[-2])
    return f"{year}-{int(month):02d}"


def cut(project: Path, quarter: str, known_on: str) -> None:
    """Write the data of a project as they were known on a day."""
    for name, (column, separator) in SOURCES.items():
        frame = pd.read_csv(ROOT / f"data/demo/{name}.csv", sep=separator, dtype=str, keep_default_na=False)
        months = frame[column].map(month_of)
        frame = frame[months <= quarter]
        if name == "accounts":
            last = months[months <= quarter].eq(quarter) & frame["tai_khoan_kich_hoat"].ne("")
            counts = frame.loc[last, "tai_khoan_kich_hoat"].str.replace(".", "").astype(int)
            frame.loc[last, "tai_khoan_kich_hoat"] = (counts * SHORT).astype(int).astype(str)
        frame.to_csv(project / f"data/demo/{name}.csv", sep=separator, index=False)
    tasks = pd.read_csv(ROOT / "data/demo/tasks.csv", dtype=str, keep_default_na=False)
    tasks.loc[tasks["done"] > known_on, "done"] = ""
    tasks.to_csv(project / "data/demo/tasks.csv", index=False)
    for path in (project / "params/sources").glob("demo-*.yml"):
        lines = (ROOT / "params/sources" / path.name).read_text(encoding="utf-8").splitlines()
        lines = [f"vintage: {known_on}" if line.startswith("vintage:") else line for line in lines]
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def main() -> None:
    """Run and publish every quarter, then replace the register."""
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder)
        for name in ("params", "data", "notebooks"):
            shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("register", "raw"))
        params = project / "params/demo.yml"
        text = params.read_text(encoding="utf-8").split("publish:")[0]
        pages = ("unit", "forecast", "data_quality", "scorecard", "registry", "downloads")
        off = ", ".join(f"{name}: false" for name in pages)
        params.write_text(f"{text}publish: {{overview: true, {off}}}\n", encoding="utf-8")
        for quarter, (known_on, published_on) in QUARTERS.items():
            cut(project, quarter, known_on)
            candich = [sys.executable, "-m", "analysis"]
            subprocess.run([*candich, "run", params, "--period", quarter], cwd=project, check=True)
            subprocess.run([*candich, "publish", "outputs/demo", "--on", published_on], cwd=project, check=True)
        goal = ROOT / "data/register"
        shutil.rmtree(goal / "demo", ignore_errors=True)
        ignore = shutil.ignore_patterns(".lock")
        shutil.copytree(project / "data/register", goal, dirs_exist_ok=True, ignore=ignore)


if __name__ == "__main__":
    main()
