"""The league: our probabilities and everyone else's, on real panels and competition series; fixed seeds.

Usage::

    python benchmarks/skill.py --data DIR                     # everything; the first run fits the peers (about an hour)
    python benchmarks/skill.py --data DIR --quick             # every third cutoff, 200 series, ETS only: two minutes
    python benchmarks/skill.py --data DIR --panels nhs,mynumber --peers auto_ets,auto_ets_logit --series none
    python benchmarks/skill.py --panels none --series "M3 monthly" --n-series 200
    python benchmarks/skill.py --params params/demo.yml --peers auto_ets,scum --units 01,79  # own panels
    python benchmarks/skill.py --render                       # no run: results into docs/methods.md

`--params` prints `candich backtest` with the peers' answers on the same cases (a series costs up to half a second).
`--data` is the folder with mynumber/, nhs_ae/, us_flu/, phonepe/, gapminder/. Peers' forecasts are kept under
`--cache`, so that a second run only asks ours (under a minute). Written to `--out`: skill_panels.csv, skill_slices.csv,
skill_series.csv, skill.txt.
From Python (tuning): ``from league.run import run_task`` returns the cases of one task.
Prophet takes part when it is installed: ``--peers prophet``.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from league import competition, panels, peers, render, run, tables  # noqa: E402

from analysis import pipeline, statistics  # noqa: E402

RESULTS = Path(__file__).parent / "results"
DOCUMENT = Path(__file__).parents[1] / "docs" / "methods.md"


def main(arguments: list[str] | None = None) -> int:
    """Run the league and print its tables."""
    options = _parser().parse_args(arguments)
    out = Path(options.out)
    if options.render:
        text = render.put_into(DOCUMENT.read_text(encoding="utf-8"), render.as_markdown(out))
        DOCUMENT.write_text(text, encoding="utf-8")
        return 0
    if options.params:
        print(_own_panels(options).to_string(index=False))
        return 0
    out.mkdir(parents=True, exist_ok=True)
    _run(options, out)
    text = tables.as_text(out)
    (out / "skill.txt").write_text(text + "\n", encoding="utf-8")
    print(text)
    return 0


def _run(options: argparse.Namespace, out: Path) -> None:
    names = _list(options.peers)
    cache = Path(options.cache)
    scored = 100 if options.quick else options.n_units
    panel_tables, slice_tables = [], []
    for name in _list(options.panels):
        for task in panels.PANELS[name](Path(options.data), n_scored=scored):
            started = time.perf_counter()
            cases = run.run_task(panels.quick(task) if options.quick else task, peers=names, cache=cache)
            panel_tables.append((name, task.name, cases))
            slice_tables.append(tables.score_slices(cases, panel=name, task=task.name))
            print(f"{name}, {task.name}: {len(cases)} rows, {time.perf_counter() - started:.1f} s", file=sys.stderr)
    if panel_tables:
        tables.score_all(panel_tables).to_csv(out / "skill_panels.csv", index=False, float_format="%.4f")
        pd.concat(slice_tables).to_csv(out / "skill_slices.csv", index=False, float_format="%.4f")
    if series := _list(options.series):
        n_series = 200 if options.quick else options.n_series
        found = competition.table(series, n_series=n_series, peers=names, cache=cache)
        found.to_csv(out / "skill_series.csv", index=False, float_format="%.4f")


def _own_panels(options: argparse.Namespace) -> pd.DataFrame:
    """`candich backtest` of a params file with peers: the evidence of every model, overall and by horizon."""
    params, inputs = pipeline.check(options.params)
    units = _list(options.units) or None
    pipeline.check_units(units, known=inputs.units["unit"])
    asked = peers.peers(_list(options.peers), cache=Path(options.cache), scored=units)
    found = statistics.panels_at(inputs, cutoff=statistics.cutoff_of(inputs, params=params))
    cases = statistics.backtest_cases(inputs, found, seed=params.seed, peers=asked, scored=units)
    table = statistics.evidence_of(cases)
    return table[table["slice_kind"].isin(["overall", "horizon"])]


def _list(text: str) -> list[str]:
    return [] if text == "none" else [one.strip() for one in text.split(",")]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="The league", formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--data", default="data/league", help="folder of the real panels")
    parser.add_argument("--panels", default=",".join(panels.PANELS), help="comma-separated, or none")
    parser.add_argument("--series", default=",".join(competition.COMPETITIONS), help="comma-separated, or none")
    parser.add_argument("--peers", default="auto_ets,auto_ets_logit", help=", ".join(peers.PEERS))
    parser.add_argument("--params", help="a params file: its own panels instead of the league")
    parser.add_argument("--units", default="none", help="of the params file; comma-separated, default all")
    parser.add_argument("--n-units", type=int, default=100, help="units scored of a panel larger than that")
    parser.add_argument("--n-series", type=int, default=None, help="series of each competition; default all")
    parser.add_argument("--quick", action="store_true", help="every third cutoff, 100 units, 200 series")
    parser.add_argument(
        "--render", action="store_true", help="no run: write the results of `--out` into docs/methods.md"
    )
    parser.add_argument("--cache", default="outputs/league-cache", help="folder for the peers' forecasts")
    parser.add_argument("--out", default=str(RESULTS), help="folder for the tables")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
