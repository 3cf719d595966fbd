"""Rows as CSV and Parquet, in pieces of bytes as they come: memory is that of one piece."""

from __future__ import annotations

import csv
import io
import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from costs.focus.columns import ExportColumn
from providers.focus_schema import Kind

CSV_ROWS = 1000
PARQUET_ROWS = 10_000
"""A piece of the file; in Parquet a row group."""
GZIP_WINDOW = 31
"""zlib's sign for the gzip format."""
COST_TYPE = pa.decimal128(28, 10)
PRICE_TYPE = pa.decimal128(38, 20)
_TYPES = {
    Kind.STRING: pa.string(),
    Kind.JSON: pa.string(),
    Kind.DECIMAL: COST_TYPE,
    Kind.DATETIME: pa.timestamp("us", tz="UTC"),
}

Row = Sequence[Any]


def csv_pieces(columns: Sequence[ExportColumn], rows: Iterable[Row]) -> Iterator[bytes]:
    """CSV in UTF-8 without a mark: null is an empty cell, a decimal has its point, an instant its Z."""
    formats = [_FORMATS[column.kind] for column in columns]
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    stream = iter(rows)
    while True:
        piece = list(islice(stream, CSV_ROWS))
        writer.writerows(
            [None if value is None else form(value) for form, value in zip(formats, row, strict=True)]
            for row in piece
        )
        yield buffer.getvalue().encode()
        if len(piece) < CSV_ROWS:
            return
        buffer.seek(0)
        buffer.truncate()


def gzip_pieces(pieces: Iterable[bytes]) -> Iterator[bytes]:
    packer = zlib.compressobj(6, zlib.DEFLATED, GZIP_WINDOW)
    for piece in pieces:
        if packed := packer.compress(piece):
            yield packed
    yield packer.flush()


def parquet_pieces(
    columns: Sequence[ExportColumn], rows: Iterable[Row], *, is_gzip: bool, about: dict[str, str]
) -> Iterator[bytes]:
    """Parquet: decimals with ten places (prices twenty), instants in UTC, texts; `about` goes into its metadata."""
    schema = arrow_schema(columns).with_metadata(about)
    sink = _Sink()
    file = pa.PythonFile(sink, mode="w")
    with pq.ParquetWriter(file, schema, compression="gzip" if is_gzip else "zstd") as writer:
        stream = iter(rows)
        while piece := list(islice(stream, PARQUET_ROWS)):
            arrays = [
                pa.array(values, field.type)
                for field, values in zip(schema, zip(*piece, strict=True), strict=True)
            ]
            del piece
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


def arrow_schema(columns: Sequence[ExportColumn]) -> pa.Schema:
    return pa.schema(
        [pa.field(column.name, PRICE_TYPE if column.is_price else _TYPES[column.kind]) for column in columns]
    )


def described(columns: Sequence[ExportColumn], profile: str, at: datetime) -> dict[str, str]:
    """What FOCUS wants to stand beside the data: version, creator, columns."""
    definitions = [
        {"ColumnName": column.name, "DataType": column.kind.value.capitalize()}
        | (
            {"NumericPrecision": 38 if column.is_price else 28, "NumberScale": 20 if column.is_price else 10}
            if column.kind is Kind.DECIMAL
            else {}
        )
        for column in columns
    ]
    return {
        "SchemaId": f"infrazen-focus-{profile}",
        "FocusVersion": profile,
        "DataGenerator": "InfraZen",
        "CreationDate": instant_text(at),
        "ColumnDefinition": json.dumps(definitions),
    }


class _Sink(io.RawIOBase):
    """What Parquet is written into: keeps the bytes until they are taken."""

    def __init__(self) -> None:
        super().__init__()
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)


@lru_cache(maxsize=1 << 14)
def instant_text(moment: datetime) -> str:
    """`2026-10-01T00:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@lru_cache(maxsize=1 << 14)
def number_text(value: Decimal) -> str:
    """Plain digits with a point: `48.0`, so that no reader takes a column of whole amounts for integers."""
    text = format(value, "f")
    if "." not in text:
        return f"{text}.0"
    text = text.rstrip("0")
    return f"{text}0" if text.endswith(".") else text


_FORMATS: dict[Kind, Callable[[Any], str]] = {
    Kind.STRING: str,
    Kind.JSON: str,
    Kind.DECIMAL: number_text,
    Kind.DATETIME: instant_text,
}
