"""How fast briefings are made, side by side with the `papermill` and `jupyter nbconvert` commands, in one run.

    python benchmarks/speed.py                     # the demonstration's unit briefing: ours against the command pair
    python benchmarks/speed.py --analyst           # one unchanged analyst's notebook, ours against the command pair
    python benchmarks/speed.py --country 3320      # a whole country: made, run again, one figure corrected; peak memory

CPU seconds are the main figure: they hold on a busy machine, wall seconds do not. Rounds are interleaved, medians are
printed, and every output is looked at before its time counts: fast and wrong is not fast.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from analysis.publishing.environment import pinned_environment, restart_pinned  # noqa: E402

BIN = Path(sys.executable).parent
LANGUAGE = "vi"
N_CHARTS = 8  # at least: one an indicator


def command_pair(notebook: Path, folder: Path, *, parameters: dict[str, str]) -> tuple[float, float, str]:
    """Run the two commands on a notebook; CPU and wall seconds of both, and the page."""
    executed, page = folder / "out.ipynb", folder / "out.html"
    options = [part for name, value in parameters.items() for part in ("-r", name, value)]
    commands = (
        [BIN / "papermill", notebook, executed, *options, "--no-progress-bar"],
        [BIN / "jupyter", "nbconvert", "--to", "html", executed, "--output", page.name, "--log-level", "ERROR"],
    )
    cpu, start = 0.0, time.perf_counter()
    for command in commands:
        before = os.times()
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, env={**os.environ, **pinned_environment()}
        )
        after = os.times()
        if done.returncode:
            raise SystemExit(f"{command[0]} failed:\n{done.stderr[-2000:]}")
        cpu += after.children_user + after.children_system - before.children_user - before.children_system
    return cpu, time.perf_counter() - start, page.read_text(encoding="utf-8")


def product(run_dir: Path, *, n_pair: int, n_ours: int) -> dict:
    """The product's own unit briefing, made by both."""
    from analysis import pages, records

    tables = records.load_run(run_dir)
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "run"
        shutil.copytree(
            run_dir, copy, ignore=shutil.ignore_patterns("site", "notebooks", "pages.jsonl", ".lock", ".building")
        )
        jobs = [one for one in _jobs(tables, run_dir=copy) if one.unit][: max(n_ours, n_pair)]
        pair = []
        for job in jobs[:n_pair]:
            parameters = {"run_dir": str(copy), "unit": job.unit, "language": LANGUAGE}
            cpu, wall, html = command_pair(job.notebook, Path(scratch), parameters=parameters)
            if html.count("<svg") < 3 or "Traceback" in html:
                raise SystemExit(f"the command pair's page of {job.unit} is not whole")
            pair.append((cpu, wall))
        before, start = os.times(), time.perf_counter()
        results = pages.publish(
            jobs, run_dir=copy, root=ROOT, language=LANGUAGE, n_jobs=2, force=True, on_done=lambda done, total: None
        )
        wall, after = time.perf_counter() - start, os.times()
        bad = [one for one in results if one.status != "published"]
        for job in jobs:
            html = (copy / "site" / job.page).read_text(encoding="utf-8")
            if html.count("<svg") < 3 or "Traceback" in html or not html.endswith("</html>\n"):
                bad.append(job.page)
        if bad:
            raise SystemExit(f"{len(bad)} of our pages are not whole: {bad[:3]}")
    children = after.children_user + after.children_system - before.children_user - before.children_system
    ours = [(children / len(jobs), one.seconds) for one in results]  # whole processes, pages made twice to compare too
    return compare(pair, ours) | {
        "ours, set-up of the run, CPU s": after.user + after.system - before.user - before.system,
        "ours, wall s a page with 2 at once": wall / len(jobs),
        "ours, bytes a page": statistics.median(one.n_bytes for one in results),
        "ours, peak MB of a child": max(one.peak_mb for one in results),
    }


def _jobs(tables: object, *, run_dir: Path) -> list:
    from analysis.publishing.jobs import PageJob
    from analysis.publishing.site import page_frame, page_name

    units = tables.units["unit"].tolist()
    there = {page_name(one) for one in units}
    return [
        PageJob(
            page=page_name(unit),
            notebook=ROOT / "notebooks" / "unit_briefing.ipynb",
            parameters={"run_dir": str(run_dir), "unit": unit, "language": LANGUAGE},
            context=page_frame(tables, page=page_name(unit), language=LANGUAGE, pages=there, unit=unit),
            together=True,
        )
        for unit in units
    ]


def compare(pair: list[tuple[float, float]], ours: list[tuple[float, float]]) -> dict:
    (pair_cpu, pair_wall), (our_cpu, our_wall) = [
        [statistics.median(one) for one in zip(*rows)] for rows in (pair, ours)
    ]
    return {
        "command pair, CPU s a page": pair_cpu,
        "command pair, wall s a page": pair_wall,
        "pages by the pair": len(pair),
        "ours, CPU s a page": our_cpu,
        "ours, wall s a page alone": our_wall,
        "pages by us": len(ours),
        "ratio of CPU": pair_cpu / our_cpu,
        "ratio of wall": pair_wall / our_wall,
    }


def country(communes: int, *, folder: Path | None) -> dict:
    """A whole made-up country through `candich run`: made, run again, one figure corrected; peak memory of each.

    Each stage is printed as it ends; what it published is looked at before its time counts.
    """
    from benchmarks.country import write_country

    with tempfile.TemporaryDirectory() as scratch:
        folder = folder or Path(scratch)
        params = write_country(folder, communes=communes)
        site = folder / "outputs/country/site"
        found = {"units": communes + 35}
        for name in ("first run", "nothing changed", "one figure corrected"):
            if name == "one figure corrected":
                correct_one_figure(folder)
            before, stamps = os.times(), {path: path.stat().st_mtime_ns for path in site.glob("units/*.html")}
            start = time.perf_counter()
            extra = ["--correct"] if name == "one figure corrected" else []
            run = subprocess.Popen([BIN / "candich", "run", params, *extra], env={**os.environ, **pinned_environment()})
            peak = watch_memory(run)
            wall, after = time.perf_counter() - start, os.times()
            if run.returncode:
                raise SystemExit(f"candich run failed with exit code {run.returncode}")
            cpu = after.children_user + after.children_system - before.children_user - before.children_system
            stage = {f"{name}, wall s": wall, f"{name}, CPU s": cpu, f"{name}, peak MB of all processes": peak}
            new = sum(stamps.get(path) != path.stat().st_mtime_ns for path in site.glob("units/*.html"))
            stage[f"{name}, unit pages made"] = new
            print(json.dumps(stage), flush=True)
            found |= stage | _look_at(site, units=communes + 35)
    return found


def _look_at(site: Path, *, units: int) -> dict:
    """Sizes of the pages; ends where one is missing or not whole."""
    pages = {path: path.read_text(encoding="utf-8") for path in sorted(site.glob("units/*.html"))}
    whole = [path for path, html in pages.items() if html.endswith("</html>\n") and html.count("<svg") >= N_CHARTS]
    if len(whole) != units or len(set(pages.values())) != units:
        raise SystemExit(f"{len(whole)} of {units} unit pages are whole")
    sizes = [path.stat().st_size for path in pages]
    index = (site / "index.html").stat().st_size
    return {"whole unit pages": len(whole), "largest page, bytes": max(sizes), "index, bytes": index}


def correct_one_figure(folder: Path) -> None:
    """One figure of one unit, a tenth lower than it was, at the source."""
    import pandas as pd

    path = folder / "data/observations.parquet"
    frame = pd.read_parquet(path)
    row = (frame["unit"] == "00003") & (frame["indicator"] == "rate1") & (frame["period"] == "2026-08")
    frame.loc[row, "numerator"] = (0.9 * frame.loc[row, "numerator"]).astype("int64")
    frame.to_parquet(path, index=False)


def watch_memory(run: subprocess.Popen) -> float:
    """Wait for a process; the largest sum of proportional memory (PSS) of it and its descendants, in MB."""
    from analysis.publishing.processes import descendants

    peak, done = 0.0, threading.Event()

    def look() -> None:
        nonlocal peak
        while not done.wait(0.5):
            peak = max(peak, sum(_pss(pid) for pid in [run.pid, *descendants(run.pid)]) / 1024)

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    run.wait()
    done.set()
    thread.join()
    return peak


def _pss(pid: int) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found.group(1)) if found else 0


def main() -> None:
    """Print what was asked for, as a table and as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, default=ROOT / "outputs/demo", help="a run that `candich run` made")
    parser.add_argument("--pair", type=int, default=5, help="pages made by the command pair")
    parser.add_argument("--ours", type=int, default=160, help="pages made by us")
    parser.add_argument("--analyst", action="store_true")
    parser.add_argument("--country", type=int, metavar="COMMUNES")
    parser.add_argument("--folder", type=Path, help="where the country is kept; a temporary folder when left out")
    arguments = parser.parse_args()
    if arguments.country:
        found = country(arguments.country, folder=arguments.folder)
    elif arguments.analyst:
        from benchmarks.analyst import analyst

        found = analyst(n_pair=arguments.pair, n_ours=arguments.ours)
    else:
        if not (arguments.run / "tables").is_dir():
            raise SystemExit(f"{arguments.run} holds no run: first `candich run params/demo.yml`")
        found = product(arguments.run.resolve(), n_pair=arguments.pair, n_ours=arguments.ours)
    for name, value in found.items():
        print(f"{name:40} {value:12,.3f}" if isinstance(value, float) else f"{name:40} {value:12,}")
    print(json.dumps(found))


if __name__ == "__main__":
    restart_pinned()
    main()
