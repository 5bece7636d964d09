"""Task lists: four states, exact counts, delays read from the list, joint probability of all done."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, norm

from analysis.attainment.assess import assess
from analysis.attainment.events import tasks as listed
from attainment.factory import make_shares, make_target, make_world


def make_tasks(*rows):
    return pd.DataFrame(rows, columns=["task", "target", "unit", "due", "done"])


def promise(**more):
    usual = {"target": "T", "indicator": "", "kind": "tasks_k_of_n", "units": ("u0",), "deadline": "2022-06"}
    return make_target(**usual | more)


def solve(one, tasks, *, cutoff="2022-06", panels=None, **more):
    answer = assess(make_world([one], panels=panels or {}, tasks=tasks, cutoff=cutoff, **more))
    return answer.assessments.iloc[0], answer.extra


def half_year():
    """Đề án 06, first half of 2022: 21 of 46 tasks done, 25 not."""
    done = [(f"t{i:02d}", "T", "u0", "2022-06-30", "2022-05-20") for i in range(21)]
    return make_tasks(*done, *[(f"t{i:02d}", "T", "u0", "2022-06-30", "") for i in range(21, 46)])


def test_21_of_46_at_the_end_of_the_half_year_is_missed():
    row, extra = solve(promise(), half_year())
    assert (row["status"], row["p_attain"], row["settled"]) == ("missed", 0.0, True)
    assert (row["current_numerator"], row["current_denominator"], row["gap_cases"]) == (21, 46, 25)
    assert f"{100 * 21 / 46:.1f} {100 * 25 / 46:.1f}" == "45.7 54.3"
    counts = extra["task_counts"].iloc[0]
    assert counts[["done_on_time", "done_late", "open_in_time", "open_overdue"]].tolist() == [21, 0, 25, 0]


def test_the_states_of_2017():
    """1270/BC-TCTTTg: 14.068 on time, 1.983 late, 5.640 open in time, 223 overdue; 21.914 in all."""
    sizes = {"done_on_time": 14068, "done_late": 1983, "open_in_time": 5640, "open_overdue": 223}
    due = np.repeat([10, 10, 100, 10], list(sizes.values()))
    done = np.repeat([9, 12, -1, -1], list(sizes.values()))
    found = pd.Series(listed.states(due, done, today=50)).value_counts().to_dict()
    assert found == sizes and sum(sizes.values()) == 21914
    assert sizes["done_on_time"] + sizes["done_late"] == 16051


def test_a_task_due_today_is_in_time_and_one_done_tomorrow_is_open():
    assert listed.states([20, 20, 20], [-1, 21, 20], today=20).tolist() == [
        "open_in_time",
        "open_in_time",
        "done_on_time",
    ]


def test_k_tasks_that_are_done_cannot_be_undone():
    row, _ = solve(promise(k=20, deadline="2022-12"), half_year())
    assert (row["status"], row["p_attain"]) == ("met", 1.0)


def test_late_tasks_count_as_done_by_a_later_deadline_but_not_by_an_earlier_one():
    tasks = make_tasks(("a", "T", "u0", "2022-03-31", "2022-04-15"), ("b", "T", "u0", "2022-03-31", "2022-03-01"))
    row, extra = solve(promise(deadline="2022-04"), tasks)
    assert row["status"] == "met" and extra["tasks"]["state"].tolist() == ["done_late", "done_on_time"]
    row, _ = solve(promise(deadline="2022-03"), tasks)
    assert row["status"] == "missed"


def test_the_delay_curve_agrees_with_the_plain_share_when_nothing_is_open():
    delays = np.array([-3.0, -3, 0, 2, 5, 5, 9, 30])
    days, still, _ = listed.delay_curve(delays, finished=np.ones(8, dtype=bool))
    np.testing.assert_allclose(still, [(delays > day).mean() for day in days])


def test_the_delay_curve_recovers_a_known_delay_from_censored_tasks():
    rng = np.random.default_rng(0)
    delay = rng.exponential(20, 20_000)
    seen = rng.uniform(0, 40, 20_000)
    days, still, _ = listed.delay_curve(np.minimum(delay, seen).round(2), finished=delay <= seen)
    at = np.searchsorted(days, [5, 10, 20]) - 1
    np.testing.assert_allclose(still[at], np.exp(-np.array([5, 10, 20]) / 20), atol=0.02)


def test_all_done_against_the_binomial_when_tasks_are_independent():
    scores = np.random.default_rng(0).standard_normal((6, 100_000))
    assert listed.p_k_done(np.full(5, 0.8), done=2, k=7, common=0.0, scores=scores) == pytest.approx(0.8**5, abs=0.006)
    assert listed.p_k_done(np.full(5, 0.8), done=2, k=5, common=0.0, scores=scores) == pytest.approx(
        binom.sf(2, 5, 0.8), abs=0.006
    )
    assert listed.p_k_done(np.full(5, 0.8), done=0, k=5, common=1.0, scores=scores) == pytest.approx(0.8, abs=0.006)


def history(n_units=30, per_unit=20, *, seed=0, spread=0.0):
    """Tasks of 2021: on time with a probability that differs from unit to unit by `spread`."""
    rng = np.random.default_rng(seed)
    rows = []
    for unit in range(n_units):
        share = np.clip(0.7 + spread * rng.choice([-1, 1]), 0, 1)
        for task in range(per_unit):
            late = rng.random() > share
            done = "2021-07-20" if late else "2021-06-15"
            rows.append((f"h{task}", "OLD", f"h{unit}", "2021-06-30", done))
    return rows


def test_open_tasks_are_judged_by_how_late_tasks_have_been():
    rows = [*history(), *[(f"t{i}", "T", "u0", "2022-07-31", "") for i in range(3)]]
    row, extra = solve(promise(deadline="2022-07"), make_tasks(*rows), cutoff="2022-06", min_points=3)
    p = extra["tasks"]["p_done"].to_numpy()
    share = np.mean([done == "2021-06-15" for *_, done in history()])
    assert p == pytest.approx([share] * 3, abs=0.002)
    assert row["p_raw"] == pytest.approx(p[0] ** 3, abs=0.02)
    assert extra["task_counts"]["expected_k"].iloc[0] == pytest.approx(p.sum())


def test_units_that_differ_make_all_or_nothing_more_likely():
    even, uneven = (pd.DataFrame(history(spread=one), columns=listed.COLUMNS) for one in (0.0, 0.3))
    on_time = lambda table: table["done"] == "2021-06-15"  # noqa: E731
    assert listed.common_share(on_time(even), even["unit"]) < 0.05
    assert listed.common_share(on_time(uneven), uneven["unit"]) > 0.3


def diligent(n_units, per_unit, *, common, p, seed):
    """Whether tasks were on time: normal scores with the correlation `common` within a unit, below the cut of `p`."""
    rng = np.random.default_rng(seed)
    score = np.sqrt(common) * rng.standard_normal((n_units, 1))
    return score + np.sqrt(1 - common) * rng.standard_normal((n_units, per_unit)) <= norm.ppf(p)


@pytest.mark.parametrize("common", [0.0, 0.15, 0.4])
def test_the_correlation_behind_the_marks_is_recovered(common):
    marks = diligent(600, 20, common=common, p=0.8, seed=3)
    found = listed.common_share(pd.Series(marks.ravel()), pd.Series(np.repeat(np.arange(600), 20)))
    assert found == pytest.approx(common, abs=0.04)


def test_all_tasks_of_a_unit_done_has_the_probability_of_a_simulated_truth():
    """Five open tasks of each of 4,000 new units, done as diligently as 300 units were before."""
    common, share = 0.4, 0.8
    past = diligent(300, 20, common=common, p=share, seed=8)
    rows = [
        (f"h{task}", "OLD", f"h{unit}", "2021-06-30", "2021-06-15" if past[unit, task] else "2021-07-20")
        for unit in range(300)
        for task in range(20)
    ]
    rows += [(f"t{task}", "T", "u0", "2022-07-31", "") for task in range(5)]
    row, extra = solve(promise(deadline="2022-07", k=4), make_tasks(*rows), cutoff="2022-06")
    done = diligent(4000, 5, common=common, p=share, seed=9).sum(axis=1)
    within = 4 * 0.5 / np.sqrt(4000)
    assert row["p_raw"] == pytest.approx((done >= 4).mean(), abs=within)
    counts = extra["task_counts"].iloc[0]
    assert counts["p_all"] == pytest.approx((done == 5).mean(), abs=within)
    assert counts["p_all"] > 0.8**5 + 0.1  # independent tasks would say 0.33
    assert counts["expected_k"] == pytest.approx(done.mean(), abs=0.1)


def test_tasks_of_many_owners_in_one_list_share_no_common_fate():
    """Ten open tasks of ten owners: the binomial; of one owner: far likelier all or none."""
    past = diligent(300, 20, common=0.4, p=0.9, seed=8)
    rows = [
        (f"h{task}", "OLD", "h", "2021-06-30", "2021-06-15" if past[body, task] else "2021-07-20", f"o{body}")
        for body in range(300)
        for task in range(20)
    ]
    found = {}
    for n_owners in (10, 1):
        mine = [(f"t{task}", "T", "u0", "2022-07-31", "", f"o{task % n_owners}") for task in range(10)]
        tasks = pd.DataFrame([*rows, *mine], columns=[*listed.COLUMNS, "owner"])
        tasks = tasks.assign(task=tasks["task"] + tasks["owner"])  # a task has one code
        row, _ = solve(promise(deadline="2022-07"), tasks, cutoff="2022-06")
        found[n_owners] = row["p_raw"]
    assert found[10] == pytest.approx(0.9**10, abs=0.04)
    assert found[1] == pytest.approx(diligent(20_000, 10, common=0.4, p=0.9, seed=1).all(axis=1).mean(), abs=0.04)
    assert found[1] > found[10] + 0.1


def test_a_task_that_stands_in_two_lists_is_learned_from_once():
    once = history(n_units=12, per_unit=6, spread=0.2)
    twice = [*once, *[(f"{task}{unit}", "ALL", "top", due, done) for task, _, unit, due, done in once]]
    owners = [*[row[2] for row in once]] * 2
    names = [f"{row[0]}{row[2]}" for row in once] * 2
    mine = [(f"t{i}", "T", "u0", "2022-07-31", "") for i in range(4)]
    answers = []
    for rows, whose, codes in ((once, owners[: len(once)], names[: len(once)]), (twice, owners, names)):
        table = make_tasks(*rows).assign(owner=whose, task=codes)
        tasks = pd.concat([table, make_tasks(*mine).assign(owner="u0")], ignore_index=True)
        answers.append(solve(promise(deadline="2022-07"), tasks, cutoff="2022-06")[0]["p_raw"])
    assert answers[0] == answers[1]


def test_k_tasks_done_settle_the_promise_but_not_how_many_will_be():
    rows = [*history(), *[(f"t{i}", "T", "u0", "2022-05-31", "2022-05-01") for i in range(3)],
            ("open", "T", "u0", "2022-07-31", "")]  # fmt: skip
    row, extra = solve(promise(deadline="2022-07", k=3), make_tasks(*rows), cutoff="2022-06")
    counts = extra["task_counts"].iloc[0]
    assert row["p_attain"] == 1.0 and counts["expected_k"] == pytest.approx(3 + counts["p_all"], abs=0.02)
    assert 0.6 < counts["p_all"] < 0.8 and counts["n_blocking"] == 0


def test_more_tasks_promised_than_listed_cannot_be_assessed():
    rows = [*history(), ("a", "T", "u0", "2022-07-31", ""), ("b", "T", "u0", "2022-07-31", "2022-06-01")]
    row, extra = solve(promise(deadline="2022-07", n=126), make_tasks(*rows), cutoff="2022-06")
    assert (row["status"], row["reason"]) == ("not_assessable", "tasks_unlisted")
    assert extra["task_counts"].iloc[0][["n", "n_listed"]].tolist() == [126, 2]
    row, _ = solve(promise(deadline="2022-06", n=126), make_tasks(*rows), cutoff="2022-06")
    assert row["reason"] == "tasks_unlisted"  # those that nobody listed may have been done
    row, _ = solve(promise(deadline="2022-07", n=126, k=1), make_tasks(*rows), cutoff="2022-06")
    assert row["status"] == "met"


def test_overdue_and_unlikely_tasks_block():
    rows = [
        *history(),
        ("a", "T", "u0", "2022-05-31", ""),
        ("b", "T", "u0", "2023-01-31", ""),
        ("c", "T", "u0", "2022-06-15", "2022-06-01"),
    ]
    _, extra = solve(promise(deadline="2022-07"), make_tasks(*rows), cutoff="2022-06")
    table = extra["tasks"].set_index("task")
    assert table["state"].to_dict() == {"a": "open_overdue", "b": "open_in_time", "c": "done_on_time"}
    assert table["blocking"].to_dict() == {"a": True, "b": True, "c": False}


def test_an_overdue_task_is_judged_by_those_that_were_late_too():
    """Of 100 tasks 60 were on time, 30 came 20 days late, 10 never: ten days late, 30 of 40 still come."""
    delay = np.repeat([-5.0, 20.0, 400.0], [60, 30, 10])
    curve = listed.delay_curve(delay, finished=delay < 100)
    p = listed.p_done_by([0.0], today=10, deadline=30, curve=curve)
    assert p[0] == pytest.approx(1 - (0.1 * 100 + 0.5) / (0.4 * 100 + 1))


def test_a_task_that_is_overdue_but_almost_surely_done_in_time_does_not_block():
    rows = [(f"h{i}", "OLD", "h", "2021-06-30", "2021-07-20") for i in range(40)]  # everybody is twenty days late
    rows += [("late", "T", "u0", "2022-06-20", ""), ("ahead", "T", "u0", "2022-07-05", "")]
    _, extra = solve(promise(deadline="2022-07"), make_tasks(*rows), cutoff="2022-06")
    table = extra["tasks"].set_index("task")
    assert table.loc[["late", "ahead"], "p_done"].min() > 0.9
    assert table.loc[["late", "ahead"], "blocking"].tolist() == [False, False]


def test_without_finished_tasks_there_is_no_probability():
    rows = [("a", "T", "u0", "2022-12-31", ""), ("b", "T", "u0", "2022-12-31", "")]
    row, _ = solve(promise(deadline="2022-12"), make_tasks(*rows))
    assert (row["status"], row["reason"]) == ("not_assessable", "no_task_history")
    row, _ = solve(promise(deadline="2022-12"), None)
    assert (row["status"], row["reason"]) == ("not_assessable", "no_tasks")


def test_a_count_of_tasks_done_serves_where_there_is_no_list():
    panel = make_shares([[10, 21]], [[46, 46]])
    row, _ = solve(promise(indicator="x", deadline="2023-12"), None, cutoff="2023-12", panels={"x": panel})
    assert (row["status"], row["gap_cases"]) == ("missed", 25)


def test_no_open_task_is_said_to_be_certain():
    rows = [(f"h{i}", "OLD", "h", "2021-06-30", "2021-06-01") for i in range(2000)]  # nobody was ever late
    rows += [("open", "T", "u0", "2022-07-31", ""), ("done", "T", "u0", "2022-05-31", "2022-05-01")]
    _, extra = solve(promise(deadline="2022-07"), make_tasks(*rows), cutoff="2022-06")
    assert extra["tasks"].set_index("task")["p_done"].to_dict() == {"done": 1.0, "open": 0.99}
