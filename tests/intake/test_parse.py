"""Numbers and dates as reports write them: every form of the source texts, and nothing that could mean two things."""

import datetime as dt
import math
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.intake.parse import Number, period_of, read_number, read_span
from analysis.words.periods import as_period, frequency_of

VI = [  # text, value
    ("1.473", 1473), ("11.255", 11255), ("704.828", 704828), ("1.234.567,5", 1234567.5), ("45,7", 45.7), ("0,4", 0.4),
    ("05 bước", 5), ("1.473 Tổ công nghệ số cộng đồng", 1473), ("63 tỉnh", 63), ("-1,5", -1.5), ("−1,5", -1.5), ("0", 0),  # noqa: E501
    ("92,80", 92.8), ("1,5 triệu", 1.5e6), ("2 tỷ đồng", 2e9), ("12 nghìn", 12e3), ("  7  ", 7), ("1\u00a0hồ sơ", 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), VI)
def test_a_vietnamese_number(text, value):
    assert read_number(text, numbers="vi") == Number(value=value) or read_number(text, numbers="vi").value == value


@pytest.mark.parametrize(("text", "value"), [("45,7%", 0.457), ("54,3 %", 0.543), ("100%", 1.0), ("98,62%", 0.9862)])
def test_per_cent_is_a_fraction(text, value):
    read = read_number(text, numbers="vi")
    assert read.value == pytest.approx(value, abs=1e-15) and read.percent


@pytest.mark.parametrize(
    ("text", "numerator", "denominator"),
    [
        ("46/126", 46, 126),
        ("21/46 nhiệm vụ", 21, 46),
        ("177/177", 177, 177),
        ("1.452/1.452 thôn", 1452, 1452),
        ("8 / 11", 8, 11),
    ],
)
def test_k_of_n_keeps_both_counts(text, numerator, denominator):
    read = read_number(text, numbers="vi")
    assert (read.numerator, read.denominator, read.value) == (numerator, denominator, numerator / denominator)


@pytest.mark.parametrize(
    ("text", "side", "value"),
    [
        ("gần 63.000", "upper", 63000), ("gần 63.000 hồ sơ", "upper", 63000), ("gần 50%", "upper", 0.5),
        ("dưới 1,8", "upper", 1.8), ("Gần 11.000 điểm cầu", "upper", 11000), ("<5", "upper", 5),
        ("trên 85%", "lower", 0.85), ("hơn 126.000 hồ sơ", "lower", 126000), ("trên 2.000 đại biểu", "lower", 2000),
        ("tối thiểu 80%", "lower", 0.8), ("ít nhất 3", "lower", 3), ("> 60%", "lower", 0.6),
    ],
)  # fmt: skip
def test_words_of_bounds_state_bounds(text, side, value):
    read = read_number(text, numbers="vi")
    assert getattr(read, side) == value and math.isnan(getattr(read, {"upper": "lower", "lower": "upper"}[side]))


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("22.8", "vi"),
        ("45.7%", "vi"),
        ("0.473", "vi"),
        ("1.4730", "vi"),
        ("1,473,000", "vi"),
        ("1.47.3", "vi"),
        ("15/7/2022", "none"),
        ("46/126%", "two_meanings"),
        ("gần 46/126", "two_meanings"),
        ("nhiều", "none"),
        ("12 tháng 3", "none"),
        ("nan", "none"), ("inf", "none"), ("1_000", "none"),
        ("１２", "vi"), ("#DIV/0!", "none"), ("=1+1", "none"),  # noqa: E501
    ],
)  # fmt: skip
def test_what_could_mean_two_things_is_refused(text, refused):
    assert read_number(text, numbers="vi").refused == refused


@pytest.mark.parametrize(
    ("text", "numbers", "value"),
    [
        ("1.473", "plain", 1.473),
        ("1e3", "plain", 1000),
        ("1,473.5", "en", 1473.5),
        ("1473", "en", 1473),
        ("78.4%", "en", 0.784),
    ],
)
def test_other_styles_are_read_as_declared(text, numbers, value):
    assert read_number(text, numbers=numbers).value == pytest.approx(value, abs=1e-15)


@pytest.mark.parametrize(
    ("text", "numbers"), [("1,473", "plain"), ("1.473,5", "en"), ("1,47", "en"), ("1.473.000", "plain")]
)
def test_a_number_of_another_style_is_refused(text, numbers):
    assert read_number(text, numbers=numbers).refused == numbers


def test_decomposed_letters_read_the_same():
    text = unicodedata.normalize("NFD", "gần 63.000 hồ sơ")
    assert read_number(text, numbers="vi").upper == 63000


def test_a_very_long_cell_is_refused_quickly():
    assert read_number("1" * 10_000, numbers="vi").refused == "long"
    assert read_number("." * 199, numbers="vi").refused


def write_vi(value: int, decimals: str) -> str:
    return f"{value:,}".replace(",", ".") + (f",{decimals}" if decimals else "")


@given(st.integers(0, 10**12), st.text("0123456789", max_size=6))
def test_every_number_written_in_vietnamese_is_read_back(value, decimals):
    read = read_number(write_vi(value, decimals), numbers="vi")
    assert read.value == float(f"{value}.{decimals or 0}") and not read.refused


@given(st.integers(0, 10**9), st.integers(1, 10**9))
def test_every_fraction_is_read_back(k, n):
    read = read_number(f"{write_vi(k, '')}/{write_vi(n, '')}", numbers="vi")
    assert (read.numerator, read.denominator) == (k, n)


@given(st.text(max_size=30), st.sampled_from(["plain", "vi", "en"]))
def test_any_text_is_read_or_refused_never_both(text, numbers):
    read = read_number(text, numbers=numbers)
    assert bool(read.refused) != (not math.isnan(read.value) or read.denominator == 0)


SPANS = [  # text, first day, last day
    ("15/7/2022", "2022-07-15", "2022-07-15"), ("04/4/2022", "2022-04-04", "2022-04-04"), ("11-2-2024", "2024-02-11", "2024-02-11"),  # noqa: E501
    ("ngày 9/8/2022", "2022-08-09", "2022-08-09"), ("6 tháng đầu năm 2022", "2022-01-01", "2022-06-30"),
    ("Quý III năm 2023", "2023-07-01", "2023-09-30"), ("quý I-2024", "2024-01-01", "2024-03-31"), ("quý 4/2023", "2023-10-01", "2023-12-31"),  # noqa: E501
    ("tháng 9/2023", "2023-09-01", "2023-09-30"), ("9/2023", "2023-09-01", "2023-09-30"), ("tháng 2 năm 2024", "2024-02-01", "2024-02-29"),  # noqa: E501
    ("năm 2025", "2025-01-01", "2025-12-31"), ("2025", "2025-01-01", "2025-12-31"), ("2022-07-15", "2022-07-15", "2022-07-15"),  # noqa: E501
    ("15 tháng 7 năm 2022", "2022-07-15", "2022-07-15"), ("9 tháng đầu năm 2023", "2023-01-01", "2023-09-30"), ("2022-Q3", "2022-07-01", "2022-09-30"),  # noqa: E501
    ("QUÝ IV/2023", "2023-10-01", "2023-12-31"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "start", "end"), SPANS)
def test_a_vietnamese_date_or_period(text, start, end):
    span = read_span(text, dates="vi")
    assert (span.start, span.end, span.refused) == (dt.date.fromisoformat(start), dt.date.fromisoformat(end), "")


@pytest.mark.parametrize(("text", "day"), [("22.8", "2023-08-22"), ("9/8", "2023-08-09"), ("6-9", "2023-09-06")])
def test_a_date_without_a_year_takes_the_declared_one_or_is_refused(text, day):
    assert read_span(text, dates="vi", year=2023).start == dt.date.fromisoformat(day)
    assert read_span(text, dates="vi").refused == "no_year"


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("31/2/2022", "day"), ("7/15/2022", "day"),
        ("13/2023", "month"), ("15/7/22", "none"),
        ("quý V/2023", "none"), ("15/7-2022", "none"),
        ("hôm qua", "none"), ("1/1/0999", "far"),
        ("44562", "none"), ("22.8.2023.", "none"),
    ],
)  # fmt: skip
def test_a_date_that_cannot_be_is_refused(text, refused):
    assert read_span(text, dates="vi").refused == refused


@pytest.mark.parametrize("text", ["1500-01", "1899-Q4", "2201", "2300-12", "9999-Q4"])
@pytest.mark.parametrize("dates", ["code", "vi"])
def test_a_period_of_another_age_is_refused_and_stops_nothing(text, dates):
    assert read_span(text, dates=dates).refused == "far"


@pytest.mark.parametrize("text", ["15/7/2022", "2022-7-5", "20220705", "2022-02-30", "2022-07-15T10:30:00"])
def test_iso_dates_are_only_iso_dates(text):
    assert read_span(text, dates="iso").refused


def test_midnight_is_a_date():
    assert read_span("2022-07-15 00:00:00", dates="iso").start == dt.date(2022, 7, 15)


@given(st.dates(dt.date(1900, 1, 1), dt.date(2200, 12, 31)), st.sampled_from("/.-"))
def test_every_day_is_read_back(day, mark):
    assert read_span(f"{day.day}{mark}{day.month}{mark}{day.year}", dates="vi").start == day
    assert read_span(day.isoformat(), dates="iso").start == day
    assert (
        day.replace(year=2024, day=min(day.day, 28))
        == read_span(f"{min(day.day, 28)}{mark}{day.month}", dates="vi", year=2024).start
    )


@given(st.text(max_size=30), st.sampled_from(["code", "iso", "vi"]), st.sampled_from([None, 2024]))
def test_any_text_is_a_span_or_refused(text, dates, year):
    span = read_span(text, dates=dates, year=year)
    assert bool(span.refused) == (span.start is None)
    if span.start:
        assert span.start <= span.end


@given(st.dates(dt.date(1990, 1, 2), dt.date(2100, 12, 31)), st.sampled_from("MQY"))
def test_a_day_lies_in_its_period_and_the_first_in_the_one_before(day, frequency):
    span = read_span(day.isoformat(), dates="iso")
    code, refused = period_of(span, frequency=frequency, rule="contains")
    period = as_period(code)
    assert not refused and frequency_of(code) == frequency
    assert period.start_time.date() <= day <= period.end_time.date()
    shifted = as_period(period_of(span, frequency=frequency, rule="first_is_month_before")[0])
    assert shifted == (as_period(code) if day.day != 1 else (dt_before(day, frequency)))


def dt_before(day: dt.date, frequency: str):
    before = day - dt.timedelta(days=1)
    return as_period(f"{before:%Y-%m}").asfreq(frequency)


@pytest.mark.parametrize(
    ("text", "frequency", "code"),
    [("6 tháng đầu năm 2022", "M", "2022-06"), ("9 tháng đầu năm 2022", "Q", "2022-Q3"), ("tháng 9/2023", "M", "2023-09"),  # noqa: E501
     ("2023", "Y", "2023"), ("15/7/2022", "Y", "2022"), ("quý III/2023", "Q", "2023-Q3")],
)  # fmt: skip
def test_a_span_is_the_period_of_its_indicator(text, frequency, code):
    assert period_of(read_span(text, dates="vi"), frequency=frequency, rule="contains") == (code, "")


@pytest.mark.parametrize(
    ("text", "frequency", "refused"),
    [("quý III/2023", "M", "not_M"), ("2023", "Q", "not_Q"),  # noqa: E501
     ("6 tháng đầu năm 2022", "Y", "not_Y"), ("9/2023", "Q", "not_Q")],  # noqa: E501
)  # fmt: skip
def test_a_span_of_another_frequency_is_refused(text, frequency, refused):
    assert period_of(read_span(text, dates="vi"), frequency=frequency, rule="contains") == ("", refused)


@pytest.mark.parametrize("numbers", ["plain", "vi", "en"])
def test_bare_digits_are_read_as_the_long_way_reads_them(numbers):
    for text in ("0", "7", "007", "1234567", "12", "9" * 199, "9" * 201, "٣", "²", "1 ", "+1", ""):
        marked = read_number(f"{text}\u00a0", numbers=numbers)  # a space more: never the short way
        assert repr(read_number(text, numbers=numbers))[:30] == repr(marked)[:30], text
