"""The raw files of the demonstration and its targets, read with pandas and PyYAML alone: no function of the product."""

from pathlib import Path

import numpy as np
import pandas as pd
import yaml

ROOT = Path(__file__).parents[2]
DATA = ROOT / "data" / "demo"
LAST = "2026-09"
SHARES = {  # indicator -> columns of dossiers.csv
    "online_filed": ("phat_sinh_truc_tuyen", "tong_tiep_nhan"),
    "online_resolved": ("giai_quyet_truc_tuyen", "da_giai_quyet"),
    "online_full": ("xu_ly_toan_trinh", "da_giai_quyet"),
    "overdue": ("qua_han", "da_giai_quyet"),
    "payment_online": ("thanh_toan_truc_tuyen", "co_phi"),
    "results_digitised": ("ket_qua_so_hoa", "ket_qua"),
    "data_reused": ("tai_su_dung", "tong_tiep_nhan"),
}


def read_units() -> pd.DataFrame:
    """Code, parent and level of every unit."""
    return pd.read_csv(DATA / "units.csv", dtype=str, keep_default_na=False).set_index("unit")


def read_targets() -> dict[str, dict]:
    """Targets by code, as the YAML states them."""
    stated = yaml.safe_load((ROOT / "params/targets/demo.yml").read_text(encoding="utf-8"))["targets"]
    return {one["target"]: one for one in stated}


def read_indicators() -> dict[str, dict]:
    """Indicators by code, as the YAML states them."""
    stated = yaml.safe_load((DATA / "indicators.yml").read_text(encoding="utf-8"))
    return {one["indicator"]: one for one in (stated["indicators"] if isinstance(stated, dict) else stated)}


def read_raw() -> pd.DataFrame:
    """Columns unit, indicator, period, top, bottom, value: one row a figure; the province's are sums where it has none.

    A numerator above its denominator and 0 of 0 are no figures; nor is what a broken definition counted before.
    """
    desks = pd.read_csv(DATA / "dossiers.csv", sep=";", dtype=str)
    month = desks["thang"].str.extract(r"(?P<m>\d+)/(?P<y>\d+)")
    desks["period"] = month["y"] + "-" + month["m"].str.zfill(2)
    tables = [
        _share(desks["ma_don_vi"], name, desks["period"], _vi(desks[top]), _vi(desks[bottom]))
        for name, (top, bottom) in SHARES.items()
    ]
    listed = pd.read_csv(DATA / "procedures.csv", dtype=str)
    top, bottom = pd.to_numeric(listed["offered_end_to_end"]), pd.to_numeric(listed["eligible_procedures"])
    tables.append(_share(listed["unit"], "procedures_end_to_end", listed["period"], top, bottom))
    tables += _accounts()
    table = pd.concat(tables, ignore_index=True)
    table = table[~(table["top"] > table["bottom"])]
    table = pd.concat([table, _province(table)], ignore_index=True)
    with np.errstate(all="ignore"):
        table["value"] = np.where(table["bottom"].isna(), table["top"], table["top"] / table["bottom"])
    index = pd.read_csv(DATA / "index_766.csv", sep=";", dtype=str)
    for name, column in (("score_766", "tong_diem"), ("rank_766", "xep_hang")):
        about = {"unit": index["ma_don_vi"], "indicator": name, "period": index["thang"], "value": _vi(index[column])}
        table = pd.concat([table, pd.DataFrame(about)], ignore_index=True)
    since = {name: one["valid_from"] for name, one in read_indicators().items() if one.get("valid_from")}
    old = table["period"] < table["indicator"].map(since).fillna("")
    return table[table["value"].notna() & ~old].reset_index(drop=True)


def _vi(text: pd.Series) -> pd.Series:
    """Numbers with dot thousands and a decimal comma."""
    return pd.to_numeric(text.str.replace(".", "", regex=False).str.replace(",", ".", regex=False))


def _share(unit, indicator, period, top, bottom) -> pd.DataFrame:
    return pd.DataFrame({"unit": unit, "indicator": indicator, "period": period, "top": top, "bottom": bottom})


def _accounts() -> list[pd.DataFrame]:
    """Accounts and books by the communes of today: those of before are carried over by the stated weights."""
    table = pd.read_csv(DATA / "accounts.csv", dtype=str)
    table["period"] = table["ngay"].str[6:] + "-" + table["ngay"].str[3:5]
    names = ["dan_so_du_dieu_kien", "tai_khoan_kich_hoat", "so_suc_khoe"]
    table[names] = table[names].apply(_vi)
    ways = pd.read_csv(DATA / "crosswalk.csv", dtype=str)
    table = table.merge(ways, left_on="ma_xa", right_on="old", how="left")
    table["unit"] = table["new"].fillna(table["ma_xa"])
    table[names] = table[names].mul(pd.to_numeric(table["weight"]).fillna(1.0), axis=0).round()
    table = table.groupby(["unit", "period"], as_index=False)[names].sum(min_count=1)
    accounts = table.rename(columns={names[0]: "bottom", names[1]: "top"})[["unit", "period", "top", "bottom"]]
    books = table.rename(columns={names[2]: "top"})[["unit", "period", "top"]].assign(bottom=np.nan)
    return [accounts.assign(indicator="vneid_activated"), books.assign(indicator="health_books")]


def _province(table: pd.DataFrame) -> pd.DataFrame:
    known = table[table["top"].notna() & (table["bottom"].notna() | (table["indicator"] == "health_books"))]
    total = known.groupby(["indicator", "period"], as_index=False)[["top", "bottom"]].sum(min_count=1)
    return total.assign(unit="099")
