import hashlib
import json
from dataclasses import replace

import pytest

from analysis.publishing import keys
from analysis.publishing.jobs import PageJob, PageResult


@pytest.fixture
def job(tmp_path):
    (tmp_path / "unit.ipynb").write_text("{}")
    (tmp_path / "lock").write_text("a==1")
    keys.file_hash.cache_clear()
    return PageJob("units/a.html", tmp_path / "unit.ipynb", {"unit": "a", "run_dir": "/x"}, {"language": "vi"}, "rows")


def key_of(job, **options):
    keys.file_hash.cache_clear()
    return keys.page_key(keys.page_parts(job, **options))


def test_the_same_job_has_the_same_key_wherever_its_run_lies(job):
    assert key_of(job) == key_of(replace(job, parameters={"unit": "a", "run_dir": "/elsewhere"}))


def test_whatever_a_page_shows_is_in_its_key(job, tmp_path, monkeypatch):
    seen = {key_of(job, lock_file=tmp_path / "lock")}

    def is_new(key):
        assert key not in seen
        seen.add(key)

    is_new(key_of(replace(job, inputs_hash="other rows"), lock_file=tmp_path / "lock"))
    is_new(key_of(replace(job, parameters={"unit": "b"}), lock_file=tmp_path / "lock"))
    is_new(key_of(replace(job, context={"language": "en"}), lock_file=tmp_path / "lock"))
    is_new(key_of(replace(job, page="units/b.html"), lock_file=tmp_path / "lock"))
    (tmp_path / "lock").write_text("a==2")
    is_new(key_of(job, lock_file=tmp_path / "lock"))
    (tmp_path / "unit.ipynb").write_text("{ }")
    is_new(key_of(job, lock_file=tmp_path / "lock"))
    monkeypatch.setattr(keys, "code_hash", lambda: "other code")
    is_new(key_of(job, lock_file=tmp_path / "lock"))
    monkeypatch.setattr(keys, "environment", lambda: {"numpy": "9"})
    is_new(key_of(job, lock_file=tmp_path / "lock"))


def test_code_templates_styles_and_words_are_in_the_code_hash(tmp_path, monkeypatch):
    monkeypatch.setattr(keys, "CODE", tmp_path)
    hashes = set()
    for name in ("a.py", "t/page.html.j2", "t/page.css", "l/candich.po", "a.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(str(len(hashes)))
        keys.code_hash.cache_clear()
        hashes.add(keys.code_hash())
    keys.code_hash.cache_clear()
    assert len(hashes) == 5


def test_unknown_inputs_are_never_unchanged(job, tmp_path):
    assert key_of(replace(job, inputs_hash="")) == ""
    assert not keys.still_good({"key": "", "status": "published"}, "", run_dir=tmp_path, job=job)


@pytest.fixture
def made(job, tmp_path):
    page, notebook = tmp_path / "site/units/a.html", tmp_path / "notebooks/units/a.ipynb"
    for path in (page, notebook):
        path.parent.mkdir(parents=True)
        path.write_text("whole")
    entry = {"key": "k", "status": "published", "sha256": hashlib.sha256(b"whole").hexdigest()}
    return page, notebook, entry


def test_a_page_that_stands_whole_is_good(job, made, tmp_path):
    assert keys.still_good(made[2], "k", run_dir=tmp_path, job=job)


def test_a_page_that_was_touched_failed_or_lost_is_not(job, made, tmp_path):
    page, notebook, entry = made
    for wrong in (None, {**entry, "status": "failed"}, {**entry, "key": "l"}, {**entry, "sha256": "0"}):
        assert not keys.still_good(wrong, "k", run_dir=tmp_path, job=job)
    notebook.unlink()
    assert not keys.still_good(entry, "k", run_dir=tmp_path, job=job)
    notebook.write_text("x")
    page.write_text("half")
    assert not keys.still_good(entry, "k", run_dir=tmp_path, job=job)
    page.unlink()
    assert not keys.still_good(entry, "k", run_dir=tmp_path, job=job)


def test_the_journal_keeps_the_last_word_and_passes_over_torn_lines(tmp_path):
    result = PageResult("units/a.html", "a\udc80", "unit.ipynb", "published", key="k1")
    lines = [keys.journal_line(result, {}), keys.journal_line(replace(result, key="k2"), {}), '{"page": "b.ht', "\n7\n"]
    (tmp_path / "pages.jsonl").write_text("".join(lines), encoding="utf-8")
    found = keys.read_journal(tmp_path)
    assert list(found) == ["units/a.html"] and found["units/a.html"]["key"] == "k2"
    keys.write_journal(tmp_path, found)
    assert len((tmp_path / "pages.jsonl").read_text().splitlines()) == 1
    assert json.loads((tmp_path / "pages.jsonl").read_text())["unit"] == "a\udc80"


def test_no_journal_is_an_empty_one(tmp_path):
    assert keys.read_journal(tmp_path) == {}
