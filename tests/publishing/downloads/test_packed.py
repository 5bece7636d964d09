"""A ZIP written again is the ZIP written afresh, whatever was there before; only what has not changed is copied."""

import json
import random
import zipfile

import pytest

from analysis.publishing.downloads import packed
from analysis.publishing.downloads.files import write_bytes, write_zip
from analysis.publishing.downloads.packed import note_of, remove_zip, repack_zip


@pytest.fixture
def added(monkeypatch):
    """Names of the members that were packed anew."""
    names, real = [], packed.add_member

    def add(archive, name, content, *, level):
        names.append(name)
        real(archive, name, content, level=level)

    monkeypatch.setattr(packed, "add_member", add)
    return names


def content(seed):
    return b"".join(b"%d," % random.Random(seed).randrange(10**6) for _ in range(500))


def members_of(folder, contents):
    return {name: write_bytes(folder / name, body) for name, body in contents.items()}


@pytest.mark.parametrize("seed", range(12))
def test_any_change_gives_the_bytes_of_a_fresh_zip_and_packs_only_what_changed(tmp_path, added, seed):
    chance = random.Random(seed)
    contents = {f"a/tệp {at}{chance.choice(['.csv', '.parquet'])}": content(at) for at in range(6)}
    path = repack_zip(tmp_path / "x.zip", members_of(tmp_path / "in", contents))
    for step in range(6):
        before, name = dict(contents), chance.choice(sorted(contents))
        kind = chance.choice(["change", "add", "remove", "swap", "none"])
        if kind == "change":
            contents[name] = content(100 * seed + step)
        elif kind == "add":
            contents[f"a/tệp {step}b.csv"] = content(step)
        elif kind == "remove" and len(contents) > 1:
            del contents[name]
        elif kind == "swap":
            other = chance.choice(sorted(contents))
            contents[name], contents[other] = contents[other], contents[name]
        added.clear()
        members = members_of(tmp_path / "in", contents)
        repack_zip(path, members)
        assert path.read_bytes() == write_zip(tmp_path / "fresh.zip", members).read_bytes()
        assert added == sorted(name for name in contents if contents[name] != before.get(name))
    assert zipfile.ZipFile(path).testzip() is None


def test_members_of_another_zip_are_copied_too_large_ones_as_well(tmp_path, added, monkeypatch):
    monkeypatch.setattr("analysis.publishing.downloads.files._SMALL", 1000)  # streamed
    members = members_of(tmp_path, {"a.csv": content(1), "b.csv": content(2), "c.csv": content(3)[:500]})
    early = repack_zip(tmp_path / "early.zip", {name: members[name] for name in ("b.csv", "c.csv")})
    added.clear()
    made = repack_zip(tmp_path / "x.zip", members, also=[early, tmp_path / "nothing.zip"])
    assert added == ["a.csv"]
    assert made.read_bytes() == write_zip(tmp_path / "fresh.zip", members).read_bytes()
    remove_zip(early)
    assert not early.exists() and not note_of(early).exists()


@pytest.mark.parametrize("what", ["zip", "note", "level", "member", "zlib", "foreign", "gone"])
def test_what_is_not_as_it_was_written_is_packed_anew(tmp_path, added, monkeypatch, what):
    members = members_of(tmp_path, {"a.csv": content(1), "b.csv": content(2)})
    path, level = repack_zip(tmp_path / "x.zip", members), 6
    note = json.loads(note_of(path).read_bytes())
    if what == "zip":  # one bit inside the packed bytes
        whole = bytearray(path.read_bytes())
        whole[60] ^= 1
        path.write_bytes(whole)
    elif what == "note":
        note_of(path).write_bytes(note_of(path).read_bytes()[:-40])
    elif what == "member":
        note["members"]["c.csv"] = note["members"].pop("a.csv")
        note_of(path).write_text(json.dumps(note))
    elif what == "foreign":
        note_of(path).write_text("[]")
    elif what == "gone":
        note_of(path).unlink()
    elif what == "zlib":
        monkeypatch.setattr(packed.zlib, "ZLIB_RUNTIME_VERSION", "another")
    else:
        level = 1
    added.clear()
    made = repack_zip(path, members, level=level).read_bytes()
    assert made == write_zip(tmp_path / "fresh.zip", members, level=level).read_bytes()
    assert added == ["a.csv", "b.csv"]


def test_a_zip_that_stands_is_left_alone(tmp_path, monkeypatch):
    members = members_of(tmp_path, {"a.csv": content(1)})
    path = repack_zip(tmp_path / "x.zip", members)
    monkeypatch.setattr(packed, "open_zip", None)
    assert repack_zip(path, members) == path


def test_members_in_the_64_bit_form_are_packed_anew(tmp_path, added, monkeypatch):
    monkeypatch.setattr(zipfile, "ZIP64_LIMIT", 3000)  # what lies behind it has its place in an extra field
    members = members_of(tmp_path, {f"{at}.parquet": content(at)[:1000] for at in range(5)})
    path = repack_zip(tmp_path / "x.zip", members)
    behind = [one.filename for one in zipfile.ZipFile(path).infolist() if one.extra]
    assert behind
    added.clear()
    members["0.parquet"].write_bytes(b"")
    repack_zip(path, members)
    assert path.read_bytes() == write_zip(tmp_path / "fresh.zip", members).read_bytes()
    assert added == sorted({"0.parquet", *behind})
