"""Files with personal data are refused with an explanation that quotes none of it."""

import pandas as pd
import pytest

from analysis.intake.prepare import check_personal
from analysis.words.errors import DataError
from intake.factory import read_project

REMEDY = (
    "Allowed: counts of people, never people. Remove it at the source, or name the column under `drop` in the source's file with a "  # noqa: E501
    "reason: it is then left out before anything else looks at it."
)


def told(frame):
    return [str(one) for one in check_personal(pd.DataFrame(frame), where="a.csv")]


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        ({"x": ["001099012345", "079203001234", "052301999999"]}, "3 distinct cells of the column 'x' look like citizen numbers (12 digits)"),  # noqa: E501
        ({"Số CCCD": ["123456789012"]}, "1 distinct cells of the column 'Số CCCD' look like citizen numbers (12 digits)"),  # noqa: E501
        ({"citizen_id": [123456789012, 5]}, "1 distinct cells of the column 'citizen_id' look like citizen numbers (12 digits)"),  # noqa: E501
        ({"note": ["ông A, CCCD 001099012345", "bà B (079203001234)", "052301999999."]},
         "3 distinct cells of the column 'note' look like citizen numbers (12 digits)"),
        ({"x": ["0912345678", "0356 789 012", "+84 912 345 678"]}, "3 distinct cells of the column 'x' look like telephone numbers"),  # noqa: E501
        ({"SĐT": ["0912345678"]}, "1 distinct cells of the column 'SĐT' look like telephone numbers"),
        ({"x": ["a@b.vn", "c.d@e.gov.vn", "f@g.com"]}, "3 distinct cells of the column 'x' look like e-mail addresses"),
        ({"Họ và tên": ["Nguyễn Văn A"], "Ngày sinh": ["1/2/1990"]},
         "the columns 'Họ và tên', 'Ngày sinh' look like names next to dates of birth"),
        ({"a": ["Nguyễn Văn An", "Trần Thị Bình", "Lê Hoàng"] * 10, "b": [f"{n % 28 + 1}/3/{1950 + 2 * n}" for n in range(30)]},  # noqa: E501
         "the columns 'a', 'b' look like names next to dates of birth"),
    ],
)  # fmt: skip
def test_what_looks_like_people_is_refused_and_not_quoted(frame, found):
    assert told(frame) == [f"a.csv: {found}. {REMEDY}"]


@pytest.mark.parametrize(
    "frame",
    [
        {"unit": ["001", "079"], "filed": ["123456789012", "304374211672"]},  # amounts of twelve digits
        {"unit": ["011002", "133817"], "as_of": ["2022-03-01", "2022-02-01"]},
        {"name": ["Xã Lê Lợi", "Phường Trần Phú", "Nguyễn Huệ"], "as_of": ["1/3/2024", "1/4/2024", "1/5/2024"]},
        {"filed": [912345678, 123456789012]},
        {"unit": ["000000000001", "000000000002", "000000000003"]},  # no province 000
        {"value": ["0.0351234567", "0.0912345678", "1.0812345678"]},  # decimals of shares
        {"value": ["0.001099012345", "0,079203001234", "0.052301999999"]},
        {"x": ["0912345678"]},  # one alone may be anything
        {"leader": ["Nguyễn Văn An", "Trần Thị Bình", "Lê Hoàng"]},  # names without dates of birth: officials
    ],
)
def test_figures_codes_and_places_are_not_people(frame):
    assert told(frame) == []


def test_a_declared_column_is_dropped_before_anything_looks_at_it(tmp_path):
    csv = "unit,period,filed,all,cccd\n01,2024-01,40,100,001099012345\n"
    with pytest.raises(DataError) as error:
        read_project(tmp_path / "a", csv=csv)
    assert "001099012345" not in str(error.value) and "'cccd' look like citizen numbers" in str(error.value)
    drop = {"drop": [{"column": "cccd", "reason": "the counter's own log; we count rows only"}]}
    inputs = read_project(tmp_path / "b", csv=csv, source=drop)
    assert inputs.sources[0]["rows_used"] == 1
