"""The words of the office files that the briefings' catalogue does not have, in the languages of the product."""

from __future__ import annotations

from collections.abc import Callable

from analysis.briefing.locale import translator
from analysis.publishing.downloads.texts import clean

LOCALES = {"vi": "vi-VN", "en": "en-GB"}  # what a document says of its language

VIETNAMESE = {
    # tabs
    "Cover": "Bìa",
    "Contents": "Mục lục",
    "Assessments": "Đánh giá",
    "Forecasts": "Dự báo",
    "Observations": "Số liệu quan sát",
    "Registry of promises": "Sổ cam kết",
    "Data quality": "Chất lượng dữ liệu",
    "Scorecard": "Đối chiếu dự báo",
    "Evidence": "Cơ sở đánh giá",
    "Units of this run": "Danh mục đơn vị",
    # what each holds
    "Every unit and target: status, probability, gap and pace.": (
        "Từng đơn vị, từng chỉ tiêu: trạng thái, xác suất, khoảng thiếu và tốc độ."
    ),
    "Forecast of every unit and indicator: the median and the central intervals (unit of measure in its column).": (
        "Dự báo của từng đơn vị, từng chỉ số: trung vị và các khoảng dự báo (đơn vị tính ở cột riêng)."
    ),
    "What was observed: every unit, indicator and period that the run used.": (
        "Số liệu đã dùng: từng đơn vị, từng chỉ số, từng kỳ."
    ),
    "Every promise with the sentence that makes it.": "Từng cam kết, kèm nguyên văn câu giao.",
    "What is wrong or doubtful in the data.": "Những chỗ sai hoặc cần kiểm tra trong số liệu.",
    "Our own earlier probabilities and what happened.": "Xác suất chúng tôi đã công bố và kết quả thực tế.",
    "How the forecasts did on these very series, asked again at past cutoffs.": (
        "Dự báo đúng đến đâu trên chính các chuỗi số liệu này, khi dự báo lại từ các kỳ trước."
    ),
    # columns
    "Unit code": "Mã đơn vị",
    "Unit": "Đơn vị",
    "Target code": "Mã chỉ tiêu",
    "Target": "Chỉ tiêu",
    "What is promised": "Nội dung cam kết",
    "Status": "Trạng thái",
    "Probability of reaching it (%)": "Xác suất đạt (%)",
    "Grade of evidence (A much, D too little)": "Mức cơ sở (A đủ, D quá ít)",
    "Value now (unit of measure beside it)": "Giá trị hiện tại (đơn vị tính ở cột bên)",
    "Unit of measure": "Đơn vị tính",
    "Period of the value now": "Kỳ của giá trị hiện tại",
    "Target value (unit of measure beside)": "Giá trị chỉ tiêu (đơn vị tính ở cột riêng)",
    "Deadline": "Thời hạn",
    "Gap to the target (rates: percentage points)": "Còn thiếu (tỷ lệ: điểm phần trăm)",
    "Gap to the target in cases": "Còn thiếu (số trường hợp)",
    "Forecast at the deadline, median": "Dự báo tại thời hạn, trung vị",
    "Forecast, 80% interval, lower": "Dự báo, khoảng 80%, cận dưới",
    "Forecast, 80% interval, upper": "Dự báo, khoảng 80%, cận trên",
    "Pace needed a period (rates: percentage points)": "Tốc độ cần mỗi kỳ (tỷ lệ: điểm phần trăm)",
    "Pace kept a period (rates: percentage points)": "Tốc độ đã giữ mỗi kỳ (tỷ lệ: điểm phần trăm)",
    "Past spells of all units that kept such a pace (%)": "Tỷ lệ giai đoạn trước đây giữ được tốc độ ấy (%)",
    "Sub-units (number)": "Đơn vị trực thuộc (số)",
    "Sub-units on track (number)": "Đơn vị trực thuộc đúng lộ trình (số)",
    "Status a quarter ago": "Trạng thái quý trước",
    "Probability a quarter ago (%)": "Xác suất quý trước (%)",
    "Reason where it cannot be assessed": "Lý do chưa đánh giá được",
    "Lead": "Đơn vị chủ trì",
    "Indicator": "Chỉ số",
    "Last period observed": "Kỳ số liệu cuối",
    "Period": "Kỳ",
    "Periods ahead (number)": "Số kỳ tới (số)",
    "Median (unit of measure beside)": "Trung vị (đơn vị tính ở cột riêng)",
    "{share} interval, lower": "Khoảng {share}, cận dưới",
    "{share} interval, upper": "Khoảng {share}, cận trên",
    "Value (unit of measure beside)": "Giá trị (đơn vị tính ở cột bên)",
    "Numerator (number)": "Tử số (số)",
    "Denominator (number)": "Mẫu số (số)",
    "Marks": "Ghi chú số liệu",
    "Known since": "Có từ bản số liệu",
    "Kind": "Loại",
    "Operator": "Phép so sánh",
    "Needed (number)": "Cần đạt (số)",
    "Out of (number)": "Trên tổng (số)",
    "Start": "Bắt đầu",
    "Document": "Văn bản",
    "Date of the document (year-month-day)": "Ngày văn bản (năm-tháng-ngày)",
    "Sentence that promises it": "Nguyên văn câu giao",
    "Fields not in the text, inferred by us": "Trường không có trong văn bản, do chúng tôi suy ra",
    "Finding": "Phát hiện",
    "Weight": "Mức",
    "Refused": "Không nhận",
    "To be checked": "Cần kiểm tra",
    "Note": "Lưu ý",
    "Details": "Chi tiết",
    "Source": "Nguồn",
    "Period judged": "Kỳ đối chiếu",
    "Probability we gave (%)": "Xác suất đã công bố (%)",
    "Outcome (1 reached, 0 not)": "Kết quả (1 đạt, 0 không đạt)",
    "Brier score (0 best, 1 worst)": "Điểm Brier (0 tốt nhất, 1 kém nhất)",
    "Cause of a miss": "Nguyên nhân sai",
    "Published then, or computed again": "Đã công bố hay tính lại",
    "Model": "Mô hình",
    "Cut by": "Phân theo",
    "Part": "Phần",
    "Skill against the base rate (1 best)": "Mức hơn tần suất nền (1 tốt nhất)",
    "Skill against the straight pace (1 best)": "Mức hơn phép kéo thẳng (1 tốt nhất)",
    "Share inside the 80% interval (%)": "Tỷ lệ nằm trong khoảng 80% (%)",
    "Share inside the 95% interval (%)": "Tỷ lệ nằm trong khoảng 95% (%)",
    "Calibration error (fraction)": "Sai số hiệu chuẩn (tỷ lệ)",
    "Calibration slope (1 best)": "Độ dốc hiệu chuẩn (1 tốt nhất)",
    "Bias, predicted minus observed (unit of the indicator)": "Độ chệch, dự báo trừ thực tế (đơn vị của chỉ số)",
    "Cases (number)": "Số trường hợp (số)",
    "Past cutoffs (number)": "Số kỳ dự báo lại (số)",
    # cover, contents, notes
    "Simulated data, made up for demonstration. No figure here describes a real place.": (
        "Dữ liệu mô phỏng, dựng để minh họa. Không con số nào ở đây nói về một nơi có thật."
    ),
    "Figures up to {period}. Run {run}.": "Số liệu đến {period}. Kỳ báo cáo: {run}.",
    "How to read the sheets": "Cách đọc các trang tính",
    "Each sheet has one table; its headings stay in view and carry the units of measure.": (
        "Mỗi trang tính có một bảng; hàng tiêu đề luôn hiện và ghi đơn vị tính."
    ),
    "[x] means: no figure is available. [z] means: does not apply, or nothing to say.": (
        "[x]: không có số liệu. [z]: không áp dụng hoặc không có nội dung."
    ),
    "Cells hold real numbers at full precision; the format rounds only what is shown.": (
        "Ô chứa số thực với đủ độ chính xác; định dạng chỉ làm tròn khi hiển thị."
    ),
    "No cell holds a formula. A text that begins like one is text.": (
        "Không ô nào chứa công thức. Văn bản mở đầu giống công thức vẫn là văn bản."
    ),
    "A probability is a forecast, not a promise; settled targets carry a status and no probability.": (
        "Xác suất là dự báo, không phải cam kết; chỉ tiêu đã có kết quả chỉ có trạng thái, không có xác suất."
    ),
    "Sources": "Nguồn số liệu",
    "{path} (SHA-256 begins with {digest})": "{path} (SHA-256 bắt đầu bằng {digest})",
    "No source file is recorded with this run.": "Kỳ báo cáo này không ghi tệp nguồn nào.",
    "Sheet": "Trang tính",
    "What it holds": "Nội dung",
    "The sheets of this workbook; each name is a link.": "Các trang của bảng tính; mỗi tên là một liên kết.",
    "Rows (number)": "Số hàng (số)",
    "This sheet has one table with {n} rows. [x]: no figure; [z]: does not apply.": (
        "Trang này có một bảng, {n} hàng. [x]: không có số liệu; [z]: không áp dụng."
    ),
    "This run has no rows for this table.": "Kỳ báo cáo này không có hàng nào cho bảng này.",
    "{n} more rows did not fit; the CSV and Parquet files have them all.": (
        "Còn {n} hàng không vừa trang tính; tệp CSV và Parquet có đủ."
    ),
    "Made by Cán Đích": "Thực hiện bởi Cán Đích",
    # names of the downloads
    "Workbook of all tables (Excel)": "Bảng tính đủ mọi bảng (Excel)",
    "One-page report in the form of Decree 30/2020 (Word)": (
        "Báo cáo một trang theo thể thức Nghị định 30/2020 (Word)"
    ),
    "One-page report of {unit} (Word)": "Báo cáo một trang của {unit} (Word)",
    "{table}: CSV for Excel": "{table}: CSV cho Excel",
    "{table}: CSV": "{table}: CSV",
    "{table}: Parquet": "{table}: Parquet",
    "Forecasts in the hubverse format, {name}": "Dự báo theo định dạng hubverse, {name}",
    "How to read the CSV, Parquet and hubverse files": "Cách đọc các tệp CSV, Parquet và hubverse",
    "All files of this list in one ZIP": "Mọi tệp trong danh mục này, gói ZIP",
    "Indicators": "Chỉ số",
    # report
    "SOCIALIST REPUBLIC OF VIET NAM": "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM",
    "Independence - Freedom - Happiness": "Độc lập - Tự do - Hạnh phúc",
    "[SUPERIOR AUTHORITY]": "[TÊN CƠ QUAN CHỦ QUẢN]",
    "[ISSUING AUTHORITY]": "[TÊN CƠ QUAN BAN HÀNH]",
    "No.: ......./BC-.......": "Số: ......./BC-.......",
    "DRAFT": "DỰ THẢO",
    "Simulated data: no figure here describes a real place.": (
        "Dữ liệu mô phỏng: không con số nào ở đây nói về nơi có thật."
    ),
    "[Place], ...... (day) ...... (month) ...... (year)": "[Địa danh], ngày ...... tháng ...... năm ......",
    "REPORT": "BÁO CÁO",
    "Progress and likelihood of reaching the targets: {unit}": "Tiến độ và khả năng hoàn thành các chỉ tiêu: {unit}",
    "Figures up to {period}": "Số liệu đến {period}",
    "1. General result": "1. Kết quả chung",
    "2. Targets most in doubt ({k} of {n}; all stand in the workbook)": (
        "2. Các chỉ tiêu cần quan tâm nhất ({k}/{n}; đủ trong bảng tính)"
    ),
    "2. Targets": "2. Các chỉ tiêu",
    "3. Units that need a decision ({k} of {n}, by what they would add)": (
        "3. Các đơn vị cần chỉ đạo ({k}/{n}, xếp theo phần đóng góp nếu đạt)"
    ),
    "3. Compared with a quarter ago": "3. So với quý trước",
    "4. Compared with a quarter ago": "4. So với quý trước",
    "No target binds this unit.": "Không có chỉ tiêu nào giao cho đơn vị này.",
    "Status and probability": "Trạng thái, xác suất",
    "Now": "Hiện tại",
    "Promised": "Cam kết",
    "Gap": "Chênh lệch",
    "{amount} missing": "thiếu {amount}",
    "{amount} too many": "vượt {amount}",
    "{n} places behind": "kém {n} hạng",
    "place": "hạng",
    "no figure": "chưa có số liệu",
    "Targets of {unit}: status, probability, value now, promise": (
        "Các chỉ tiêu của {unit}: trạng thái, xác suất, giá trị hiện tại, cam kết"
    ),
    "{unit}: {target} ({status}; {gap})": "{unit}: {target} ({status}; {gap})",
    "{unit}: {target} ({status})": "{unit}: {target} ({status})",
    "The status rose for {up} targets and fell for {down}; {same} stayed.": (
        "{up} chỉ tiêu tốt lên, {down} chỉ tiêu xấu đi, {same} chỉ tiêu giữ nguyên trạng thái."
    ),
    "The largest change: {target}, from {before} to {now}.": "Thay đổi lớn nhất: {target}, từ {before} sang {now}.",
    "No earlier quarter is stored to compare with.": "Chưa lưu quý trước để so sánh.",
    "Probabilities are forecasts; the workbook has every figure and its source.": (
        "Xác suất là dự báo; bảng tính kèm theo có đủ số liệu và nguồn."
    ),
    "Recipients:": "Nơi nhận:",
    "- [As above];": "- [Như trên];",
    "- Filed: clerical office.": "- Lưu: VT.",
    "[AUTHORITY AND POST OF THE SIGNATORY]": "[QUYỀN HẠN, CHỨC VỤ CỦA NGƯỜI KÝ]",
    "[Signature and seal]": "[Chữ ký, dấu của cơ quan]",
    "[Full name]": "[Họ và tên]",
}  # fmt: skip


def words(language: str) -> Callable[[str], str]:
    """Look a message up: in the briefings' catalogue, then in this room's list; else it stands in English.

    Parameters
    ----------
    language : str
        ``"vi"`` or ``"en"``.

    Returns
    -------
    callable
        English message to the message in `language`.

    Raises
    ------
    ParamsError
        When we do not speak `language`.

    Examples
    --------
    >>> words("vi")("Known since"), words("en")("Known since")
    ('Có từ bản số liệu', 'Known since')
    """
    catalogue = translator(language)
    own = VIETNAMESE if language == "vi" else {}
    return lambda message: catalogue(message) if message in catalogue else own.get(message, message)


def run_title(params: dict, run_id: str, language: str) -> str:
    """Title of a run in the language, clean; its id where it has none.

    Examples
    --------
    >>> run_title({"title_vi": "Đề án 06"}, "demo", "vi"), run_title({}, "demo", "en")
    ('Đề án 06', 'demo')
    """
    other = "en" if language == "vi" else "vi"
    return clean(str(params.get(f"title_{language}") or params.get(f"title_{other}") or run_id))
