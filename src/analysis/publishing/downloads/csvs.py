"""The run's tables as CSV (for programs, and with a byte order mark for Excel) and as Parquet, with a README.

The CSV values are those of the tables: codes, fractions, period codes. One thing is added: a text that a spreadsheet
could take for a formula gets an apostrophe in front (:func:`analysis.publishing.downloads.texts.guard`), which the
README states with the rule to undo it. Parquet holds no formulas, so nothing is added there.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from analysis.briefing.locale import period
from analysis.briefing.view import View
from analysis.publishing.downloads.texts import clean, guard, run_title
from analysis.words.files import replacing, write_file
from analysis.words.schema import TABLES, RunTables

NAMES = (
    *("units", "indicators", "targets", "observations", "forecasts", "assessments"),
    *("quality", "evidence", "scorecard"),
)
BOM = b"\xef\xbb\xbf"
EXCEL_ROWS = 1_048_576  # rows of a worksheet, the header among them; longer tables have no Excel file

README = {
    "en": """{title}
Run {run}. Figures up to {cutoff}.{simulated}

FOLDERS
csv/        one file a table; UTF-8, comma between fields, full stop as the decimal mark, text in double quotes.
csv-excel/  the same bytes with a byte order mark, so that Excel reads the Vietnamese letters.
            Excel may still turn 2026-09 into a date and 001 into 1: the workbook (.xlsx) keeps both as they are.
            A table with more rows than a worksheet holds is left out here.
parquet/    the same tables with their types.
hubverse/   the forecasts in the model-output format of the hubverse, with hub-config/tasks.json.

TEXT THAT LOOKS LIKE A FORMULA (CSV only)
A spreadsheet runs a text that begins with = + - @ (also after spaces, or in full width). In the CSV files such a text,
and a text that begins with a tab, a line end or an apostrophe, has one apostrophe put in front.
To undo it exactly: from every text field that begins with an apostrophe, take that one apostrophe away.
Numbers are never changed. Characters that no file can hold (control characters, halves of characters) are U+FFFD.

VALUES
Shares are fractions (0.457 is 45.7%). Codes are text and keep their leading zeros. Periods are 2026-09, 2026-Q3, 2026.
An empty field means: no value.
The table quality has the values of a finding twice: details as JSON, words as a sentence.

TABLES (the key columns come first; the kind of each column in brackets)
{tables}
""",
    "vi": """{title}
Kỳ báo cáo {run}. Số liệu đến {cutoff}.{simulated}

THƯ MỤC
csv/        mỗi bảng một tệp; UTF-8, dấu phẩy giữa các trường, dấu chấm thập phân, văn bản trong ngoặc kép.
csv-excel/  cùng nội dung, thêm dấu BOM để Excel đọc đúng chữ Việt.
            Excel vẫn có thể đổi 2026-09 thành ngày và 001 thành 1: bảng tính (.xlsx) giữ nguyên cả hai.
            Bảng dài hơn một trang tính thì không có ở đây.
parquet/    cùng các bảng ấy, kèm kiểu dữ liệu.
hubverse/   dự báo theo định dạng model-output của hubverse, kèm hub-config/tasks.json.

VĂN BẢN GIỐNG CÔNG THỨC (chỉ trong CSV)
Phần mềm bảng tính sẽ chạy văn bản mở đầu bằng = + - @ (kể cả sau dấu cách, hoặc dạng toàn chiều rộng). Trong tệp CSV,
văn bản như vậy, và văn bản mở đầu bằng dấu tab, dấu xuống dòng hay dấu nháy đơn, được thêm một dấu nháy đơn ở đầu.
Khôi phục chính xác: với mỗi trường văn bản mở đầu bằng dấu nháy đơn, bỏ đúng một dấu nháy ấy.
Số không bao giờ bị đổi. Ký tự không ghi được vào tệp (ký tự điều khiển, nửa ký tự) thành U+FFFD.

GIÁ TRỊ
Tỷ lệ là phân số (0.457 là 45,7%). Mã là văn bản, giữ số 0 ở đầu. Kỳ viết 2026-09, 2026-Q3, 2026.
Trường trống nghĩa là: không có giá trị.
Trong bảng quality, cột details ghi các giá trị dạng JSON, cột words viết thành câu.

CÁC BẢNG (cột khóa đứng trước; kiểu của từng cột trong ngoặc)
{tables}
""",
}
KINDS = {
    "en": {"text": "text", "number": "number", "whole": "whole number", "yes/no": "true or false"},
    "vi": {"text": "văn bản", "number": "số", "whole": "số nguyên", "yes/no": "true hoặc false"},
}
SIMULATED = {
    "en": "\nSIMULATED DATA, made up for demonstration. No figure here describes a real place.",
    "vi": "\nDỮ LIỆU MÔ PHỎNG, dựng để minh họa. Không con số nào ở đây nói về một nơi có thật.",
}


def write_tables(run: RunTables, folder: Path) -> list[Path]:
    """Write every table of a run into ``csv-excel/``, ``csv/`` and ``parquet/``; return the files in that order."""
    kinds = {"csv-excel": "csv", "csv": "csv", "parquet": "parquet"}
    paths = {kind: [folder / kind / f"{name}.{ending}" for name in NAMES] for kind, ending in kinds.items()}
    for name, for_excel, plain, parquet in zip(NAMES, *paths.values(), strict=True):
        table = as_arrow(getattr(run, name))
        write_parquet(table, parquet)
        write_csv(guarded(table), plain)
        if table.num_rows < EXCEL_ROWS:
            write_file(for_excel, BOM + plain.read_bytes())
    return [path for made in paths.values() for path in made if path.exists()]


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """A table with clean text and without pandas' own notes (they carry its version); object columns hold text."""
    columns = {}
    for name, column in frame.items():
        if column.dtype == object:
            codes, different = pd.factorize(column)
            columns[name] = pa.array([clean(str(text)) for text in different], pa.string()).take(pa.array(codes))
        else:
            columns[name] = pa.Array.from_pandas(column)
    return pa.table(columns)


def guarded(table: pa.Table) -> pa.Table:
    """The table with every text kept from being run as a formula."""
    for at, field in enumerate(table.schema):
        if pa.types.is_string(field.type):
            coded = table.column(at).combine_chunks().dictionary_encode()
            text = pa.array([guard(text) for text in coded.dictionary.to_pylist()], pa.string())
            table = table.set_column(at, field.name, text.take(coded.indices))
    return table


def write_csv(table: pa.Table, path: Path) -> None:
    """Write CSV: a header, text in quotes, numbers as short as they can be read back exactly."""
    with replacing(path) as part:
        pa_csv.write_csv(table, part)


def write_parquet(table: pa.Table, path: Path) -> None:
    """Write Parquet; same rows, same bytes."""
    with replacing(path) as part:
        pa_parquet.write_table(table, part, compression="zstd")


def write_readme(view: View, path: Path) -> None:
    """Explain how to read the files, and what every table holds."""
    kinds = KINDS[view.language]
    text = README[view.language].format(
        title=run_title(view),
        run=clean(view.run.run_id),
        cutoff=period(view.cutoff, view.language),
        simulated=SIMULATED[view.language] if view.run.params.get("simulated") else "",
        tables="\n".join(_describe(name, kinds) for name in NAMES),
    )
    write_file(path, text.encode("utf-8", "replace"))


def _describe(name: str, kinds: Mapping[str, str]) -> str:
    columns = TABLES[name].columns
    return f"{name}: " + ", ".join(f"{column} ({kinds[kind]})" for column, kind in columns.items())
