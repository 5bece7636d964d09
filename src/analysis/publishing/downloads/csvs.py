"""The run's tables as CSV (for programs, and with a byte order mark for Excel) and as Parquet, with a README.

The CSV values are those of the tables: codes, fractions, period codes. One thing is added: a text that a spreadsheet
could take for a formula gets an apostrophe in front (:func:`analysis.publishing.downloads.texts.guard`), which the
README states with the rule to undo it. Parquet holds no formulas, so nothing is added there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pa_parquet

from analysis.publishing.downloads.files import placed, write_bytes
from analysis.publishing.downloads.texts import clean, guard
from analysis.words.schema import TABLES, RunTables

NAMES = (
    "units",
    "indicators",
    "targets",
    "observations",
    "forecasts",
    "assessments",
    "quality",
    "evidence",
    "scorecard",
)
BOM = b"\xef\xbb\xbf"
EXCEL_ROWS = 1_048_576  # rows of a worksheet, the header among them; longer tables have no Excel file
_OPTIONS = pa_csv.WriteOptions(include_header=True, quoting_style="needed")

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


def write_tables(run: RunTables, folder: Path) -> dict[str, Path]:
    """Write every table of a run three times: ``csv/``, ``csv-excel/`` and ``parquet/``.

    Parameters
    ----------
    run : RunTables
    folder : Path

    Returns
    -------
    dict of str to Path
        By its path inside `folder`, with forward slashes.

    Raises
    ------
    OSError
        When a file cannot be written.
    """
    paths = {}
    for name in NAMES:
        table = as_arrow(getattr(run, name))
        paths[f"parquet/{name}.parquet"] = write_parquet(table, folder / "parquet" / f"{name}.parquet")
        body = csv_bytes(guarded(table))
        paths[f"csv/{name}.csv"] = write_bytes(folder / "csv" / f"{name}.csv", body)
        if table.num_rows < EXCEL_ROWS:
            paths[f"csv-excel/{name}.csv"] = write_bytes(folder / "csv-excel" / f"{name}.csv", BOM + body)
    return paths


def as_arrow(frame: pd.DataFrame) -> pa.Table:
    """A table with clean text and without pandas' own notes (they carry its version).

    Parameters
    ----------
    frame : DataFrame
        Object columns hold text.
    """
    columns = {}
    for name in frame.columns:
        column = frame[name]
        if column.dtype == object:
            columns[name] = _text(column, clean)
        else:
            columns[name] = pa.Array.from_pandas(column)
    return pa.table(columns)


def guarded(table: pa.Table) -> pa.Table:
    """The table with every text kept from being taken for a formula."""
    for at, kind in enumerate(table.schema.types):
        if pa.types.is_string(kind):
            coded = table.column(at).combine_chunks().dictionary_encode()
            text = pa.array([guard(one) for one in coded.dictionary.to_pylist()], type=pa.string())
            changed = pa.DictionaryArray.from_arrays(coded.indices, text).cast(pa.string())
            table = table.set_column(at, table.schema.names[at], changed)
    return table


def _text(column: pd.Series, change: Callable[[str], str]) -> pa.Array:
    """A text column with `change` applied once to every different value."""
    codes, different = pd.factorize(column.to_numpy(dtype=object))
    text = pa.array([change(str(one)) for one in different], type=pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(codes, type=pa.int32()), text).cast(pa.string())


def csv_bytes(table: pa.Table) -> bytes:
    """A table as CSV: header, text in quotes, numbers as short as they can be read back exactly."""
    sink = pa.BufferOutputStream()
    pa_csv.write_csv(table, sink, _OPTIONS)
    return sink.getvalue().to_pybytes()


def write_parquet(table: pa.Table, path: Path) -> Path:
    """Write Parquet; same rows, same bytes."""
    with placed(path) as beside:
        pa_parquet.write_table(table, beside, compression="zstd")
    return path


def write_readme(run: RunTables, path: Path, *, title: str, cutoff: str, language: str) -> Path:
    """Say how the files are to be read, and what every table holds.

    Parameters
    ----------
    run : RunTables
    path : Path
    title, cutoff : str
        In the language.
    language : {"vi", "en"}
    """
    text = README[language].format(
        title=title,
        run=clean(run.run_id),
        cutoff=cutoff,
        simulated=SIMULATED[language] if run.params.get("simulated") else "",
        tables="\n".join(_describe(name, KINDS[language]) for name in NAMES),
    )
    return write_bytes(path, text.encode("utf-8", "replace"))


def _describe(name: str, kinds: Mapping[str, str]) -> str:
    columns = TABLES[name].columns
    return f"{name}: " + ", ".join(f"{one} ({kinds[kind]})" for one, kind in columns.items())
