"""Reading of FOCUS files as streams of rows: CSV, gzipped CSV and Parquet, told apart by content.

Memory does not grow with the file. A fault of the file as a whole (format, header, broken compression) is raised as
`InvalidSource`; a fault of one row comes in the stream in its place, so that the caller may stop or go on.
"""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from common.text import gettext_noop
from providers.contract.errors import InvalidSource, MessageParams
from providers.focus_schema import COLUMNS

PROVIDER = "focus"
OPERATION = "read_file"

MAX_BYTES = 10 * 1024**3
"""Of uncompressed content; a delivery of ten million rows has about as much."""
MAX_RECORD_BYTES = 4 * 1024**2
MAX_FIELD_CHARACTERS = 1024**2
MAX_COLUMNS = 1000
MAX_EMPTY_LINES = 10_000
MAX_PARQUET_CHUNK_BYTES = 512 * 1024**2
"""Of one column in one row group, which Parquet readers hold at once in the worst case."""
MAX_PARQUET_BATCH_BYTES = 256 * 1024**2
"""Of the texts of one column in one batch."""
PARQUET_BATCH_ROWS = 2048
MAX_FOUND_CHARACTERS = 60

REQUIRED = (
    "BilledCost",
    "BillingCurrency",
    "BillingPeriodStart",
    "BillingPeriodEnd",
    "ChargePeriodStart",
    "ChargePeriodEnd",
    "ServiceName",
)
PROVIDER_COLUMNS = ("ServiceProviderName", "ProviderName")
"""Either family is enough; the newer name wins."""

_CANONICAL = {column.name.lower(): column.name for column in COLUMNS}
_SINCE_1_1 = {column.name for column in COLUMNS if column.since == "1.1"}
_SINCE_1_2 = {column.name for column in COLUMNS if column.since == "1.2"}
_TYPES_OF_ACCOUNT = {"BillingAccountType", "SubAccountType"}
"""Azure writes these already in its 1.0 files."""

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_FOREIGN = {
    b"PK\x03\x04": gettext_noop(
        "This is a ZIP archive or an XLSX workbook. Expected CSV, gzipped CSV or Parquet: unpack it first."
    ),
    b"\x28\xb5\x2f\xfd": gettext_noop(
        "This file is compressed with Zstandard. Expected CSV, gzipped CSV or Parquet."
    ),
    b"BZh": gettext_noop("This file is compressed with bzip2. Expected CSV, gzipped CSV or Parquet."),
    b"\xfd7zXZ": gettext_noop("This file is compressed with xz. Expected CSV, gzipped CSV or Parquet."),
    b"\xff\xfe": gettext_noop("This text is in UTF-16. Expected UTF-8."),
    b"\xfe\xff": gettext_noop("This text is in UTF-16. Expected UTF-8."),
}
_NOT_TEXT = gettext_noop("This is not a FOCUS file. Expected CSV in UTF-8, gzipped CSV or Parquet.")
_TOO_LARGE = gettext_noop(
    "The uncompressed content is larger than %(limit)s GiB. Split the file into smaller ones."
)
_TOO_LONG = gettext_noop(
    "One row is longer than %(limit)s MiB: probably a closing quotation mark is missing."
)
_EMPTY_LINES = gettext_noop("The file has more than %(limit)s empty lines.")
_DAMAGED_GZIP = gettext_noop("The gzip compression is damaged or cut off. Copy the file once more.")
_DAMAGED_PARQUET = gettext_noop("The Parquet file is damaged: %(reason)s")


@dataclass(frozen=True, slots=True)
class SourceRow:
    """One row: `line` in the user's file, column -> text (CSV) or plain typed value (Parquet).

    Line 1 is the header, also in Parquet, whose n-th row is line n + 1. A quoted line break makes a CSV row several
    lines long: `line` is its first.
    """

    line: int
    values: Mapping[str, Any]


Rows = Iterator[SourceRow | InvalidSource]


@dataclass(frozen=True, slots=True)
class Source:
    """An opened file: what its header says, and its rows, to be read once; a context that closes the file."""

    format: str
    """`csv`, `csv.gz` or `parquet`."""
    columns: tuple[str, ...]
    version: str
    rows: Rows
    close: Callable[[], None]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def invalid(
    message: str, *, line: int | None = None, column: str | None = None, params: MessageParams | None = None
) -> InvalidSource:
    return InvalidSource(
        message, provider=PROVIDER, operation=OPERATION, params=params, line=line, column=column
    )


def shown(value: object) -> str:
    """`value` as it may stand in a sentence: short and on one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= MAX_FOUND_CHARACTERS else text[: MAX_FOUND_CHARACTERS - 1] + "…"


def open_source(path: Path, *, max_bytes: int = MAX_BYTES) -> Source:
    """Open a FOCUS file and check its header.

    Raises InvalidSource where it is not one; the rows are read when they are asked for.
    """
    try:
        with path.open("rb") as file:
            start = file.read(6)
    except OSError as error:
        raise invalid(
            gettext_noop("The file cannot be opened: %(reason)s"), params={"reason": error.strerror or ""}
        ) from error
    if not start:
        raise invalid(gettext_noop("The file is empty. Expected a header and rows."))
    if start.startswith(_PARQUET):
        return _open_parquet(path, max_bytes)
    for magic, message in _FOREIGN.items():
        if start.startswith(magic):
            raise invalid(message)
    return _open_csv(path, max_bytes, is_gzip=start.startswith(_GZIP))


def version_of(columns: Sequence[str]) -> str:
    """The FOCUS version that a file with these columns was made for: names of files and manifests are not asked."""
    names = set(columns)
    if "ServiceProviderName" in names:
        return "1.3" if "ProviderName" in names else "1.4"
    has_1_1 = not names.isdisjoint(_SINCE_1_1)
    certain = _SINCE_1_2 if has_1_1 else _SINCE_1_2 - _TYPES_OF_ACCOUNT
    if not names.isdisjoint(certain):
        return "1.2"
    return "1.1" if has_1_1 else "1.0"


def _checked_header(names: Sequence[str]) -> tuple[str, ...]:
    """Column names in the specification's spelling; all that is wrong with them is said at once."""
    if len(names) > MAX_COLUMNS:
        raise invalid(
            gettext_noop("The header has %(count)s columns. Expected at most %(limit)s."),
            line=1,
            params={"count": len(names), "limit": MAX_COLUMNS},
        )
    columns = [
        _CANONICAL.get(name.strip().lower(), name.strip()) or f"column {number}"
        for number, name in enumerate(names, 1)
    ]
    repeated = [name for name, count in Counter(columns).items() if count > 1]
    if repeated:
        raise invalid(
            gettext_noop("Columns appear more than once in the header: %(columns)s."),
            line=1,
            column=repeated[0],
            params={"columns": ", ".join(map(shown, repeated))},
        )
    missing = [name for name in REQUIRED if name not in columns]
    if not any(name in columns for name in PROVIDER_COLUMNS):
        missing.append("ServiceProviderName | ProviderName")
    if missing:
        raise invalid(
            gettext_noop("Required columns are missing: %(columns)s."),
            line=1,
            column=missing[0],
            params={"columns": ", ".join(missing)},
        )
    return tuple(columns)


# CSV


def _open_csv(path: Path, max_bytes: int, *, is_gzip: bool) -> Source:
    file = _opened(path, is_gzip=is_gzip)
    try:
        lines = _Lines(file, max_bytes)
        csv.field_size_limit(max(csv.field_size_limit(), MAX_FIELD_CHARACTERS))
        reader = csv.reader(lines, strict=True)
        columns = _checked_header(_csv_header(reader, lines))
    except BaseException:
        file.close()
        raise
    return Source(
        format="csv.gz" if is_gzip else "csv",
        columns=columns,
        version=version_of(columns),
        rows=_csv_rows(reader, lines, columns),
        close=file.close,
    )


def _csv_header(reader: Iterator[list[str]], lines: _Lines) -> list[str]:
    """The first line that is not empty."""
    header: list[str] = []
    while not header:
        try:
            header = next(reader)
        except StopIteration:
            raise invalid(gettext_noop("The file is empty. Expected a header and rows.")) from None
        except csv.Error as error:
            raise invalid(_NOT_TEXT, line=1) from error
        if lines.fault:
            raise invalid(_NOT_TEXT, line=1)
        if lines.line > MAX_EMPTY_LINES:
            raise invalid(_EMPTY_LINES, line=1, params={"limit": MAX_EMPTY_LINES})
    _check_separator(header)
    lines.begin_record()
    return header


def _opened(path: Path, *, is_gzip: bool) -> BinaryIO:
    if is_gzip:
        return io.BufferedReader(gzip.GzipFile(path), 1024**2)
    return path.open("rb", buffering=1024**2)


def _check_separator(header: Sequence[str]) -> None:
    if len(header) > 1:
        return
    for separator, name in ((";", ";"), ("\t", gettext_noop("tab")), ("|", "|")):
        if separator in header[0]:
            raise invalid(
                gettext_noop(
                    "The columns are separated by “%(separator)s”. Expected commas: save the file as comma-separated CSV."
                ),
                line=1,
                params={"separator": name},
            )


class _Lines:
    """Lines of a byte stream as text, with bounds; remembers where a record began and what is wrong with it.

    Bytes are decoded line by line, so that a fault has an exact place and costs one record.
    """

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        self._total_bytes = 0
        self._record_bytes = 0
        self.line = 0
        self.record_line = 1
        self.fault = ""

    def begin_record(self) -> None:
        self._record_bytes = 0
        self.record_line = self.line + 1
        self.fault = ""

    def __iter__(self) -> Iterator[str]:
        try:
            while raw := self._file.readline(MAX_RECORD_BYTES + 1):
                yield self._text(raw)
        except (EOFError, gzip.BadGzipFile, zlib.error) as error:
            raise invalid(_DAMAGED_GZIP, line=self.line + 1) from error
        except OSError as error:
            raise invalid(
                gettext_noop("The file cannot be read: %(reason)s"),
                line=self.line + 1,
                params={"reason": error.strerror or ""},
            ) from error

    def _text(self, raw: bytes) -> str:
        self._record_bytes += len(raw)
        self._total_bytes += len(raw)
        if self._record_bytes > MAX_RECORD_BYTES:
            raise invalid(_TOO_LONG, line=self.record_line, params={"limit": MAX_RECORD_BYTES // 1024**2})
        if self._total_bytes > self._max_bytes:
            raise invalid(
                _TOO_LARGE, line=self.line + 1, params={"limit": format(self._max_bytes / 1024**3, "g")}
            )
        self.line += 1
        if b"\0" in raw:
            self.fault = gettext_noop("The row holds zero bytes. Expected text in UTF-8.")
        try:
            return raw.decode("utf-8-sig" if self.line == 1 else "utf-8")
        except UnicodeDecodeError:
            self.fault = gettext_noop("The row is not in UTF-8. Save the file in UTF-8.")
            return raw.decode("utf-8", "replace")


def _csv_rows(reader: Iterator[list[str]], lines: _Lines, columns: tuple[str, ...]) -> Rows:
    empty_lines = 0
    while True:
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield _broken_record(error, lines)
            lines.begin_record()
            continue
        line, fault = lines.record_line, lines.fault
        lines.begin_record()
        if fault:
            yield invalid(fault, line=line)
        elif len(fields) == len(columns):
            yield SourceRow(line, dict(zip(columns, fields, strict=True)))
        elif fields:
            yield invalid(
                gettext_noop("The row has %(count)s fields. Expected %(expected)s, as in the header."),
                line=line,
                params={"count": len(fields), "expected": len(columns)},
            )
        else:  # an empty line is not a row
            empty_lines += 1
            if empty_lines > MAX_EMPTY_LINES:
                raise invalid(_EMPTY_LINES, line=line, params={"limit": MAX_EMPTY_LINES})


def _broken_record(error: csv.Error, lines: _Lines) -> InvalidSource:
    """What is wrong with the quoting of one record; raised where the damage may reach beyond it."""
    if "unexpected end" in str(error) or "field larger" in str(error):
        raise invalid(
            gettext_noop("A quotation mark that is opened in this row is never closed."),
            line=lines.record_line,
        ) from error
    if "new-line character" in str(error):
        return invalid(
            gettext_noop("The row holds a bare carriage return. Expected lines that end in LF or CRLF."),
            line=lines.record_line,
        )
    return invalid(
        gettext_noop(
            "The quotation marks of the row do not match. A quotation mark inside a value must be doubled."
        ),
        line=lines.record_line,
    )


# Parquet


def _open_parquet(path: Path, max_bytes: int) -> Source:
    try:
        metadata = pq.read_metadata(path)
        _check_parquet_sizes(metadata, max_bytes)
        file = pq.ParquetFile(
            path,
            metadata=metadata,
            read_dictionary=_text_leaves(metadata),
            buffer_size=1024**2,
            pre_buffer=False,
            coerce_int96_timestamp_unit="us",
        )
    except (pa.ArrowException, OSError, ValueError) as error:
        raise invalid(_DAMAGED_PARQUET, params={"reason": shown(error)}) from error
    try:
        columns = _checked_header(file.schema_arrow.names)
    except InvalidSource:
        file.close()
        raise
    return Source(
        format="parquet",
        columns=columns,
        version=version_of(columns),
        rows=_parquet_rows(file, columns, max_bytes),
        close=file.close,
    )


def _text_leaves(metadata: Any) -> list[str]:
    """Paths of the texts, also those inside of maps and lists. They are read as dictionaries: a word that stands once
    in the file and in a million rows must not be unpacked a million times before it is measured."""
    leaves = [metadata.schema.column(number) for number in range(metadata.num_columns)]
    return [
        leaf.path
        for leaf in leaves
        if leaf.physical_type == "BYTE_ARRAY" and leaf.logical_type.type != "DECIMAL"
    ]


def _check_parquet_sizes(metadata: Any, max_bytes: int) -> None:
    total = 0
    for number in range(metadata.num_row_groups):
        group = metadata.row_group(number)
        total += group.total_byte_size
        for index in range(group.num_columns):
            if group.column(index).total_uncompressed_size > MAX_PARQUET_CHUNK_BYTES:
                raise invalid(
                    gettext_noop(
                        "One column of a row group is larger than %(limit)s GiB. Write the file with smaller row groups."
                    ),
                    column=shown(group.column(index).path_in_schema),
                    params={"limit": MAX_PARQUET_CHUNK_BYTES // 1024**3},
                )
    if total > max_bytes:
        raise invalid(_TOO_LARGE, params={"limit": format(max_bytes / 1024**3, "g")})


def _parquet_rows(file: pq.ParquetFile, columns: tuple[str, ...], max_bytes: int) -> Rows:
    line = 2
    total_bytes = 0
    try:
        for batch in file.iter_batches(PARQUET_BATCH_ROWS, use_threads=False):
            total_bytes += batch.nbytes
            if total_bytes > max_bytes:
                raise invalid(_TOO_LARGE, line=line, params={"limit": format(max_bytes / 1024**3, "g")})
            for values in _plain_rows(batch, columns, line):
                yield SourceRow(line, values)
                line += 1
    except (pa.ArrowException, OSError) as error:
        raise invalid(_DAMAGED_PARQUET, line=line, params={"reason": shown(error)}) from error


def _plain_rows(batch: pa.RecordBatch, columns: tuple[str, ...], line: int) -> Iterator[dict[str, Any]]:
    values = [
        [None] * batch.num_rows if column.null_count == batch.num_rows else _plain_values(column, name, line)
        for name, column in zip(columns, batch.columns, strict=True)
    ]
    for row in zip(*values, strict=True):
        yield dict(zip(columns, row, strict=True))


def _plain_values(column: pa.Array, name: str, line: int) -> list[Any]:
    """Python values of one column: instants in microseconds and UTC, 32-bit floats as their shortest text."""
    try:
        for texts in _dictionaries(column):
            _check_batch_bytes(texts, name, line)
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        for is_kind, target in _CASTS:
            if is_kind(column.type):
                column = column.cast(target, safe=False)
                break
        values: list[Any] = column.to_pylist()
    except (pa.ArrowException, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise invalid(
            gettext_noop("The column cannot be read: %(reason)s"),
            line=line,
            column=name,
            params={"reason": shown(error)},
        ) from error
    return values


def _dictionaries(column: pa.Array) -> Iterator[pa.DictionaryArray]:
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield column
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _dictionaries(part)
    elif pa.types.is_map(kind):
        yield from _dictionaries(column.keys)
        yield from _dictionaries(column.items)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        yield from _dictionaries(column.flatten())


def _check_batch_bytes(texts: pa.DictionaryArray, name: str, line: int) -> None:
    lengths = pc.binary_length(texts.dictionary)
    if (pc.sum(lengths.take(texts.indices)).as_py() or 0) > MAX_PARQUET_BATCH_BYTES:
        raise invalid(
            gettext_noop("%(rows)s rows hold more than %(limit)s MiB in this column alone."),
            line=line,
            column=name,
            params={"rows": PARQUET_BATCH_ROWS, "limit": MAX_PARQUET_BATCH_BYTES // 1024**2},
        )


def _is_small_float(kind: pa.DataType) -> bool:
    return bool(pa.types.is_float16(kind) or pa.types.is_float32(kind))


def _is_bytes(kind: pa.DataType) -> bool:
    return bool(pa.types.is_binary(kind) or pa.types.is_large_binary(kind))


_CASTS: tuple[tuple[Callable[[pa.DataType], bool], pa.DataType], ...] = (
    (pa.types.is_timestamp, pa.timestamp("us", tz="UTC")),
    (_is_small_float, pa.string()),
    (_is_bytes, pa.string()),
)
