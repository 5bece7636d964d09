import io
import re
import shutil

import pytest

from analysis.publishing.downloads import pdf
from analysis.publishing.downloads.pdf import find_browser, normalise_pdf, write_pdfs
from analysis.words.errors import PublishError


def write_bytes(path, content):
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    return path


ROWS = "".join(f"<tr><th scope='row'>Xã số {at}</th><td>{at},5%</td></tr>" for at in range(90))
STYLE = (
    "@page { size: A4; margin: 15mm; @bottom-center { content: counter(page) } } thead { display: table-header-group }"
)
PAGE = f"""<!doctype html><html lang="vi"><head><meta charset="utf-8"><title>Đề án 06</title><style>{STYLE}</style>
</head><body><h1>Tỉnh Gia Lai</h1><h2>Chỉ tiêu</h2><table><caption>Bảng</caption>
<thead><tr><th scope="col">Đơn vị</th><th scope="col">Tỷ lệ</th></tr></thead><tbody>{ROWS}</tbody></table>
<p>Hết: ế ộ ữ</p></body></html>"""

needs_browser = pytest.mark.skipif(not any(map(shutil.which, pdf.BROWSERS)), reason="no Chromium on this machine")


def test_times_and_identifier_are_replaced_at_the_same_length():
    raw = (
        b"/CreationDate (D:20261121205709+07'00')\n/ModDate (D:20261121205709-05'30')>>\n/ID [<0aF1> <9b2c>]\n"
        b"/Creator (Mozilla/5.0 \\(X11; Linux\\) HeadlessChrome/156)\n/Producer (Skia/PDF m156)\n"
    )
    made = normalise_pdf(raw)
    assert len(made) == len(raw) and b"2026" not in made and b"X11" not in made and b"\\(" not in made
    assert b"/CreationDate (D:19800101000000+00'00')" in made and b"/ID [<0000> <0000>]" in made
    assert normalise_pdf(made) == made


def test_text_that_only_looks_like_a_time_stays():
    assert normalise_pdf(b"(D:20261121205709) Tj /Created") == b"(D:20261121205709) Tj /Created"


def test_without_a_browser_the_message_says_what_to_install(tmp_path):
    page = write_bytes(tmp_path / "a.html", b"<p>")
    with pytest.raises(PublishError) as caught:
        write_pdfs([page], out_dir=tmp_path, browser="no-such-browser")
    assert str(caught.value) == (
        "PDF: no browser was found under the names no-such-browser. Allowed: Chromium, Chrome or Edge. "
        "Install one (Debian: apt install chromium), or leave out --pdf."
    )


def test_missing_pages_and_equal_names_are_told_at_once(tmp_path):
    first, second = write_bytes(tmp_path / "1" / "a.html", b"<p>"), write_bytes(tmp_path / "2" / "a.html", b"<p>")
    with pytest.raises(PublishError) as caught:
        write_pdfs([first, second, tmp_path / "b.html"], out_dir=tmp_path)
    assert len(caught.value.problems) == 2 and "another page has the same name" in str(caught.value)


def test_a_browser_that_prints_nothing_is_an_error_and_leaves_no_file(tmp_path):
    page = write_bytes(tmp_path / "a.html", b"<p>")
    with pytest.raises(PublishError, match="printed no whole PDF"):
        write_pdfs([page], out_dir=tmp_path / "pdf", browser=shutil.which("true"))
    assert not list(tmp_path.glob("pdf/*"))


def test_a_failed_page_leaves_the_earlier_pdf_in_place(tmp_path):
    page, old = write_bytes(tmp_path / "a.html", b"<p>"), write_bytes(tmp_path / "pdf" / "a.pdf", b"old")
    with pytest.raises(PublishError):
        write_pdfs([page], out_dir=tmp_path / "pdf", browser=shutil.which("true"))
    assert old.read_bytes() == b"old"


def test_find_browser_takes_the_first_that_is_there(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: f"/bin/{name}" if name == "google-chrome" else None)
    assert find_browser() == "/bin/google-chrome"


@pytest.mark.browser
@pytest.mark.slow
@needs_browser
def test_a_page_becomes_a_tagged_pdf_in_its_language_with_no_text_cut(tmp_path):
    from pypdf import PdfReader

    page, told = write_bytes(tmp_path / "trang.html", PAGE.encode()), []
    (made,) = write_pdfs([page], out_dir=tmp_path / "pdf", on_done=lambda done, total: told.append((done, total)))
    assert made == tmp_path / "pdf" / "trang.pdf" and told == [(1, 1)]
    reader = PdfReader(made)
    catalogue = reader.trailer["/Root"]
    assert len(reader.pages) >= 2 and all(round(float(one.mediabox.width)) in (595, 596) for one in reader.pages)
    assert catalogue["/Lang"] == "vi" and catalogue["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in catalogue
    assert reader.metadata.title == "Đề án 06"
    assert [one.title for one in reader.outline if not isinstance(one, list)] == ["Tỉnh Gia Lai"]
    pages = [re.sub(r"\s+", "", one.extract_text()) for one in reader.pages]  # letters of fallback fonts stand apart
    whole = "".join(pages)
    assert all(f"Xãsố{at}{at},5%" in whole for at in range(90)) and "Hết:ếộữ" in whole
    assert all("Đơnvị" in one for one in pages)  # the header row is repeated
    assert not re.search(r"\d{1,2}/\d{1,2}/\d{2,4}|file://", whole)  # no header or footer of the browser
    inside = []

    def place(text, cm, tm, *_more):
        if text.strip():  # text matrix times the page's: where the text starts on the paper, in points
            x, y = tm[4] * cm[0] + tm[5] * cm[2] + cm[4], tm[4] * cm[1] + tm[5] * cm[3] + cm[5]
            inside.append(0 <= x < 595 and 0 <= y < 842)

    for one in reader.pages:
        one.extract_text(visitor_text=place)
    assert len(inside) > 90 and all(inside)


@pytest.mark.browser
@pytest.mark.slow
@needs_browser
def test_no_request_leaves_the_page(tmp_path):
    import http.server
    import threading

    asked = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_error(404)

        def log_message(self, *_arguments): ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port = server.server_address[1]
    links = "".join(f"<img src='http://{host}:{port}/{host}' alt=''>" for host in ("127.0.0.1", "localhost"))
    write_pdfs([write_bytes(tmp_path / "a.html", f"<p>x{links}".encode())], out_dir=tmp_path)
    server.shutdown()
    server.server_close()
    assert asked == [] and (tmp_path / "a.pdf").is_file()


@pytest.mark.browser
@pytest.mark.slow
@needs_browser
def test_two_prints_are_byte_equal(tmp_path):
    import time

    page = write_bytes(tmp_path / "a.html", PAGE.encode())
    (first,) = write_pdfs([page], out_dir=tmp_path / "1")
    time.sleep(1.1)
    (second,) = write_pdfs([page], out_dir=tmp_path / "2")
    assert first.read_bytes() == second.read_bytes()
    from pypdf import PdfReader

    assert str(PdfReader(io.BytesIO(first.read_bytes())).metadata["/CreationDate"]).startswith("D:19800101")
