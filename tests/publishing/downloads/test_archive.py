import tracemalloc
import zipfile

import pytest

from analysis.publishing.downloads.archive import write_archive
from analysis.publishing.downloads.files import write_bytes
from analysis.words.errors import PublishError


def make_site(folder, *, n_pages=3):
    for at in range(n_pages):
        write_bytes(folder / "units" / f"{at:04d}.html", f"<p>{at}</p>".encode() * 50)
    write_bytes(folder / "index.html", b"index")
    return folder


def test_folders_and_files_go_under_their_names_in_order(tmp_path):
    site = make_site(tmp_path / "site")
    manifest = write_bytes(tmp_path / "manifest.json", b"{}")
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
        write_bytes(two / "units" / path.name, path.read_bytes())
    write_bytes(two / "index.html", b"index")
    made = [write_archive({"site": folder}, tmp_path / f"{folder.name}.zip").read_bytes() for folder in (one, two)]
    assert made[0] == made[1]


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(PublishError, match="nothing: it is not there"):
        write_archive({"site": tmp_path / "nothing"}, tmp_path / "run.zip")


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
