"""Write the demonstration data: one invented province, 20 departments, 135 communes, 12 indicators, 48 months.

Everything here is simulated; README.md beside this file says so and lists the troubles planted on purpose.

    python data/demo/generate.py            # rewrites the files of this folder
    python data/demo/generate.py FOLDER     # writes them somewhere else

Same seed, same bytes, on any machine: the only random numbers are uniform draws of PCG64 in fixed shapes, turned into
normals by adding twelve of them (Irwin-Hall), and every figure is rounded to a whole number before others use it.
"""

from __future__ import annotations

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np

SEED = 20260930
N_MONTHS = 48
FIRST = (2022, 10)
PROVINCE = "099"
TET = ("2023-01", "2024-02", "2025-01", "2026-02")  # month that holds most of the Lunar New Year week
CAMPAIGNS = {  # "đợt cao điểm": factor on the speed of every unit, as the bursts of a real identity programme
    "2023-03": 1.8, "2023-04": 2.4, "2023-05": 1.9, "2023-11": 1.9, "2023-12": 2.6, "2024-01": 1.6,
    "2024-10": 1.7, "2024-11": 2.2, "2024-12": 2.4, "2025-04": 1.6, "2025-05": 2.0, "2025-06": 1.7,
    "2025-07": 0.4, "2025-08": 0.4, "2025-09": 0.6, "2025-11": 1.4, "2025-12": 1.7, "2026-05": 1.5, "2026-06": 1.6,
}  # fmt: skip
MERGED = "2025-07"  # until then the police reports by the 218 communes of before, which went into the 135 of today
TWO_PARTS, SHARED = 84, (37, 38)  # the first 84 communes are made of two old ones; these two share one of theirs
DIGITISED_BREAK = "2025-07"  # from here on every result counts, before only those on the list
DEPARTMENTS = (
    ("Sở Nội vụ", "Department of Home Affairs"),
    ("Sở Tư pháp", "Department of Justice"),
    ("Sở Tài chính", "Department of Finance"),
    ("Sở Công Thương", "Department of Industry and Trade"),
    ("Sở Nông nghiệp và Môi trường", "Department of Agriculture and Environment"),
    ("Sở Xây dựng", "Department of Construction"),
    ("Sở Khoa học và Công nghệ", "Department of Science and Technology"),
    ("Sở Văn hóa, Thể thao và Du lịch", "Department of Culture, Sports and Tourism"),
    ("Sở Giáo dục và Đào tạo", "Department of Education and Training"),
    ("Sở Y tế", "Department of Health"),
    ("Sở Dân tộc và Tôn giáo", "Department of Ethnic and Religious Affairs"),
    ("Sở Ngoại vụ", "Department of Foreign Affairs"),
    ("Thanh tra tỉnh", "Provincial Inspectorate"),
    ("Văn phòng UBND tỉnh", "Office of the People's Committee"),
    ("Ban Quản lý Khu kinh tế", "Economic Zone Authority"),
    ("Ban Quản lý các khu công nghiệp", "Industrial Parks Authority"),
    ("Công an tỉnh", "Provincial Police"),
    ("Bảo hiểm xã hội tỉnh", "Provincial Social Insurance"),
    ("Thuế tỉnh", "Provincial Tax Office"),
    ("Kho bạc Nhà nước khu vực", "Regional State Treasury"),
)
FIRST_SYLLABLES = (
    "Hoà Thuỷ Đồng Phước Nghĩa Vĩnh Xuân Bằng Mường Đắk Krông Trường Quảng Tường Khuê".split()
)  # x the nine below = 135 invented names
LAST_SYLLABLES = "Ngưỡng Quỳnh Vẹn Sậy Lẫm Ruộng Khởi Đượm Nhiễu".split()
HEAPED = 14  # desks whose late dossiers of the last month end just below the target
TINY = ("099018", "099067", "099135")  # a handful of dossiers a month
TASKS = (
    ("Rà soát, tái cấu trúc quy trình thủ tục hành chính", "Review and restructure procedures"),
    ("Kết nối, chia sẻ dữ liệu với CSDL quốc gia về dân cư", "Connect to the national population database"),
    ("Số hóa hồ sơ, kết quả giải quyết còn hiệu lực", "Digitise dossiers and results still in force"),
    ("Làm sạch dữ liệu chuyên ngành", "Clean the sector's data"),
    ("Tập huấn cán bộ bộ phận một cửa", "Train one-stop desk staff"),
    ("Tích hợp thanh toán trực tuyến", "Integrate online payment"),
    ("Tuyên truyền, hướng dẫn người dân sử dụng VNeID", "Show people how to use VNeID"),
    ("Báo cáo đánh giá an toàn hệ thống thông tin", "Report on the security of information systems"),
)
NEW_YEAR, KNOWN_ON = date(2026, 1, 1), date(2026, 10, 10)  # day 0 of the tasks; day on which all figures were known
COMPONENTS = {  # QĐ 766/QĐ-TTg as published by provinces: six components, 100 points
    "transparency": 18, "progress": 20, "online": 12, "payment": 10, "satisfaction": 18, "digitisation": 22,
}  # fmt: skip
# name of a share: mean and sd between units of the start, mean and sd of the climb (logit), ceiling, monthly noise
SHAPES = {
    "filed": (-2.2, 0.45, 3.7, 0.75, 0.97, 0.16),
    "processed": (0.9, 0.40, 1.5, 0.50, 0.98, 0.14),  # of those filed online
    "full": (-0.9, 0.50, 2.5, 0.70, 0.97, 0.15),  # of those filed online
    "overdue": (-2.9, 0.60, -1.0, 0.60, 1.00, 0.30),
    "paid": (-2.6, 0.50, 3.5, 0.80, 0.95, 0.20),
    "digitised": (-1.6, 0.50, 3.9, 0.80, 0.99, 0.15),
    "reused": (-3.6, 0.50, 3.2, 0.80, 0.90, 0.20),
    "offered": (-0.6, 0.35, 4.1, 0.90, 1.00, 0.02),
    "vneid": (-2.5, 0.40, 3.6, 0.55, 0.93, 0.01),
    "books": (-4.2, 0.50, 4.6, 0.70, 0.90, 0.01),
    "transparency": (1.2, 0.30, 2.4, 0.50, 1.00, 0.10),
    "satisfaction": (1.5, 0.30, 2.0, 0.40, 1.00, 0.10),
}


def months() -> list[str]:
    """The 48 months as 2022-10 ... 2026-09."""
    first = FIRST[0] * 12 + FIRST[1] - 1
    return [f"{number // 12:04d}-{number % 12 + 1:02d}" for number in range(first, first + N_MONTHS)]


def units() -> list[dict]:
    """The tree: the province, its departments (099S01 ...) and its communes (099001 ...)."""
    rows = [(PROVINCE, "Tỉnh Mô Phỏng", "Simulated Province", "", "province")]
    for number, (name, name_en) in enumerate(DEPARTMENTS, start=1):
        rows.append((f"{PROVINCE}S{number:02d}", name, name_en, PROVINCE, "department"))
    names = [f"{first} {last}" for first in FIRST_SYLLABLES for last in LAST_SYLLABLES]
    for number, name in enumerate(names, start=1):
        kind, kind_en = ("Phường", "Ward") if number % 5 == 2 else ("Xã", "Commune")
        if number == len(names):
            kind, kind_en = "Đặc khu", "Special zone"
        rows.append((f"{PROVINCE}{number:03d}", f"{kind} {name}", f"{kind_en} {name}", PROVINCE, "commune"))
    columns = ("unit", "name", "name_en", "parent", "level", "valid_from", "valid_to")
    return [dict(zip(columns, (*row, "2022-01-01", ""))) for row in rows]


def former(counts: dict[str, np.ndarray], *, leaves: list[str]) -> list[dict]:
    """Old communes (099X001 ...): their names, the commune each went to, and whether as its first part.

    An old commune that two communes share stands twice, with the share of its people that went to each.
    """
    tree, rows, serial, shared = {row["unit"]: row for row in units()}, [], 0, ""
    start = {n: parts_of(int(counts["eligible"][leaves.index(f"{PROVINCE}{n:03d}"), 0]), n)[1] for n in SHARED}
    for number in range(1, len(FIRST_SYLLABLES) * len(LAST_SYLLABLES) + 1):
        new = f"{PROVINCE}{number:03d}"
        kind, first, last = tree[new]["name"].rsplit(" ", 2)
        endings = (" Thượng", " Hạ") if number <= TWO_PARTS else ("",)
        for part, ending in enumerate(endings):
            divided = part == 1 and number in SHARED
            if not (divided and shared):
                serial += 1
            old = shared if divided and shared else f"{PROVINCE}X{serial:03d}"
            shared = old if divided else shared
            weight = round(100 * start[number] / sum(start.values())) if divided else 100
            name = f"{kind} {last} {first}{ending}"
            rows.append({"old": old, "new": new, "number": number, "part": part, "weight": weight, "name": name})
    return rows


def parts_of(value: int, number: int) -> tuple[int, int]:
    """A whole number as the sum of two parts; both grow when it grows."""
    first = value * (35 + number * 7 % 31) // 100
    return first, value - first


def normals(rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
    """Nearly normal draws, mean 0 and variance 1: the sum of twelve uniform draws less six."""
    return rng.random((*shape, 12)).sum(axis=-1) - 6.0


def logistic(x: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-x))."""
    return 1.0 / (1.0 + np.exp(-x))


def draw(rng: np.random.Generator, n: np.ndarray, p: np.ndarray) -> np.ndarray:
    """How many of `n` with chance `p` each: a rounded normal draw, kept between 0 and `n`."""
    z = normals(rng, n.shape)
    return np.clip(np.rint(n * p + z * np.sqrt(n * p * (1 - p))), 0, n).astype(int)


def climb(rng: np.random.Generator, name: str, *, ability: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """S-shaped share of every unit and month, (n, 48): logit start + climb + slow wander + noise."""
    start, start_sd, gain, gain_sd, ceiling, noise = SHAPES[name]
    n = len(ability)
    starts = start + start_sd * normals(rng, (n, 1))
    own = 0.6 * ability[:, None] + 0.8 * normals(rng, (n, 1))
    gains = gain + gain_sd * (-own if gain < 0 else own)
    rhythm = np.cumsum(speed) / speed.sum()
    wander = np.cumsum(normals(rng, (n, N_MONTHS)), axis=1) * noise / 5
    return ceiling * logistic(starts + gains * rhythm + wander + noise * normals(rng, (n, N_MONTHS)) / 2)


def volumes(rng: np.random.Generator, leaves: list[str]) -> np.ndarray:
    """Dossiers received by every leaf and month, with Tết, the school summer and the year's end."""
    base = np.where([code[3] == "S" for code in leaves], 700.0, 260.0)
    base = base * np.exp(0.55 * normals(rng, (len(leaves),)))
    base[[leaves.index(code) for code in TINY]] = (5.0, 9.0, 3.0)
    factor = {1: 0.95, 3: 1.12, 6: 1.10, 7: 1.12, 8: 1.08, 12: 1.15}
    season = np.array([0.62 if month in TET else factor.get(int(month[5:]), 1.0) for month in months()])
    mean = base[:, None] * season * np.linspace(1.0, 1.25, N_MONTHS)
    return np.maximum(0, np.rint(mean + normals(rng, mean.shape) * (np.sqrt(mean) + 0.05 * mean))).astype(int)


def simulate() -> dict[str, np.ndarray]:
    """All counts before the troubles: name -> whole numbers (155 leaves, 48 months), communes' own files likewise."""
    rng = np.random.Generator(np.random.PCG64(SEED))
    leaves = [row["unit"] for row in units() if row["unit"] != PROVINCE]
    n, dates = len(leaves), months()
    ability = normals(rng, (n,))
    speed = np.array([CAMPAIGNS.get(month, 0.75) for month in dates])
    tet = np.array([-0.08 if month in TET else 0.0 for month in dates])
    share = {name: climb(rng, name, ability=ability, speed=speed) for name in SHAPES}
    for name in ("filed", "paid"):  # over Tết people come to the counter
        share[name] = share[name] * np.exp(tet)
    out = {"received": volumes(rng, leaves)}
    out["resolved"] = draw(rng, out["received"], np.full((n, N_MONTHS), 0.97))
    out["filed"] = draw(rng, out["received"], share["filed"])
    both = np.minimum(out["filed"], out["resolved"])
    out["processed"] = draw(rng, both, share["processed"])
    out["full"] = draw(rng, out["processed"], np.minimum(1.0, share["full"] / share["processed"]))
    out["overdue"] = draw(rng, out["resolved"], share["overdue"])
    out["fee"] = draw(rng, out["received"], np.full((n, N_MONTHS), 0.4))
    out["paid"] = draw(rng, out["fee"], share["paid"])
    listed = np.where(np.array(dates) < DIGITISED_BREAK, 0.62, 1.0)
    out["results"] = draw(rng, out["resolved"], np.broadcast_to(listed, (n, N_MONTHS)))
    out["digitised"] = draw(rng, out["results"], share["digitised"] * np.where(listed < 1, 1.0, 0.8))
    out["reused"] = draw(rng, out["received"], share["reused"])
    return out | stocks(rng, share, leaves=leaves) | points(share)


def stocks(rng: np.random.Generator, share: dict, *, leaves: list[str]) -> dict[str, np.ndarray]:
    """What accumulates: procedures offered end to end, accounts activated, health books."""
    n = len(leaves)
    procedures = np.where([code[3] == "S" for code in leaves], 40 + np.rint(110 * rng.random(n)), 318).astype(int)
    listed = np.repeat(procedures[:, None], N_MONTHS, axis=1)
    offered = np.minimum(np.rint(1.015 * listed * np.maximum.accumulate(share["offered"], axis=1)).astype(int), listed)
    adults = np.rint(9000 * np.exp(0.45 * normals(rng, (n,))))
    adults[[leaves.index(code) for code in TINY]] = (610, 840, 395)
    years = np.array([int(month[:4]) - FIRST[0] for month in months()])
    eligible = np.rint(adults[:, None] * (1 + 0.008 * years)).astype(int)  # the population base changes once a year
    activated = np.rint(eligible[:, :1] * np.maximum.accumulate(share["vneid"], axis=1)).astype(int)
    books = np.rint(eligible[:, :1] * np.maximum.accumulate(share["books"], axis=1)).astype(int)
    return {"procedures": listed, "offered": offered, "eligible": eligible, "activated": activated, "books": books}


def points(share: dict) -> dict[str, np.ndarray]:
    """Hundredths of a point of the six components of the service index, from the same underlying shares."""
    parts = {
        "transparency": share["transparency"],
        "progress": np.clip(1 - 2.5 * share["overdue"], 0, 1),
        "online": np.minimum(1, 1.1 * share["filed"]),
        "payment": np.minimum(1, 1.15 * share["paid"]),
        "satisfaction": share["satisfaction"],
        "digitisation": np.minimum(1, 1.02 * share["digitised"]),
    }
    return {f"points_{name}": np.rint(100 * COMPONENTS[name] * part).astype(int) for name, part in parts.items()}


def plant(counts: dict[str, np.ndarray], *, leaves: list[str]) -> dict[str, np.ndarray]:
    """Plant the troubles that change figures (troubles.csv lists all of them); absent rows are left out by `gaps`."""
    out = {name: values.copy() for name, values in counts.items()}
    at, month = leaves.index, months().index
    jump = slice(month("2026-02"), None)  # counter clerks begin to file on behalf: not told to anyone
    row = at("099066")
    received = out["received"][row, jump]
    out["filed"][row, jump] = np.minimum(received, out["filed"][row, jump] + received // 2)
    for code, name, start, keep in (("099012", "activated", "2025-02", 94), ("099076", "books", "2026-04", 88)):
        cleaned = out[name][at(code), month(start) :]  # duplicate accounts removed: a cumulative count falls
        out[name][at(code), month(start) :] = cleaned * keep // 100
    row, december = at("099020"), month("2025-12")  # the year's end: filed on behalf for one month
    received = out["received"][row, december]
    out["filed"][row, december] = np.minimum(received, out["filed"][row, december] + received * 35 // 100)
    last = month("2026-09")  # far more desks just below 2 % late than just above
    near = out["overdue"][:, last] / np.maximum(out["resolved"][:, last], 1)
    heaped = np.flatnonzero((near > 0.02) & (near < 0.032) & (out["resolved"][:, last] > 150))[:HEAPED]
    out["overdue"][heaped, last] = out["resolved"][heaped, last] * 2 // 100
    out["paid"][at("099057"), month("2025-03")] = out["fee"][at("099057"), month("2025-03")] + 14  # over 100 %
    out["full"][at("099S12"), month("2024-09")] = out["resolved"][at("099S12"), month("2024-09")] + 3
    return out


def absent(file: str, unit: str, month: str) -> bool:
    """Whether `file` has no row for this unit and month: late, missing or newly reporting units."""
    gaps = {
        ("dossiers", "099023"): "2024-03" <= month <= "2024-05",
        ("accounts", "099023"): month == "2024-04",
        ("index", "099S09"): month == "2025-08",
        ("dossiers", "099S05"): month > "2026-07",
        ("index", "099S05"): month > "2026-07",
        ("accounts", "099088"): month > "2026-06",
    }
    return gaps.get((file, unit), False) or (unit == "099130" and month < "2026-07")


def dotted(value: int) -> str:
    """A whole number with dot thousands: 1.473."""
    return f"{value:,}".replace(",", ".")


def comma(hundredths: int) -> str:
    """Hundredths with a decimal comma: 8247 -> 82,47."""
    return f"{hundredths // 100},{hundredths % 100:02d}"


def dossier_rows(counts: dict[str, np.ndarray], *, names: dict[str, str], leaves: list[str]):
    """Monthly report of one-stop desks: semicolons, dot thousands, months as tháng 9/2026; two cells left blank."""
    columns = {
        "tong_tiep_nhan": "received", "phat_sinh_truc_tuyen": "filed", "da_giai_quyet": "resolved",
        "giai_quyet_truc_tuyen": "processed", "xu_ly_toan_trinh": "full", "qua_han": "overdue", "co_phi": "fee",
        "thanh_toan_truc_tuyen": "paid", "ket_qua": "results", "ket_qua_so_hoa": "digitised", "tai_su_dung": "reused",
    }  # fmt: skip
    yield ["ma_don_vi", "ten_don_vi", "thang", *columns]
    for column, month in enumerate(months()):
        for row, unit in enumerate(leaves):
            if absent("dossiers", unit, month):
                continue
            cells = [dotted(counts[name][row, column]) for name in columns.values()]
            if (unit, month) == ("099104", "2023-07"):
                cells[6] = cells[7] = ""
            yield [unit, names[unit], f"tháng {int(month[5:])}/{month[:4]}", *cells]


def account_rows(counts: dict[str, np.ndarray], *, names: dict[str, str], leaves: list[str]):
    """Police report on accounts by commune, until June 2025 by the communes of before: day of the month 30/09/2026."""
    yield "ma_xa ten_xa ngay dan_so_du_dieu_kien tai_khoan_kich_hoat so_suc_khoe".split()
    days = {"02": 28, "04": 30, "06": 30, "09": 30, "11": 30}
    old = former(counts, leaves=leaves)
    for column, month in enumerate(months()):
        day = 29 if month == "2024-02" else days.get(month[5:], 31)
        figures = [[int(one) for one in counts[name][:, column]] for name in ("eligible", "activated", "books")]
        found: dict[str, list] = {}
        for row, unit in enumerate(leaves) if month >= MERGED else ():
            if unit[3] != "S" and not absent("accounts", unit, month):
                found[unit] = [names[unit], *[figure[row] for figure in figures]]
        for one in old if month < MERGED else ():
            if absent("accounts", one["new"], month):
                continue
            row = leaves.index(one["new"])
            own = [figure[row] for figure in figures]
            if one["number"] <= TWO_PARTS:
                own = [parts_of(figure, one["number"])[one["part"]] for figure in own]
            before = found.setdefault(one["old"], [one["name"], 0, 0, 0])
            found[one["old"]] = [before[0], *[was + more for was, more in zip(before[1:], own)]]
        for unit, (name, *cells) in found.items():
            yield [unit, name, f"{day}/{month[5:]}/{month[:4]}", *map(dotted, cells)]


def crosswalk_rows(counts: dict[str, np.ndarray], *, leaves: list[str]):
    """Which share of every old commune went to which commune of today."""
    yield ["old", "new", "weight", "change"]
    for one in sorted(former(counts, leaves=leaves), key=lambda row: (row["old"], row["new"])):
        yield [one["old"], one["new"], "1" if one["weight"] == 100 else f"0.{one['weight']:02d}", MERGED]


def procedure_rows(counts: dict[str, np.ndarray], *, names: dict[str, str], leaves: list[str]):
    """List of procedures, counted: plain numbers, months as 2026-09."""
    yield "unit period eligible_procedures offered_end_to_end".split()
    for column, month in enumerate(months()):
        for row, unit in enumerate(leaves):
            if not absent("procedures", unit, month):
                yield [unit, month, counts["procedures"][row, column], counts["offered"][row, column]]


def index_rows(counts: dict[str, np.ndarray], *, names: dict[str, str], leaves: list[str]):
    """Service index in the manner of QĐ 766: score with decimal comma, place in the peer group, six components."""
    yield ["ma_don_vi", "ten_don_vi", "thang", "tong_diem", "xep_hang", *COMPONENTS]
    parts = np.stack([counts[f"points_{name}"] for name in COMPONENTS], axis=-1)
    score = parts.sum(axis=-1)
    others = np.linspace(5000, 9050, N_MONTHS) + 350 * normals(np.random.Generator(np.random.PCG64(SEED + 1)), (33, 1))
    for column, month in enumerate(months()):
        own = np.rint(parts[:, column].mean(axis=0)).astype(int)
        place = 1 + int((others[:, column] > own.sum()).sum())  # among 34 provinces
        yield [PROVINCE, names[PROVINCE], month, comma(own.sum()), place, *map(comma, own)]
        present = [row for row, unit in enumerate(leaves) if not absent("index", unit, month)]
        for row in present:
            peers = [one for one in present if (leaves[one][3] == "S") == (leaves[row][3] == "S")]
            place = 1 + int((score[peers, column] > score[row, column]).sum())  # ties share the better place
            unit, total = leaves[row], comma(score[row, column])
            yield [unit, names[unit], month, total, place, *map(comma, parts[row, column])]


def task_rows(names: dict[str, str]):
    """Tasks of 2026: eight a department, and the same ones in the province's own list; done is empty while open."""
    rng = np.random.Generator(np.random.PCG64(SEED + 2))
    departments = [unit for unit in names if unit[3:4] == "S"]
    diligence = np.rint(15 * normals(rng, (len(departments), 1)))  # days; an able department is early in all of them
    due = 45 + np.rint(300 * rng.random((len(departments), len(TASKS)))).astype(int)  # day of 2026
    delay = np.rint(diligence - 6 + 18 * normals(rng, due.shape)).astype(int)
    yield "task target unit name_vi name_en owner due done".split()
    for target, whole in (("TASK-2026", False), ("TASK-2026-T", True)):
        for row, unit in enumerate(departments):
            for column, (name, name_en) in enumerate(TASKS):
                until = NEW_YEAR + timedelta(days=int(due[row, column]))
                done = until + timedelta(days=int(delay[row, column]))
                days = until.isoformat(), done.isoformat() if done <= KNOWN_ON else ""
                code, listed = f"NV{unit[4:]}.{column + 1}", PROVINCE if whole else unit
                yield [code, target, listed, name, name_en, names[unit], *days]


def write(path: Path, rows, *, delimiter: str) -> None:
    """Write rows as UTF-8 CSV with LF line ends."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=delimiter, lineterminator="\n").writerows(rows)


def main(folder: Path) -> None:
    """Write every generated file into `folder`."""
    tree = units()
    names = {row["unit"]: row["name"] for row in tree}
    leaves = [row["unit"] for row in tree if row["unit"] != PROVINCE]
    counts = plant(simulate(), leaves=leaves)
    write(folder / "units.csv", [list(tree[0]), *(list(row.values()) for row in tree)], delimiter=",")
    for name, rows, delimiter in (
        ("dossiers.csv", dossier_rows, ";"),
        ("accounts.csv", account_rows, ","),
        ("procedures.csv", procedure_rows, ","),
        ("index_766.csv", index_rows, ";"),
    ):
        write(folder / name, rows(counts, names=names, leaves=leaves), delimiter=delimiter)
    write(folder / "crosswalk.csv", crosswalk_rows(counts, leaves=leaves), delimiter=",")
    write(folder / "tasks.csv", task_rows(names), delimiter=",")


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
