"""A small complete run: ten units on three levels, six indicators, eight targets, every status, and things missing.

``make_run()`` is deterministic and its numbers are simulated; tests read expected values from its tables.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import pandas as pd

from analysis.words import schema
from analysis.words.findings import as_quality, finding
from analysis.words.periods import between, codes, ordinals
from analysis.words.schema import RunTables, as_table

LEVELS = (0.025, 0.1, 0.25, 0.5, 0.75, 0.9, 0.975)
Z = np.array([-1.96, -1.2816, -0.6745, 0, 0.6745, 1.2816, 1.96])
FIRST, CUTOFF, HORIZON = "2022-10", "2026-09", 15
NASTY = '<script>alert("x")</script>'
UNITS = [
    ("64", "Tỉnh Gia Lai", "Gia Lai province", "", "province"),
    ("64-D1", "Sở Giáo dục và Đào tạo", "Department of Education", "64", "department"),
    ("64-D2", "Sở Y tế", "Department of Health", "64", "department"),
    ("64-D3", "Sở Nội vụ", "", "64", "department"),
    ("001", "Phường Pleiku", "Pleiku ward", "64", "commune"),
    ("002", "Xã Ia Grai", "Ia Grai commune", "64", "commune"),
    ("003", "Xã Đắk Đoa", "Dak Doa commune", "64", "commune"),
    ("004", "Xã Kông Chro", "Kong Chro commune", "64", "commune"),
    (NASTY, '<b>Xã</b> & "cộng" \u202eabc', "", "64", "commune"),
    ("999", "東京 · القاهرة · Đảo Cồn Cỏ", "", "64", "commune"),
]
INDICATORS = [
    dict(
        indicator="online",
        name_vi="Hồ sơ phát sinh qua dịch vụ công trực tuyến",
        name_en="Dossiers filed online",
        kind="rate",
        better="up",
        aggregation="sum",
        unit_vi="%",
        unit_en="%",
        numerator_vi="hồ sơ trực tuyến",
        numerator_en="online dossiers",
        denominator_vi="hồ sơ tiếp nhận",
        denominator_en="dossiers received",
        definition_vi="Hồ sơ phát sinh qua dịch vụ công trực tuyến trên tổng số hồ sơ tiếp nhận",
        definition_en="Dossiers filed online out of all dossiers received",
    ),
    dict(
        indicator="vneid",
        name_vi="Tài khoản VNeID mức 2",
        name_en="VNeID level-2 accounts",
        kind="count",
        better="up",
        aggregation="sum",
        cumulative=True,
        unit_vi="tài khoản",
        unit_en="accounts",
    ),
    dict(
        indicator="late",
        name_vi="Hồ sơ giải quyết quá hạn",
        name_en="Dossiers decided late",
        kind="rate",
        better="down",
        aggregation="sum",
        unit_vi="%",
        unit_en="%",
        numerator_vi="hồ sơ quá hạn",
        numerator_en="late dossiers",
        denominator_vi="hồ sơ đã giải quyết",
        denominator_en="dossiers decided",
    ),
    dict(
        indicator="score",
        name_vi="Chỉ số phục vụ người dân, doanh nghiệp (QĐ 766)",
        name_en="Service index (QĐ 766)",
        kind="level",
        better="up",
        aggregation="none",
        unit_vi="điểm",
        unit_en="points",
        maximum=100,
    ),
    dict(
        indicator="rank",
        name_vi="Thứ hạng QĐ 766",
        name_en="Rank by QĐ 766",
        kind="rank",
        better="down",
        aggregation="none",
        unit_vi="hạng",
        unit_en="place",
        maximum=9,
    ),
    dict(
        indicator="digit",
        name_vi="Số hóa hồ sơ",
        name_en="Dossiers digitised",
        kind="rate",
        better="up",
        aggregation="sum",
        unit_vi="%",
        unit_en="%",
        numerator_vi="hồ sơ số hóa",
        numerator_en="digitised dossiers",
        denominator_vi="hồ sơ",
        denominator_en="dossiers",
    ),
]
TARGETS = [
    dict(
        target="GL-FULL-80",
        kind="level_at",
        indicator="online",
        operator=">=",
        threshold=0.8,
        deadline="2026-12",
        start="2024-01",
        owner="Sở Nội vụ",
        document="QĐ 06/QĐ-TTg",
        document_date="2022-01-06",
        name_vi="Hồ sơ xử lý trực tuyến từ 80%",
        name_en="At least 80% of dossiers online",
        sentence="tối thiểu 80% hồ sơ thủ tục hành chính được xử lý hoàn toàn trực tuyến",
        inferred="deadline",
        baseline=0.3,
    ),
    dict(
        target="GL-ONL-60",
        kind="sustained_from",
        indicator="online",
        operator=">",
        threshold=0.6,
        start="2023-09",
        deadline="2027-03",
        reading="each_period",
        name_vi="Duy trì trên 60% hồ sơ trực tuyến",
        name_en="Keep above 60% online",
        sentence="phấn đấu từ tháng 9/2023 trở đi phải đạt trên 60% số hồ sơ",
        document="Kết luận hội nghị",
        document_date="2023-08-22",
    ),
    dict(
        target="GL-VNEID",
        kind="cumulative_count",
        indicator="vneid",
        operator=">=",
        deadline="2026-12",
        name_vi="Chỉ tiêu giao tài khoản VNeID",
        name_en="Quota of VNeID accounts",
        owner="Công an tỉnh",
        sentence="đảm bảo 50% công dân đủ điều kiện có tài khoản VNeID để sử dụng các tiện ích",
        inferred="operator deadline",
    ),
    dict(
        target="LATE-5",
        kind="level_at",
        indicator="late",
        operator="<=",
        threshold=0.05,
        deadline="2026-12",
        name_vi="Hồ sơ quá hạn không quá 5%",
        name_en="At most 5% late",
    ),
    dict(
        target="IDX-90",
        kind="score_ge",
        indicator="score",
        operator=">=",
        threshold=90,
        deadline="2027-06",
        name_vi="Chỉ số 766 từ 90 điểm",
        name_en="Index 766 at 90 points or more",
    ),
    dict(
        target="RANK-3",
        kind="rank_le",
        indicator="rank",
        operator="<=",
        threshold=3,
        deadline="2026-12",
        name_vi="Thuộc nhóm 3 đơn vị dẫn đầu",
        name_en="Among the first 3",
    ),
    dict(
        target="DIG-UP",
        kind="directional",
        indicator="digit",
        operator="",
        deadline="",
        inferred="",
        name_vi="Nâng cao tỷ lệ số hóa hồ sơ",
        name_en="Raise the share digitised",
        sentence="nâng cao tỷ lệ số hóa hồ sơ, kết quả giải quyết thủ tục hành chính tại đơn vị",
    ),
    dict(
        target="TASK-126",
        kind="tasks_k_of_n",
        indicator="",
        operator="",
        k=126,
        n=126,
        deadline="2026-12",
        name_vi="Hoàn thành 126 nhiệm vụ",
        name_en="Complete 126 tasks",
    ),
]
UP = {"online": 1, "vneid": 1, "late": -1, "score": 1, "rank": -1, "digit": 1}


def make_run(*, seed: int = 0, previous: bool = True, units=UNITS, extra: bool = True) -> RunTables:
    """A run with everything a page may meet.

    Parameters
    ----------
    seed : int
    previous : bool
        Whether the quarter before is known.
    units : list of tuples
        unit, name, name_en, parent, level.
    extra : bool
        Whether the optional tables (scenarios, milestones, changes, reliability) are there.
    """
    rng = np.random.default_rng(seed)
    periods = codes(range(ordinals([FIRST])[0], ordinals([CUTOFF])[0] + 1), frequency="M")
    observations, forecasts = _series(rng, periods, [one[0] for one in units])
    assessments = _assess(observations, forecasts, units)
    tables = dict(
        units=as_table(pd.DataFrame(units, columns=["unit", "name", "name_en", "parent", "level"]), schema.UNITS),
        indicators=as_table(
            pd.DataFrame([one | {"frequency": "M", "order": at} for at, one in enumerate(INDICATORS)]),
            schema.INDICATORS,
        ),
        targets=as_table(
            pd.DataFrame([one | {"scope": "all", "order": at} for at, one in enumerate(TARGETS)]), schema.TARGETS
        ),
        observations=observations,
        forecasts=forecasts,
        assessments=assessments,
        quality=_quality(),
        evidence=_evidence(rng),
        scorecard=_scorecard(rng, units),
    )
    extras = _extras(assessments, rng) if extra else {}
    before = None
    if previous:
        earlier = as_table(
            forecasts.assign(cutoff="2026-06", period=forecasts["period"].map(_quarter_back)), schema.FORECASTS
        )
        before = RunTables(**_common(), **{**tables, "forecasts": earlier})
    return RunTables(**_common(), **tables, extra=extras, previous=before)


def _common() -> dict:
    params = {
        "run_id": "factory",
        "title_vi": "Đề án 06 tỉnh Gia Lai",
        "title_en": "Đề án 06, Gia Lai province",
        "language": "vi",
        "simulated": True,
        "cutoff": CUTOFF,
        "horizon_periods": HORIZON,
        "interval_levels": [0.5, 0.8, 0.95],
        "cut_points": {"on_track": 0.8, "likely": 0.5, "at_risk": 0.2},
        "min_points": 4,
        "seed": 1,
        "n_paths": 500,
        "sources": ["params/sources/demo.yml"],
        "model": "ensemble",
    }
    manifest = {
        "hashes": {"params": "ab" * 32, "lock": "ef" * 32},
        "sources": [{"path": "data/demo/online.csv", "sha256": "cd" * 32, "rows": 480}],
    }
    return dict(run_id="factory", params=params, manifest=manifest)


@lru_cache(maxsize=256)
def _quarter_back(period: str) -> str:
    return codes([ordinals([period])[0] - 3], frequency="M")[0]


def _series(rng, periods, units):
    rows, fans = [], []
    horizon = codes(range(ordinals([CUTOFF])[0] + 1, ordinals([CUTOFF])[0] + 1 + HORIZON), frequency="M")
    for at, unit in enumerate(units):
        for indicator in UP:
            if (unit, indicator) in {("999", "online"), ("999", "score"), ("64-D3", "vneid")}:
                continue
            known = periods if unit != "004" else periods[-1:]  # one point only
            t = np.linspace(0, 1, len(periods))[-len(known) :]
            base = 1 / (1 + np.exp(-(-1.2 + 2.3 * t + 0.45 * (at % 5 - 2) + rng.normal(0, 0.08, len(known)))))
            n = np.full(len(known), 400.0 * (at + 1))
            if indicator in ("online", "digit", "late"):
                share = base if indicator != "late" else 0.3 * (1 - base)
                k = np.round(share * n)
                value = k / n
            else:
                k = n = np.full(len(known), np.nan)
                value = {
                    "vneid": np.maximum.accumulate(np.round(9000 * (at + 1) * base)),
                    "score": 60 + 38 * base,
                    "rank": np.clip(np.round(9 - 8 * base), 1, 9),
                }[indicator]
            for i, period in enumerate(known):
                if unit == "002" and period in ("2024-03", "2024-04"):
                    continue  # a gap
                flags = {"2025-01": "break", "2025-07": "merger"}.get(period, "") if unit == "003" else ""
                flags = flags or ("outlier" if unit == "001" and period == "2025-11" else "")
                rows.append((unit, indicator, period, "2026-10", flags, value[i], k[i], n[i]))
            if unit == "004":
                continue
            last, sign = value[-1], UP[indicator]
            scale = {"vneid": 700.0 * (at + 1), "score": 1.5, "rank": 0.6}.get(indicator, 0.02)
            h = np.arange(1, HORIZON + 1)
            fan = (last + sign * 0.4 * scale * h)[:, None] + Z * scale * np.sqrt(h)[:, None]
            low, high = {"vneid": (last, np.inf), "score": (0, 100), "rank": (1, 9)}.get(indicator, (0, 1))
            fan = np.clip(fan, low, high)
            for i, period in enumerate(horizon):
                fans += [(unit, indicator, CUTOFF, i + 1, level, period, "", q) for level, q in zip(LEVELS, fan[i])]
    observations = pd.DataFrame(
        rows, columns=["unit", "indicator", "period", "vintage", "flags", "value", "numerator", "denominator"]
    )
    columns = ["unit", "indicator", "cutoff", "horizon", "quantile_level", "period", "member", "predicted"]
    return as_table(observations, schema.OBSERVATIONS), as_table(pd.DataFrame(fans, columns=columns), schema.FORECASTS)


def _assess(observations, forecasts, units):
    from scipy.special import ndtr

    out = []
    levels = {one[0]: one[4] for one in units}
    for unit in levels:
        if unit == "64-D2":
            continue  # a unit without targets
        for at, target in enumerate(TARGETS):
            row = dict(
                unit=unit,
                target=target["target"],
                cutoff=CUTOFF,
                indicator=target["indicator"],
                kind=target["kind"],
                operator=target["operator"],
                deadline=target["deadline"],
                grade="D",
                reason="too_few_points",
                status="not_assessable",
                n_origins=7,
                n_points=1,
                threshold=target.get("threshold", np.nan),
            )
            if target["target"] == "GL-VNEID":
                row["threshold"] = 8000.0 * ([one for one in levels].index(unit) + 1)
            seen = observations[(observations.unit == unit) & (observations.indicator == target["indicator"])]
            fan = forecasts[(forecasts.unit == unit) & (forecasts.indicator == target["indicator"])]
            if len(seen):
                last = seen.iloc[-1]
                row |= dict(
                    current=last.value,
                    current_numerator=last.numerator,
                    current_period=last.period,
                    current_denominator=last.denominator,
                    n_points=len(seen),
                )
            if not len(fan):
                row["reason"] = row["reason"] if len(seen) else "no_data"
                out.append(row)
                continue
            horizon = between(CUTOFF, target["deadline"]) if target["deadline"] else HORIZON
            q = fan[fan.horizon == min(max(horizon, 1), HORIZON)].predicted.to_numpy()
            up = UP[target["indicator"]]
            sd = max((q[5] - q[1]) / 2.56, 1e-6)
            threshold = row["threshold"] if np.isfinite(row["threshold"]) else last.value
            p = float(np.clip(ndtr(up * (q[3] - threshold) / sd), 0.01, 0.99))
            attained = bool(up * (last.value - threshold) >= 0)
            status = "on_track" if p >= 0.8 else "likely" if p >= 0.5 else "at_risk" if p >= 0.2 else "unlikely"
            settled = False
            if p >= 0.8 and attained and target["kind"] != "directional":
                status = "holding"
            if target["target"] == "GL-VNEID" and attained:
                status, p, settled = "met", 1.0, True
            if target["target"] == "GL-ONL-60" and unit in ("001", "64-D1"):
                status, p, settled = "missed", 0.0, True
            gap = up * (threshold - last.value) if np.isfinite(row["threshold"]) else np.nan
            cases = gap * last.denominator if np.isfinite(last.denominator) else gap
            cases = cases if target["indicator"] in ("online", "vneid", "late") else np.nan
            row |= dict(
                p_attain=p,
                p_raw=p,
                status=status,
                settled=settled,
                attained_now=attained,
                grade="AABC"[at % 4],
                reason="",
                gap=gap,
                gap_cases=np.ceil(cases) if np.isfinite(cases) else np.nan,
                horizon=horizon,
                predicted_median=q[3],
                lower95=q[0],
                upper95=q[6],
                lower80=q[1],
                upper80=q[5],
                lower50=q[2],
                upper50=q[4],
                required_pace=max(gap, 0) / max(horizon, 1),
                actual_pace=0.004 * max(last.value, 0.1),
                required_cases=np.ceil(max(cases, 0) / horizon) if np.isfinite(cases) and horizon else np.nan,
                pace_percentile=0.03 + 0.1 * at,
                previous_p=min(0.99, p + 0.1 * (-1) ** at),
                previous_status="likely",
            )
            if unit == "64":
                row |= dict(n_sub_units=9, n_sub_on_track=3 + at % 4, worst_decile=0.1 + 0.05 * at)
            out.append(row)
    return as_table(pd.DataFrame(out), schema.ASSESSMENTS)


def _quality():
    rows = [
        ("002", "online", "2024-03", "missing_period", {"first": "2024-03", "last": "2024-03", "n": 1}),
        ("002", "online", "2024-04", "missing_period", {"first": "2024-04", "last": "2024-04", "n": 1}),
        ("001", "online", "2025-11", "level_jump", {"v": 0.5, "w": 0.97}),
        ("003", "digit", "2025-01", "numerator_above_denominator", {"a": 104, "b": 100, "row": 7}),
        (NASTY, "online", "2025-01", "name_changed", {"names": ["Xã A", NASTY]}),
    ]
    frame = pd.DataFrame(rows, columns=["unit", "indicator", "period", "flag", "values"])
    source = "data/demo/online.csv"
    return as_quality(
        finding(frame.iloc[[at]], flag=flag, source=source, **values)
        for at, (flag, values) in enumerate(zip(frame["flag"], frame["values"]))
    )


def _evidence(rng):
    rows = []
    for indicator in ("online", "vneid", "late", "score"):
        for model, penalty in (("ensemble", 0.0), ("pace12", 0.06), ("climatology", 0.12)):
            better = -0.03 if indicator == "late" and model == "pace12" else 0.0
            for kind, name in [("overall", "all"), *[("horizon", str(h)) for h in (3, 6, 12)]]:
                brier = 0.09 + penalty + 2 * better + 0.004 * (int(name) if name.isdigit() else 6)
                rows.append(
                    dict(
                        indicator=indicator,
                        target="all",
                        model=model,
                        slice=name,
                        slice_kind=kind,
                        brier=brier,
                        skill_climatology=1 - brier / 0.24,
                        skill_pace=1 - brier / (0.174 + 2 * (indicator == "late") * -0.03),
                        coverage80=0.79,
                        coverage95=0.94,
                        ece=0.03,
                        slope=0.95,
                        bias=-0.01,
                        n_cases=240,
                        n_origins=7,
                    )
                )
    return as_table(pd.DataFrame(rows), schema.EVIDENCE)


def _scorecard(rng, units):
    rows = []
    for unit in [one[0] for one in units][:8]:
        for target in ("GL-ONL-60", "GL-VNEID"):
            p = float(np.round(rng.uniform(0.05, 0.95), 2))
            outcome = float(rng.uniform() < p)
            missed = (p > 0.5) != (outcome > 0.5)
            rows.append(
                (unit, target, "2026-03", "shock" if missed else "", "2026-06", p, outcome, (p - outcome) ** 2, 3)
            )
    columns = ["unit", "target", "cutoff", "cause", "period", "p_attain", "outcome", "brier", "horizon"]
    return as_table(pd.DataFrame(rows, columns=columns), schema.SCORECARD)


def _extras(assessments, rng):
    root = assessments[(assessments.unit == "64") & assessments.p_attain.notna()]
    levers = (("gap_tenth", 0.15), ("weakest_at_median:5", 0.05))
    scenarios = pd.concat(
        [
            pd.DataFrame(
                dict(
                    unit=root.unit,
                    target=root.target,
                    scenario=name,
                    p_attain=(root.p_attain + gain).clip(0.01, 0.99),
                    predicted_median=root.predicted_median,
                )
            )
            for name, gain in levers
        ]
    )
    rollup = pd.DataFrame(
        dict(
            unit=root.unit, target=root.target, n_parts=9, n_counted=9,
            expected_met=4.2, met_low=2.0, met_high=6.0, p_from_parts=0.4
        )
    )
    both = assessments[assessments.p_attain.notna()]
    changes = pd.DataFrame(
        dict(
            unit=both.unit,
            target=both.target,
            status_before=both.previous_status,
            status=both.status,
            p_before=both.previous_p,
            p_attain=both.p_attain,
            p_change=both.p_attain - both.previous_p,
            current_before=both.current * 0.97,
            current=both.current,
            current_change=both.current * 0.03,
            cause="new_figures",
        )
    )
    steps = pd.DataFrame({"period": ["2025-06", "2026-06"], "threshold": [0.6, 0.75], "p": [1.0, 0.0], "settled": True})
    full = assessments.loc[assessments.target == "GL-FULL-80", ["unit", "target"]]
    milestones = full.merge(steps, how="cross")
    return {
        "scenarios": scenarios,
        "rollup": rollup,
        "changes": changes,
        "milestones": milestones,
    }
