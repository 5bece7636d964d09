"""Plain YAML only: no dates, no octal codes, no key twice, nothing that grows."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.registry.entries import MAX_ALIASES, MAX_BYTES, MAX_ENTRIES, parse_yaml, read_yaml
from analysis.words.errors import AnalysisError, ParamsError


def said(text):
    with pytest.raises(ParamsError) as error:
        parse_yaml(text, where="a.yml")
    return [str(one) for one in error.value.problems]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("01", "01"),
        ("0o17", "0o17"),
        ("1_000", "1_000"),
        ("2022-12-31", "2022-12-31"),
        ("12:30:00", "12:30:00"),
        ("yes", "yes"),
        ("No", "No"),
        ("on", "on"),
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ("0.40", 0.4),
        ("1e3", "1e3"),
        (".5", 0.5),
        ("true", True),
        ("null", None),
        ("~", None),
        ("2022-12", "2022-12"),
        ("0x1F", "0x1F"),
        (".inf", ".inf"),
        ("'1.10'", "1.10"),
        ("<<", "<<"),
    ],
)
def test_a_scalar_is_what_it_looks_like(text, value):
    read = parse_yaml(f"key: {text}", where="a.yml")["key"]
    assert read == value and type(read) is type(value)


def test_a_whole_number_of_thousands_of_digits_is_refused_with_its_line():
    assert parse_yaml("a: -123456789012345678", where="x") == {"a": -123456789012345678}
    with pytest.raises(ParamsError, match="line 2: a whole number of 5000 digits"):
        parse_yaml("a: 1\nb: " + "9" * 5000, where="x")


def test_a_key_that_stands_twice_is_an_error():
    assert said("a: 1\nb: 2\na: 3") == [
        "a.yml: line 3: the key 'a' occurs twice (lines 1 and 3). "
        "Allowed: YAML: key: value, lists with '-', text quoted where it holds ': '. Correct that line."
    ]


def test_a_tag_is_refused_before_anything_is_built():
    assert said("a: !!python/object/apply:os.system [echo]") == [
        "a.yml: line 1: the tag 'tag:yaml.org,2002:python/object/apply:os.system'. Allowed: no tags. Remove the tag."
    ]
    assert said("a: !!timestamp 2022-01-01")[0].startswith("a.yml: line 1: the tag")
    assert said("!secret b: 1")[0].startswith("a.yml: line 1: the tag '!secret'")


def test_a_bomb_is_refused_quickly():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 10)]
    start = time.perf_counter()
    assert said("\n".join(lines)) == [
        "a.yml: line 2: an alias is inside an anchored entry. "
        f"Allowed: at most {MAX_ALIASES} aliases, not nested. Write the values out."
    ]
    assert time.perf_counter() - start < 1


def test_aliases_are_counted():
    assert f"more than {MAX_ALIASES} aliases" in said("a: &a x\nb: [" + ", ".join(["*a"] * (MAX_ALIASES + 1)) + "]")[0]
    assert parse_yaml("a: &a [1]\nb: *a", where="a.yml") == {"a": [1], "b": [1]}


def test_entries_are_counted():
    told = said("- 1\n" * (MAX_ENTRIES + 10))
    assert told[0].endswith("more than 300000 entries. Allowed: at most 300000. Keep data in CSV or Parquet.")


def test_depth_is_bounded():
    assert "entries nest deeper than 20" in said("[" * 30 + "]" * 30)[0]


@pytest.mark.parametrize("text", ["a: [1", "a: b: c", "\ta: 1", "a: 'x", "a: *nobody", "? [1, 2]\n: 3"])
def test_what_is_no_yaml_is_told_with_its_line(text):
    assert said(text)[0].startswith("a.yml: line ")


def test_a_file_that_is_missing_is_told_with_the_nearest_name(tmp_path):
    (tmp_path / "demo.yml").write_text("a: 1")
    with pytest.raises(ParamsError) as error:
        read_yaml(tmp_path / "dem.yml")
    assert str(error.value) == f"{tmp_path}/dem.yml: there is no such file. Did you mean 'demo.yml'?"


def test_a_file_that_is_too_large_or_not_text_is_refused(tmp_path):
    path = tmp_path / "a.yml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ParamsError, match="the file has 5000001 bytes. Allowed: at most 5000000"):
        read_yaml(path)
    path.write_bytes("a: tỉnh".encode("utf-16"))
    with pytest.raises(ParamsError, match="byte 0 is not UTF-8. Allowed: UTF-8. Save the file as UTF-8"):
        read_yaml(path)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_and_never_crashes(text):
    try:
        parse_yaml(text, where="a.yml")
    except AnalysisError as error:
        assert str(error).startswith("a.yml")
