import errno
import os
import tracemalloc
import zipfile

import pytest

from analysis.publishing.downloads.texts import FIRST_TIME, write_archive, write_zip
from analysis.words.errors import PublishError
from analysis.words.files import write_file


def written(path, content):
    write_file(path, content)
    return path


def make_site(folder, *, n_pages=3):
    for at in range(n_pages):
        write_file(folder / "units" / f"{at:04d}.html", f"<p>{at}</p>" * 50)
    write_file(folder / "index.html", "index")
    return folder


def test_folders_and_files_go_under_their_names_in_order(tmp_path):
    site = make_site(tmp_path / "site")
    manifest = written(tmp_path / "manifest.json", b"{}")
    made = write_archive({"site": site, "manifest.json": manifest}, tmp_path / "run.zip")
    names = ["manifest.json", "site/index.html", *[f"site/units/{at:04d}.html" for at in range(3)]]
    assert zipfile.ZipFile(made).namelist() == names


def test_the_archive_may_lie_in_the_folder_and_is_the_same_the_second_time(tmp_path):
    site = make_site(tmp_path)
    first = write_archive({"": site}, site / "downloads" / "run.zip").read_bytes()
    assert write_archive({"": site}, site / "downloads" / "run.zip").read_bytes() == first


def test_the_order_of_making_the_files_does_not_matter(tmp_path):
    one, two = make_site(tmp_path / "1"), tmp_path / "2"
    for path in sorted((one / "units").iterdir(), reverse=True):
        write_file(two / "units" / path.name, path.read_bytes())
    write_file(two / "index.html", b"index")
    made = [write_archive({"site": folder}, tmp_path / f"{folder.name}.zip").read_bytes() for folder in (one, two)]
    assert made[0] == made[1]


def test_hidden_files_links_and_other_zips_are_left_out(tmp_path):
    site = make_site(tmp_path / "site", n_pages=0)
    for name in (".hidden", ".folder/a.txt", "downloads/old.zip"):
        write_file(site / name, b"x")
    (site / "link.html").symlink_to(site / "index.html")
    (site / "linked").symlink_to(site / "downloads", target_is_directory=True)
    assert zipfile.ZipFile(write_archive({"": site}, tmp_path / "x.zip")).namelist() == ["index.html"]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(PublishError, match="nothing: the file or folder is missing"):
        write_archive({"site": tmp_path / "nothing"}, tmp_path / "run.zip")


def test_a_failed_archive_leaves_the_earlier_one_in_place(tmp_path, monkeypatch):
    site, old = make_site(tmp_path / "site"), written(tmp_path / "run.zip", b"old")

    def full(*_arguments, **_options):
        raise OSError(errno.ENOSPC, "disk full")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(OSError, match="disk full"):
        write_archive({"site": site}, old)
    assert old.read_bytes() == b"old" and sorted(path.name for path in tmp_path.iterdir()) == ["run.zip", "site"]


def test_a_zip_depends_on_names_and_contents_only(tmp_path):
    file = written(tmp_path / "b.txt", b"two")
    first = write_zip({"a/c.txt": b"one", "b.txt": file}, tmp_path / "1.zip")
    os.utime(file, (2_000_000_000, 2_000_000_000))
    file.chmod(0o600)
    second = write_zip({"a/c.txt": b"one", "b.txt": file}, tmp_path / "2.zip")
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as archive:
        assert archive.namelist() == ["a/c.txt", "b.txt"]
        assert {member.date_time for member in archive.infolist()} == {FIRST_TIME}
        assert archive.read("b.txt") == b"two" and archive.testzip() is None


def test_compressed_formats_are_stored_and_text_is_compressed(tmp_path):
    made = write_zip({"a.parquet": b"0" * 1000, "a.csv": b"0" * 1000}, tmp_path / "x.zip")
    kinds = {member.filename: member.compress_type for member in zipfile.ZipFile(made).infolist()}
    assert kinds == {"a.parquet": zipfile.ZIP_STORED, "a.csv": zipfile.ZIP_DEFLATED}


@pytest.mark.slow
def test_3355_pages_take_little_memory(tmp_path):
    folder = tmp_path / "site"
    (folder / "units").mkdir(parents=True)
    for at in range(3355):
        (folder / "units" / f"{at:05d}.html").write_bytes(bytes(str(at), "ascii") * 4000)  # 20 kB each, 65 MB in all
    tracemalloc.start()
    write_archive({"site": folder}, tmp_path / "run.zip")
    _now, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20e6 and len(zipfile.ZipFile(tmp_path / "run.zip").namelist()) == 3355
