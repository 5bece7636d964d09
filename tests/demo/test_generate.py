"""The demonstration data: same seed same bytes, the shape its README promises, every planted trouble in its place."""

import csv
import importlib.util
import re
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "data" / "demo"
GENERATED = (
    "units.csv", "dossiers.csv", "accounts.csv", "procedures.csv", "index_766.csv", "crosswalk.csv", "tasks.csv",
)  # fmt: skip


@pytest.fixture(scope="module")
def generate():
    spec = importlib.util.spec_from_file_location("demo_generate", DEMO / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(name, delimiter=","):
    with (DEMO / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter=delimiter))


def number(text):
    return int(text.replace(".", ""))


def test_regeneration_gives_the_same_bytes(generate, tmp_path):
    generate.main(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(GENERATED)
    for name in GENERATED:
        assert (tmp_path / name).read_bytes() == (DEMO / name).read_bytes(), f"{name} is not what generate.py writes"


def test_another_seed_gives_other_bytes(generate, tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "SEED", generate.SEED + 1)
    generate.main(tmp_path)
    assert (tmp_path / "dossiers.csv").read_bytes() != (DEMO / "dossiers.csv").read_bytes()
    assert (tmp_path / "units.csv").read_bytes() == (DEMO / "units.csv").read_bytes()


def test_the_folder_stays_small_and_says_that_it_is_simulated():
    files = [path for path in DEMO.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert "everything here is simulated" in (DEMO / "README.md").read_text(encoding="utf-8")


def test_the_tree_has_one_province_20_departments_and_135_communes():
    levels = [row["level"] for row in rows("units.csv")]
    assert (levels.count("province"), levels.count("department"), levels.count("commune")) == (1, 20, 135)
    names = [row["name"] for row in rows("units.csv")]
    assert len(set(names)) == 156
    assert all(row["unit"].startswith("099") for row in rows("units.csv"))


def test_48_months_end_in_2026_09(generate):
    assert (generate.months()[0], generate.months()[-1], len(generate.months())) == ("2022-10", "2026-09", 48)
    assert {row["period"] for row in rows("procedures.csv")} == set(generate.months())


def test_every_figure_is_written_in_its_declared_form():
    for row in rows("dossiers.csv", ";"):
        assert re.fullmatch(r"tháng \d{1,2}/\d{4}", row["thang"])
        assert all(re.fullmatch(r"\d{1,3}(\.\d{3})*|", row[one]) for one in list(row)[3:])
    for row in rows("index_766.csv", ";"):
        assert all(re.fullmatch(r"\d{1,3},\d{2}", row[one]) for one in ("tong_diem", "transparency", "digitisation"))


def test_six_components_sum_to_the_score():
    cents = {name: 0 for name in ("transparency", "progress", "online", "payment", "satisfaction", "digitisation")}
    for row in rows("index_766.csv", ";"):
        assert number(row["tong_diem"].replace(",", "")) == sum(number(row[one].replace(",", "")) for one in cents)


def test_places_are_counted_from_the_scores():
    last = [row for row in rows("index_766.csv", ";") if row["thang"] == "2026-09"]
    last = [row for row in last if row["ma_don_vi"][3:4] not in ("S", "")]
    scores = {row["ma_don_vi"]: float(row["tong_diem"].replace(",", ".")) for row in last}
    for row in last:
        better = sum(other > scores[row["ma_don_vi"]] for other in scores.values())
        assert int(row["xep_hang"]) == better + 1


def test_rates_climb_in_the_common_rhythm(generate):
    """Units differ, but campaign months lift most of them: the median step then is twice that of ordinary months."""
    counts = generate.simulate()
    share = counts["activated"] / counts["eligible"][:, :1]
    steps = np.diff(share[20:], axis=1)
    bursts = np.array([generate.CAMPAIGNS.get(month, 0.75) > 1.5 for month in generate.months()[1:]])
    assert np.median(steps[:, bursts]) > 2 * np.median(steps[:, ~bursts])
    low, high = np.quantile(share[20:, -1], [0.05, 0.95])
    assert high - low > 0.25


def cells(name, delimiter, unit_column, when, unit, month):
    return [row for row in rows(name, delimiter) if row[unit_column] == unit and row[when] == month]


def test_a_value_over_100_per_cent_is_planted():
    row = cells("dossiers.csv", ";", "ma_don_vi", "thang", "099057", "tháng 3/2025")[0]
    assert number(row["thanh_toan_truc_tuyen"]) == number(row["co_phi"]) + 14
    row = cells("dossiers.csv", ";", "ma_don_vi", "thang", "099S12", "tháng 9/2024")[0]
    assert number(row["xu_ly_toan_trinh"]) == number(row["da_giai_quyet"]) + 3


def test_no_other_numerator_is_above_its_denominator():
    above = []
    pairs = (("phat_sinh_truc_tuyen", "tong_tiep_nhan"), ("giai_quyet_truc_tuyen", "da_giai_quyet"),
             ("xu_ly_toan_trinh", "da_giai_quyet"), ("qua_han", "da_giai_quyet"), ("thanh_toan_truc_tuyen", "co_phi"),
             ("ket_qua_so_hoa", "ket_qua"), ("tai_su_dung", "tong_tiep_nhan"))  # fmt: skip
    for row in rows("dossiers.csv", ";"):
        for top, below in pairs:
            if row[top] and row[below] and number(row[top]) > number(row[below]):
                above.append((row["ma_don_vi"], top))
    assert sorted(above) == [("099057", "thanh_toan_truc_tuyen"), ("099S12", "xu_ly_toan_trinh")]


def test_218_communes_went_into_135_and_the_weights_of_each_sum_to_one():
    went = rows("crosswalk.csv")
    assert len({row["old"] for row in went}) == 218 and len({row["new"] for row in went}) == 135
    assert {row["change"] for row in went} == {"2025-07"}
    shares = {}
    for row in went:
        shares[row["old"]] = shares.get(row["old"], 0.0) + float(row["weight"])
    assert all(abs(one - 1) < 1e-12 for one in shares.values())
    assert [row["new"] for row in went if float(row["weight"]) < 1] == ["099037", "099038"]


def test_accounts_are_reported_by_the_communes_of_their_time():
    known = {
        "before": {row["old"] for row in rows("crosswalk.csv")},
        "after": {row["unit"] for row in rows("units.csv")},
    }
    for row in rows("accounts.csv"):
        day, month, year = row["ngay"].split("/")
        assert row["ma_xa"] in known["before" if f"{year}-{month}" < "2025-07" else "after"]


def test_the_parts_of_a_commune_sum_to_what_it_has_to_the_last_citizen(generate):
    counts = generate.plant(generate.simulate(), leaves=[row["unit"] for row in rows("units.csv")[1:]])
    went = {row["old"]: row["new"] for row in rows("crosswalk.csv")}
    for when, column in (("31/10/2022", 0), ("30/06/2025", 32)):
        reported = [row for row in rows("accounts.csv") if row["ngay"] == when]
        own = {}
        for row in reported:
            own[went[row["ma_xa"]]] = own.get(went[row["ma_xa"]], 0) + number(row["tai_khoan_kich_hoat"])
        leaves = [row["unit"] for row in rows("units.csv")[1:]]
        for unit, count in own.items():
            if unit not in ("099037", "099038"):
                assert count == counts["activated"][leaves.index(unit), column]
        shared = sum(int(counts["activated"][leaves.index(one), column]) for one in ("099037", "099038"))
        assert own["099037"] + own["099038"] == shared


def test_cumulative_counts_fall_where_planted_and_nowhere_else():
    went = {row["old"]: row["new"] for row in rows("crosswalk.csv")}
    falls = set()
    for column in ("tai_khoan_kich_hoat", "so_suc_khoe"):
        last = {}
        for row in rows("accounts.csv"):
            if number(row[column]) < last.get(row["ma_xa"], 0):
                falls.add((went.get(row["ma_xa"], row["ma_xa"]), column, row["ngay"]))
            last[row["ma_xa"]] = number(row[column])
    assert falls == {("099012", "tai_khoan_kich_hoat", "28/02/2025"), ("099076", "so_suc_khoe", "30/04/2026")}


def test_far_more_desks_stand_just_below_the_target_than_just_above():
    late = [number(row["qua_han"]) / max(number(row["da_giai_quyet"]), 1)
            for row in rows("dossiers.csv", ";") if row["thang"] == "tháng 9/2026" and row["qua_han"]]  # fmt: skip
    below, above = sum(0.018 < one <= 0.02 for one in late), sum(0.02 < one <= 0.022 for one in late)
    assert below >= 14 and below > 3 * above


def test_units_are_late_missing_or_new_where_planted():
    assert not cells("dossiers.csv", ";", "ma_don_vi", "thang", "099023", "tháng 4/2024")
    assert cells("dossiers.csv", ";", "ma_don_vi", "thang", "099S05", "tháng 7/2026")
    assert not cells("dossiers.csv", ";", "ma_don_vi", "thang", "099S05", "tháng 8/2026")
    assert not cells("accounts.csv", ",", "ma_xa", "ngay", "099088", "30/09/2026")
    assert sum(row["ma_don_vi"] == "099130" for row in rows("dossiers.csv", ";")) == 3
    blank = [row["ma_don_vi"] for row in rows("dossiers.csv", ";") if "" in row.values()]
    assert blank == ["099104"]


def test_the_definition_change_lets_the_level_jump_down():
    def share(month):
        taken = [row for row in rows("dossiers.csv", ";") if row["thang"] == month]
        return sum(number(row["ket_qua_so_hoa"]) for row in taken) / sum(number(row["ket_qua"]) for row in taken)

    assert share("tháng 7/2025") < share("tháng 6/2025") - 0.08
    assert share("tháng 6/2025") > share("tháng 5/2025")


def test_a_planted_trouble_names_a_unit_of_the_tree():
    known = {row["unit"] for row in rows("units.csv")} | {"*"}
    troubles = rows("troubles.csv")
    assert len(troubles) == 19
    assert {row["unit"] for row in troubles} <= known


def test_tasks_stand_in_all_four_states_at_the_cutoff():
    states = set()
    for row in rows("tasks.csv"):
        finished = row["done"] and row["done"] <= "2026-09-30"
        late = row["done"] > row["due"] if finished else row["due"] < "2026-09-30"
        states.add((bool(finished), late))
    assert len(states) == 4
    assert len(rows("tasks.csv")) == 2 * 20 * 8
    assert max(row["due"] for row in rows("tasks.csv")) <= "2026-12-31"
