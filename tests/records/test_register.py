"""The register: a chain of publications in which nothing can be edited, deleted, reordered or cut off unnoticed."""

import hashlib
import json

import pandas as pd
import pytest

from analysis.records import register as module
from analysis.records.register import Register, origin_of
from analysis.words import schema
from analysis.words.errors import DataError, PublishError
from analysis.words.schema import as_table


def tables(p, *, vintage="2026-07-03"):
    rows = {"unit": ["1", "2"], "target": "T", "cutoff": "2026-06", "status": ["likely", "unlikely"], "p_attain": p}
    ahead = {"unit": "1", "indicator": "i", "cutoff": "2026-06", "horizon": [1, 3, 4], "quantile_level": 0.5}
    seen = {"unit": "1", "indicator": "i", "period": "2026-06", "vintage": [vintage], "value": 0.5}
    return {
        "assessments": as_table(pd.DataFrame(rows), schema.ASSESSMENTS),
        "forecasts": as_table(pd.DataFrame(ahead).assign(predicted=0.6), schema.FORECASTS),
        "observations": as_table(pd.DataFrame(seen), schema.OBSERVATIONS),
        "indicators": as_table(pd.DataFrame({"indicator": ["i"]}), schema.INDICATORS),
    }


def manifest(cutoff, name):
    return {"cutoff": cutoff, "tables": {"assessments": name}, "params": {"simulated": True}}


def publish(register, cutoff, *, p=(0.6, 0.1), on, name=None, vintage="2025-01-01"):
    found = manifest(cutoff, name or f"{cutoff} {p}")
    entry = register.next_entry(found, tables(list(p), vintage=vintage), published_on=on)
    register.append(entry)
    return entry


@pytest.fixture
def register(tmp_path):
    found = Register(tmp_path, "demo")
    publish(found, "2025-12", on="2026-01-05")
    publish(found, "2026-03", p=(0.7, 0.2), on="2026-04-05")
    publish(found, "2026-06", p=(0.8, 0.3), on="2026-07-05")
    return found


def test_an_entry_names_the_hash_of_the_one_before_and_its_own(register):
    lines = [json.loads(line) for line in register.path.read_text().splitlines()]
    assert [line["previous"] for line in lines] == ["", lines[0]["hash"], lines[1]["hash"]]
    content = {name: value for name, value in lines[2].items() if name not in ("hash", "seal")}
    text = json.dumps(content, ensure_ascii=False, sort_keys=True)  # recomputed without the product
    assert lines[2]["hash"] in {hashlib.sha256(form.encode()).hexdigest() for form in (text, json_compact(content))}
    assert lines[2]["seal"].replace("-", "") == lines[2]["hash"][:16]


def json_compact(content):
    return json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def test_what_was_said_is_read_back_by_cutoff_the_last_edition_of_each(register):
    publish(register, "2026-06", p=(0.9, 0.4), on="2026-07-09", name="second")
    past = register.past(before="2026-09")
    assert list(past) == ["2025-12", "2026-03", "2026-06"]
    assert past["2026-06"].assessments["p_attain"].tolist() == [0.9, 0.4]
    assert (past["2026-06"].entry.edition, past["2026-06"].entry.number) == (2, 4)
    assert past["2026-06"].forecasts["horizon"].tolist() == [1, 3]  # the next quarter
    assert list(register.past(before="2026-06")) == ["2025-12", "2026-03"]


def test_the_same_run_published_twice_is_one_entry(register):
    before = register.path.read_bytes()
    publish(register, "2026-06", p=(0.8, 0.3), on="2026-08-01")
    assert register.path.read_bytes() == before


@pytest.mark.parametrize(
    ("alter", "named"),
    [
        (lambda lines: [lines[0], lines[1].replace("2026-04-05", "2026-04-06"), lines[2]], "entry 2 was edited"),
        (lambda lines: [lines[0], lines[2]], "entry 3 does not follow"),
        (lambda lines: [lines[1], lines[0], lines[2]], "entry 2 does not follow"),
        (lambda lines: [*lines[:2], lines[2][:50]], "it is not an entry"),
        (lambda lines: ["[]", *lines[1:]], "it is not an entry"),
    ],
)
def test_an_edited_deleted_reordered_or_torn_entry_is_named(register, alter, named):
    register.path.write_text("\n".join(alter(register.path.read_text().splitlines())) + "\n")
    with pytest.raises(DataError, match=named):
        register.entries()
    with pytest.raises(DataError, match=named):
        publish(register, "2026-09", on="2026-10-05")


def test_an_entry_edited_with_its_hashes_made_to_fit_no_longer_has_the_seal_on_paper(register):
    seals = [entry.seal for entry in register.entries()]
    lines = [json.loads(line) for line in register.path.read_text().splitlines()]
    forged, before = [], ""
    for line in lines:
        line = {name: value for name, value in line.items() if name not in ("hash", "seal")} | {"previous": before}
        entry = module.Entry(**(line | ({"published_on": "2026-04-01"} if line["number"] == 2 else {})))
        before = entry.hash
        forged.append(entry.line())
    register.path.write_text("\n".join(forged) + "\n")
    register.entries()  # consistent in itself
    assert register.find(seals[0]).number == 1
    for seal in seals[1:]:
        with pytest.raises(DataError, match=f"no entry has the seal '{seal}'"):
            register.find(seal)


def test_a_seal_is_found_as_it_is_typed_from_paper(register):
    entry = register.entries()[1]
    for typed in (entry.seal, entry.seal.upper(), entry.seal.replace("-", " "), entry.hash[:16]):
        assert register.find(typed) == entry


def test_a_register_cut_off_at_its_end_is_noticed_by_what_went_out(register):
    last = register.entries()[-1]
    register.record_pages(last, "f" * 64)
    register.record_pages(last, "f" * 64)
    assert len(register.pages.read_text().splitlines()) == 1
    register.path.write_text("\n".join(register.path.read_text().splitlines()[:2]) + "\n")
    with pytest.raises(DataError, match="files went out with entry 3, which the register does not hold"):
        register.entries()


@pytest.mark.parametrize("how", ["altered", "missing"])
def test_kept_probabilities_that_were_altered_are_named(register, how):
    path = register.folder / f"{register.entries()[1].kept['assessments']}.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x") if how == "altered" else path.unlink()
    with pytest.raises(DataError, match=f"the assessments of entry 2 (are|were) {how}"):
        register.past(before="2026-09")


def test_a_clock_set_back_is_refused(register):
    with pytest.raises(PublishError, match="today is 2026-07-01, but entry 3 is of 2026-07-05"):
        publish(register, "2026-09", on="2026-07-01")


def test_an_entry_that_another_publication_overtook_is_not_appended(register):
    late = register.next_entry(manifest("2026-09", "late"), tables([0.1, 0.2]), published_on="2026-10-06")
    publish(register, "2026-09", on="2026-10-05")
    before = register.path.read_bytes()
    with pytest.raises(PublishError, match="another publication came first"):
        register.append(late)
    assert register.path.read_bytes() == before


def test_a_quarter_computed_long_after_is_never_called_published(register):
    assert publish(register, "2026-09", on="2026-10-05").origin == "published"
    assert publish(register, "2024-09", on="2026-10-05").origin == "recomputed"
    assert origin_of("2026-09", published_on="2026-12-31", known_on="") == "published"
    assert origin_of("2026-09", published_on="2027-01-01", known_on="") == "recomputed"
    assert origin_of("2026-09", published_on="2026-10-05", known_on="2026-10-06") == "recomputed"


def test_what_a_killed_publication_left_half_written_is_removed(register):
    left = [register.folder / "..table.parquet.77.part", register.path.with_name(".demo.jsonl.78.part")]
    for path in left:
        path.write_text("half")
    publish(register, "2026-09", on="2026-10-05")
    assert not any(path.exists() for path in left)


def test_without_a_file_the_register_is_empty(tmp_path):
    assert Register(tmp_path, "none").entries() == [] and Register(tmp_path, "none").past(before="2026-09") == {}
    with pytest.raises(DataError, match="no entry has the seal"):
        Register(tmp_path, "none").find("0000")
