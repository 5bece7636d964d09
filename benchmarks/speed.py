"""How fast briefings are made, side by side with the `papermill` and `jupyter nbconvert` commands, in one run.

    python benchmarks/speed.py                     # the demonstration's unit briefing: ours against the command pair
    python benchmarks/speed.py --analyst           # one unchanged analyst's notebook, ours against the command pair
    python benchmarks/speed.py --country 3320      # a whole country: made, run again, one figure corrected; peak memory

CPU seconds are the main figure: they hold on a busy machine, wall seconds do not. Rounds are interleaved, medians are
printed, and every output is looked at before its time counts: fast and wrong is not fast. A missed goal is said.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.analyst import analyst  # noqa: E402
from benchmarks.country import write_country  # noqa: E402
from benchmarks.measure import BIN, command_pair, compare, spent, watch_memory  # noqa: E402

from analysis.publishing.environment import pinned_environment, restart_pinned  # noqa: E402

GOALS = {"analyst": 6.0}  # least ratio of CPU: the unchanged notebook of an analyst
N_CHARTS = 8  # at least: one an indicator


def product(run_dir: Path, *, n_pair: int, n_ours: int) -> dict:
    """The product's own unit briefing, made by both."""
    from analysis import records
    from analysis.publishing.page_maker import PageMaker
    from analysis.publishing.site import page_jobs

    with tempfile.TemporaryDirectory() as scratch:
        copy, made = Path(scratch) / "run", Path(scratch) / "made"
        shutil.copytree(records.current_run(run_dir), copy)
        made.mkdir()
        jobs = [one for one in page_jobs(records.load_run(copy), root=ROOT, run_dir=copy) if one.unit]
        jobs = jobs[: max(n_ours, n_pair)]
        pair = []
        for job in jobs[:n_pair]:
            cpu, wall, html = command_pair(job.notebook, Path(scratch), parameters=job.parameters)
            if html.count("<svg") < 3 or "Traceback" in html:
                raise SystemExit(f"the command pair's page of {job.unit} is not whole")
            pair.append((cpu, wall))
        with spent() as whole, PageMaker(n_jobs=2) as maker:
            outcomes = dict(maker.make(jobs, folder=made, run_dir=copy))
        bad = [one.reason for one in outcomes.values() if one.value is None]
        for at in outcomes if not bad else ():
            html = (made / f"{at}.html").read_text(encoding="utf-8")
            if html.count("<svg") < 3 or "Traceback" in html or not html.endswith("</html>\n"):
                bad.append(jobs[at].page)
        if bad:
            raise SystemExit(f"{len(bad)} of our pages are not whole: {bad[:3]}")
    ours = [(one.cpu_seconds, one.seconds) for one in outcomes.values()]
    return compare(pair, ours) | {
        "ours, set-up of the run, CPU s": whole.children - sum(cpu for cpu, _ in ours),
        "ours, wall s a page with 2 at once": whole.wall / len(jobs),
        "ours, bytes a page": statistics.median(one.value["n_bytes"] for one in outcomes.values()),
        "ours, peak MB of a child": max(one.peak_mb for one in outcomes.values()),
    }


def country(communes: int, *, folder: Path | None) -> dict:
    """A whole made-up country through `candich run`: made, run again, one figure corrected; peak memory of each.

    Each stage is printed as it ends; what it published is looked at before its time counts.
    """
    with tempfile.TemporaryDirectory() as scratch:
        folder = folder or Path(scratch)
        params = write_country(folder, communes=communes)
        site = folder / "outputs/country/site"
        found = {"units": communes + 35}
        for name in ("first run", "nothing changed", "one figure corrected"):
            if name == "one figure corrected":
                correct_one_figure(folder)
            stamps = {path: path.stat().st_mtime_ns for path in site.glob("units/*.html")}
            command, environment = [BIN / "candich", "run", params], {**os.environ, **pinned_environment()}
            with spent() as whole:
                run = subprocess.Popen(command, env=environment)
                peak = watch_memory(run)
            if run.returncode:
                raise SystemExit(f"candich run failed with exit code {run.returncode}")
            stage = {f"{name}, wall s": whole.wall, f"{name}, CPU s": whole.children}
            stage[f"{name}, peak MB of all processes"] = peak
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
        found = analyst(n_pair=arguments.pair, n_ours=arguments.ours)
    else:
        found = product(arguments.run.resolve(), n_pair=arguments.pair, n_ours=arguments.ours)
    for name, value in found.items():
        print(f"{name:40} {value:12,.3f}" if isinstance(value, float) else f"{name:40} {value:12,}")
    print(json.dumps(found))
    if arguments.analyst and found["ratio of CPU"] < GOALS["analyst"]:
        print(f"MISSED: ratio of CPU, goal: at least {GOALS['analyst']}")


if __name__ == "__main__":
    restart_pinned()
    main()
