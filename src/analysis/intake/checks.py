"""The quality register: what was noticed in the figures, by code, with the raw value and its row.

Severity "error" means that a row was refused, "warning" that a reader should look, "info" that it is so and known.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

import pandas as pd

from analysis.words.schema import QUALITY, as_table

SEVERITIES = ("error", "warning", "info")
COLUMNS = ("unit", "indicator", "period", "flag", "found", "source")


@dataclass(frozen=True)
class Flag:
    """What a code means, in both languages, and what to do where something can be done."""

    severity: str
    en: str
    vi: str
    remedy: str = ""


FLAGS = MappingProxyType(
    {
        # rows that are refused
        "unreadable_number": Flag("error", "a number cannot be read", "không đọc được số",
                                  "Mend the cell, or state `numbers` and `missing` in the source's file"),
        "unreadable_period": Flag("error", "a period cannot be read", "không đọc được kỳ số liệu",
                                  "Mend the cell, or state `dates` and `year` in the source's file"),
        "unknown_unit": Flag("error", "the unit is not in the list", "đơn vị không có trong danh mục",
                             "Correct the code, or add the unit to the list"),
        "unmatched_name": Flag("error", "the unit's name fits no unit, or several",
                               "tên đơn vị không khớp hoặc khớp nhiều đơn vị",
                               "Write the code, or the parent beside the name (`columns.parent`)"),
        "not_rebased": Flag("error", "the figure of an old unit cannot be carried over",
                            "không chuyển được số liệu của đơn vị cũ",
                            "Take numerators and denominators, or correct the crosswalk"),
        "unknown_indicator": Flag("error", "the indicator is not in the list", "chỉ tiêu không có trong danh mục",
                                  "Correct the code, add the indicator, or name it under `ignore_indicators`"),
        "missing_code": Flag("error", "the unit's code is missing", "thiếu mã đơn vị",
                             "Add the code at the source, or a correction in the source's file"),
        "numerator_above_denominator": Flag("error", "the numerator is above the denominator", "tử số lớn hơn mẫu số",
                                            "Correct one of the two at the source"),
        "above_maximum": Flag("error", "the value is above what is possible", "giá trị vượt mức tối đa",
                              "If the source reports per cent, set `percent: true` in the measure"),
        "below_minimum": Flag("error", "the value is below what is possible", "giá trị dưới mức tối thiểu",
                              "Correct it at the source"),
        "missing_denominator": Flag("error", "a rate has a numerator and no denominator", "tỷ lệ thiếu mẫu số",
                                    "Name the denominator's column in the measure"),
        "duplicate_key": Flag("error", "two rows of one unit and period disagree", "hai dòng cùng kỳ khác số liệu",
                              "Keep one of them; or `several_dates: last` where they are dated"),
        # figures that are used, and to be looked at
        "mended_code": Flag("warning", "a missing unit code was filled in", "đã bổ sung mã đơn vị bị thiếu"),
        "missing_period": Flag("warning", "a period is missing", "thiếu kỳ số liệu"),
        "late_unit": Flag("warning", "the latest period has not come in", "chưa có số liệu kỳ mới nhất"),
        "empty_unit": Flag("warning", "the unit has no figure at all", "đơn vị chưa có số liệu"),
        "falling_cumulative": Flag("warning", "a cumulative figure falls", "số lũy kế giảm"),
        "level_jump": Flag("warning", "the level jumps and stays", "mức số liệu thay đổi đột ngột",
                           "Check the definition; declare a break where it changed"),
        "zero_run": Flag("warning", "a run of zeros that may mean 'not measured'", "chuỗi số 0, có thể là chưa đo",
                         "Declare it under `not_measured` where it is so"),
        "missing_unit_in_sum": Flag("warning", "a sum lacks one of its units", "tổng thiếu đơn vị thành phần"),
        "sum_differs": Flag("warning", "a reported total is not the sum of its parts", "số tổng khác tổng các đơn vị"),
        "value_differs": Flag("warning", "a stated rate is not its fraction", "tỷ lệ khác tử số chia mẫu số"),
        "fraction_in_count": Flag("warning", "a count is not a whole number", "số đếm không phải số nguyên",
                                  "State how the source writes numbers"),
        "parent_changed": Flag("warning", "the unit stands under two parents", "đơn vị thuộc hai cấp trên"),
        "rebased_partial": Flag("warning", "a sum of old units lacks one of them", "tổng các đơn vị cũ bị thiếu"),
        "split_estimated": Flag("warning", "part of an old unit, divided evenly for want of a better weight",
                                "chia đều số liệu của đơn vị cũ, do chưa có tỷ trọng"),
        # known and harmless
        "rebased": Flag("info", "added up from units that no longer exist", "cộng từ các đơn vị cũ"),
        "merger": Flag("info", "first own figure of a merged or divided unit", "kỳ đầu sau sáp nhập, chia tách"),
        "corrected": Flag("info", "corrected by a stated correction", "đã hiệu chỉnh theo ghi chú"),
        "not_measured": Flag("info", "declared as not measured", "đã khai báo là chưa đo"),
        "bound_only": Flag("info", "the source states only a bound", "nguồn chỉ nêu giới hạn"),
        "several_dates": Flag("info", "two dates in one period; the last is used", "hai ngày một kỳ, dùng ngày sau"),
        "repeated_row": Flag("info", "a row stands twice with the same figures", "dòng lặp lại"),
        "zero_denominator": Flag("info", "nothing to count: the denominator is 0", "mẫu số bằng 0"),
        "tiny_denominator": Flag("info", "fewer than 30 cases a period", "dưới 30 hồ sơ mỗi kỳ"),
        "falling_share": Flag("info", "the share falls because its base grew", "tỷ lệ giảm do mẫu số tăng"),
        "closed_unit": Flag("info", "the unit stopped reporting", "đơn vị ngừng báo cáo"),
        "name_changed": Flag("info", "the unit is written in several ways", "tên đơn vị viết khác nhau"),
        "break": Flag("info", "a declared break in the series", "chuỗi số liệu gián đoạn (đã khai báo)"),
    }
)  # fmt: skip


def finding(frame: pd.DataFrame, *, flag: str, found: object, source: str) -> pd.DataFrame:
    """Findings of one kind, a row for each row of `frame` (columns `unit`, `indicator`, `period`; missing ones are "").

    Parameters
    ----------
    frame : DataFrame
    flag : str
        A code of `FLAGS`.
    found : str or Series
        The raw value and where it stands.
    source : str

    Returns
    -------
    DataFrame
        Columns `COLUMNS`.

    Raises
    ------
    KeyError
        If `flag` is no code of `FLAGS`: our mistake, not the user's.
    """
    FLAGS[flag]
    out = pd.DataFrame({name: frame[name] if name in frame else "" for name in ("unit", "indicator", "period")})
    return out.assign(flag=flag, found=found, source=source)[list(COLUMNS)]


def as_quality(parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """All findings as `schema.QUALITY`; several of one key become one row that tells them all.

    Returns
    -------
    DataFrame
    """
    parts = [one for one in parts if len(one)]
    if not parts:
        return QUALITY.empty()
    frame = pd.concat(parts, ignore_index=True)
    for name in ("unit", "indicator", "period"):
        frame[name] = frame[name].astype(object).where(frame[name].notna(), "")
    key = ["unit", "indicator", "period", "flag"]
    twice = frame.duplicated(key, keep=False)
    if twice.any():
        merged = frame[twice].groupby(key, sort=False, as_index=False).agg({"found": _told, "source": "first"})
        frame = pd.concat([frame[~twice], merged], ignore_index=True)
    frame["severity"] = frame["flag"].map({code: flag.severity for code, flag in FLAGS.items()})
    return as_table(frame, QUALITY, where="quality")


def _told(found: pd.Series) -> str:
    told = list(dict.fromkeys(found))
    return "; ".join(told[:5]) + (f" and {len(told) - 5} more" if len(told) > 5 else "")
