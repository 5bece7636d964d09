"""The words and the style around a page: navigation, notices, the index and its search, in the languages of the site.

A sentence is looked up in the briefings' catalogue first; those below are only the ones publishing itself says.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

from analysis.briefing.locale import translator

TEMPLATES = Path(__file__).parent / "template"
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
SIMULATED = "Simulated data, made up for demonstration. No figure here describes a real place."
VIETNAMESE = {
    "Skip to content": "Đến phần nội dung",
    "You are here": "Bạn đang ở",
    "Pages of this run": "Các trang của kỳ này",
    "All units": "Tất cả đơn vị",
    "Overview": "Tổng quan",
    "Forecast": "Dự báo",
    "Registry of promises": "Sổ cam kết",
    "Data quality": "Chất lượng dữ liệu",
    "Scorecard": "Đối chiếu dự báo",
    "Downloads": "Tải về",
    "Every figure of this run, as files": "Toàn bộ số liệu của kỳ này, theo tệp",
    "CSV for Excel": "CSV cho Excel",
    "Forecasts in the hubverse format": "Dự báo theo định dạng hubverse",
    "Method": "Phương pháp",
    "Earlier quarter": "Quý trước",
    "Earlier quarters": "Các quý trước",
    "To the latest quarter": "Xem quý mới nhất",
    "Next to each name: targets on track, of all its targets.": (
        "Cạnh tên đơn vị: số chỉ tiêu đúng lộ trình trên tổng số chỉ tiêu được giao."
    ),
    "The whole picture": "Xem báo cáo tổng quan",
    "Simulated data, made up for demonstration. No figure here describes a real place.": (
        "Dữ liệu mô phỏng, dựng để minh họa. Không con số nào ở đây nói về một nơi có thật."
    ),
    "Not updated": "Chưa cập nhật",
    "This page could not be rebuilt in the latest run and still shows what was published before.": (
        "Lần chạy mới nhất không dựng lại được trang này; nội dung dưới đây là bản đã công bố trước đó."
    ),
    "Figures up to {period}": "Số liệu đến {period}",
    "Error and reference": "Lỗi và mã tham chiếu",
    "Error: {kind}; reference: {reference}": "Lỗi: {kind}; mã tham chiếu: {reference}",
    "Find a unit": "Tìm đơn vị",
    "Type a name or a code, with or without diacritics": "Gõ tên hoặc mã, có dấu hoặc không dấu",
    "{n} of {m} units shown": "Hiện {n}/{m} đơn vị",
    "Page": "Trang",
    "Pages that were not updated": "Các trang chưa được cập nhật",
    "{n} pages could not be rebuilt": "{n} trang không dựng lại được",
    "earlier page kept": "giữ bản trước",
    "no page": "chưa có trang",
    "Status": "Trạng thái",
    "File": "Tệp",
    "What it holds": "Nội dung",
    "Home": "Trang đầu",
    "This site works without a network and can be opened from a memory stick.": (
        "Trang này dùng được khi không có mạng và mở được từ thẻ nhớ USB."
    ),
    "Made by Cán Đích": "Thực hiện bởi Cán Đích",
}


def words(language: str) -> Callable[[str], str]:
    """Look up what the frame of a page says.

    Parameters
    ----------
    language : str
        ``"vi"`` or ``"en"``.

    Returns
    -------
    callable
        English sentence to the sentence in `language`.

    Examples
    --------
    >>> words("en")("Overview"), words("vi")("Overview")
    ('Overview', 'Tổng quan')
    """
    catalogue = translator(language)

    def look_up(message: str) -> str:
        if language == "en" or message in catalogue:
            return catalogue(message)
        return VIETNAMESE.get(message, message)

    return look_up


@lru_cache(maxsize=1)
def stylesheet() -> str:
    """The briefings' theme followed by the frame's own rules; refused where either could close the style element."""
    theme = files("analysis.briefing").joinpath("theme.css")
    parts = [theme.read_text(encoding="utf-8")] if theme.is_file() else []
    text = "\n".join([*parts, (TEMPLATES / "page.css").read_text(encoding="utf-8")])
    text = re.sub(r"/\*.*?\*/\s*", "", text, flags=re.DOTALL).replace("</", "<\\/")
    return re.sub(r"\s*\n\s*", "\n", re.sub(r" *([{};,]) *|(?<=:) +", r"\1", text)).replace(";}", "}").strip()


@lru_cache(maxsize=8)
def short_script(name: str) -> str:
    """A script of the template without its indentation and its remarks."""
    text = (TEMPLATES / name).read_text(encoding="utf-8")
    return re.sub(r"\n\s*", "\n", re.sub(r" // [^\n]*", "", text))


def policy(script: str) -> str:
    """The page's content policy: nothing from anywhere, and no script but the one with this hash."""
    if not script:
        return POLICY
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    return f"{POLICY}; script-src 'sha256-{digest}'"
