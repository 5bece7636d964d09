import os
import zipfile

import pytest

from analysis.publishing.downloads import files
from analysis.publishing.downloads.files import FIRST_TIME, files_below, placed, sha256_of, write_bytes, write_zip


def test_a_zip_depends_on_names_and_contents_only(tmp_path):
    file = write_bytes(tmp_path / "b.txt", b"two")
    first = write_zip(tmp_path / "1.zip", {"b.txt": file, "a/c.txt": b"one"})
    os.utime(file, (2_000_000_000, 2_000_000_000))
    file.chmod(0o600)
    second = write_zip(tmp_path / "2.zip", {"a/c.txt": b"one", "b.txt": file})
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == ["a/c.txt", "b.txt"]
        assert {one.date_time for one in archive.infolist()} == {FIRST_TIME}
        assert archive.read("b.txt") == b"two" and archive.testzip() is None


def test_first_names_come_first(tmp_path):
    made = write_zip(tmp_path / "x.zip", {"a": b"", "z": b""}, first=("z", "not there"))
    assert zipfile.ZipFile(made).namelist() == ["z", "a"]


def test_a_large_file_is_streamed_with_the_same_content(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "_SMALL", 10)
    content = bytes(range(256)) * 5000
    made = write_zip(tmp_path / "x.zip", {"large.bin": write_bytes(tmp_path / "large.bin", content), "small": b"1"})
    again = write_zip(tmp_path / "y.zip", {"large.bin": tmp_path / "large.bin", "small": b"1"})
    assert zipfile.ZipFile(made).read("large.bin") == content and made.read_bytes() == again.read_bytes()


def test_packed_formats_are_stored_and_text_is_compressed(tmp_path):
    made = write_zip(tmp_path / "x.zip", {"a.parquet": b"0" * 1000, "a.csv": b"0" * 1000})
    kinds = {one.filename: one.compress_type for one in zipfile.ZipFile(made).infolist()}
    assert kinds == {"a.parquet": zipfile.ZIP_STORED, "a.csv": zipfile.ZIP_DEFLATED}


def test_nothing_half_is_left_when_writing_fails(tmp_path):
    target = write_bytes(tmp_path / "a.txt", b"old")
    with pytest.raises(OSError, match="full"), placed(target) as beside:
        beside.write_bytes(b"half")
        raise OSError("disk full")
    assert target.read_bytes() == b"old" and [one.name for one in tmp_path.iterdir()] == ["a.txt"]


def test_a_missing_member_leaves_no_zip(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_zip(tmp_path / "x.zip", {"a": tmp_path / "nothing"})
    assert list(tmp_path.iterdir()) == []


def test_files_below_leaves_out_hidden_files_links_and_named_endings(tmp_path):
    for name in ("b/c.txt", "a.txt", ".hidden", ".git/x", "old.zip"):
        write_bytes(tmp_path / name, b"1")
    (tmp_path / "link.txt").symlink_to("/etc/passwd")
    (tmp_path / "up").symlink_to(tmp_path.parent)
    assert list(files_below(tmp_path, leave_out=(".zip",))) == ["a.txt", "b/c.txt"]


def test_the_hash_is_that_of_sha256sum(tmp_path):
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-4, "abc"
    assert sha256_of(write_bytes(tmp_path / "abc", b"abc")) == digest
