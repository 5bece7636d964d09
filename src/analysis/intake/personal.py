"""Files with what looks like personal data are refused, unless the source declares the column and drops it.

We need counts, never people. Looked for: twelve-digit citizen numbers, telephone numbers, e-mail addresses, and names
next to dates of birth. The scan reads every column, also those no measure uses.
"""

from __future__ import annotations

import re
import unicodedata

import pandas as pd

from analysis.words.errors import Problem, examples

MIN_HITS = 3  # distinct values in a column whose name says nothing; one is enough where the name gives it away
_START = r"(?<![0-9])(?<![0-9][.,])"  # neither inside a number nor the decimals of one
# first digit 0, province 001..096, century and sex 0..3, year, number (Circular 59/2021/TT-BCA on the citizen number)
_CITIZEN = re.compile(_START + r"0(?:0[1-9]|[1-8][0-9]|9[0-6])[0-3][0-9]{8}(?![0-9])")
_TWELVE = re.compile(_START + r"[0-9]{12}(?![0-9])")
_PHONE = re.compile(_START + r"(?:\+84[ .-]?|0)[35789](?:[ .-]?[0-9]){8}(?![0-9])")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_DAY = re.compile(r"(?:\d{1,2}[/.-]\d{1,2}[/.-](?:19|20)\d{2}|(?:19|20)\d{2}-\d{2}-\d{2})")
_CITIZEN_NAMES = re.compile(r"cccd|cmnd|cmtnd|dinh danh|citizen|national id|id number|can cuoc|chung minh|my ?number")
_PHONE_NAMES = re.compile(r"phone|mobile|dien thoai|sdt|\btel\b|di dong")
_NAME_NAMES = re.compile(
    r"ho ten|ho va ten|full ?name|ten cong dan|ten nguoi|person|citizen name|first ?name|last ?name|hoten"
)
_BIRTH_NAMES = re.compile(r"ngay sinh|nam sinh|birth|\bdob\b|ngaysinh")
_ALLOWED = "counts of people, never people"
_REMEDY = (
    "Remove it at the source, or name the column under `drop` in the source's file with a reason: it is then left out "
    "before anything else looks at it"
)
# the fourteen commonest family names, about nine in ten people
_FAMILY = re.compile(
    r"(?:nguyen|tran|le|pham|hoang|huynh|phan|vu|vo|dang|bui|do|ho|ngo)(?: [a-z]+){1,4}", re.IGNORECASE | re.ASCII
)


def check_personal(frame: pd.DataFrame, *, where: str) -> list[Problem]:
    """What looks like personal data, a problem a column; nothing of it is quoted."""
    problems, names, births = [], [], []
    for column in frame.columns:
        title = _flat(str(column))
        cells = frame[column]
        if pd.api.types.is_numeric_dtype(cells) and not _CITIZEN_NAMES.search(title):
            continue
        distinct = [str(one) for one in pd.unique(cells)]
        for what, pattern, telling in (
            ("citizen numbers (12 digits)", _TWELVE if _CITIZEN_NAMES.search(title) else _CITIZEN, _CITIZEN_NAMES),
            ("telephone numbers", _PHONE, _PHONE_NAMES),
            ("e-mail addresses", _EMAIL, None),
        ):
            hits = [row for row in distinct if pattern.search(row)]
            if len(hits) >= (1 if telling is not None and telling.search(title) else MIN_HITS):
                found = f"{len(hits)} distinct cells of the column {str(column)!r} look like {what}"
                problems.append(Problem(where, found, _ALLOWED, _REMEDY))
        if _BIRTH_NAMES.search(title) or _look_like_births(distinct):
            births.append(column)
        elif _NAME_NAMES.search(title) or _look_like_people(distinct):
            names.append(column)
    if names and births:
        found = f"the columns {examples([*names, *births])} look like names next to dates of birth"
        problems.append(Problem(where, found, _ALLOWED, _REMEDY))
    return problems


def _look_like_births(distinct: list[str]) -> bool:
    """Many days spread over many years, none of them recent practice of reporting dates."""
    days = [one for one in distinct if _DAY.fullmatch(one.strip())]
    years = {int(re.search(r"(?:19|20)\d{2}", one)[0]) for one in days}
    return len(days) >= 20 and len(days) >= len(distinct) / 2 and min(years) < 2000 and max(years) - min(years) >= 20


def _look_like_people(distinct: list[str]) -> bool:
    hits = sum(bool(_FAMILY.fullmatch(_flat(one))) for one in distinct[:2000])
    return hits >= MIN_HITS and hits >= 0.5 * min(len(distinct), 2000)


def _flat(text: str) -> str:
    """Lower case without diacritics, separators as spaces."""
    decomposed = unicodedata.normalize("NFD", text.lower().replace("đ", "d"))
    letters = "".join(one for one in decomposed if unicodedata.category(one) != "Mn")
    return re.sub(r"[\s_.-]+", " ", letters).strip()
