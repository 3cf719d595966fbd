import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from providers.contract.errors import InvalidSource
from providers.focus_schema import VERSIONS, columns_of
from providers.plugins.focus import reader
from providers.plugins.focus.reader import SourceRow, open_source, version_of

from .files import row, write_csv, write_gzip, write_parquet


def rows_of(path: Path) -> list:
    with open_source(path) as source:
        return list(source.rows)


def refusal(path, **options) -> InvalidSource:
    with pytest.raises(InvalidSource) as caught, open_source(path, **options) as source:
        list(source.rows)
    return caught.value


@pytest.mark.parametrize(
    ("write", "name", "expected"),
    [
        (write_csv, "a.csv", "csv"),
        (write_csv, "a.parquet", "csv"),
        (write_gzip, "a.csv.gz", "csv.gz"),
        (write_gzip, "a.csv", "csv.gz"),
        (write_parquet, "a.parquet", "parquet"),
        (write_parquet, "a.csv", "parquet"),
    ],
)
def test_format_is_told_by_content_not_by_name(tmp_path, write, name, expected):
    path = write(tmp_path / name, [row(), row(BilledCost="3")])

    with open_source(path) as source:
        assert source.format == expected
        assert source.version == "1.2"
        assert [(item.line, item.values["BilledCost"]) for item in source.rows] == [(2, "10.25"), (3, "3")]


@pytest.mark.parametrize("version", VERSIONS)
def test_version_is_told_by_columns(version):
    assert version_of([column.name for column in columns_of(version)]) == version


def test_version_of_azure_1_0_is_1_0_although_it_names_account_types():
    columns = [column.name for column in columns_of("1.0")]

    assert version_of([*columns, "BillingAccountType", "SubAccountType", "x_SkuMeterName"]) == "1.0"


def test_number_of_columns_of_each_version():
    assert [len(columns_of(version)) for version in VERSIONS] == [43, 50, 57, 65, 65]


def test_byte_order_mark_belongs_to_no_column(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row()], encoding="utf-8-sig")

    with open_source(path) as source:
        assert source.columns[0] == "AvailabilityZone"


def test_names_of_columns_are_read_in_any_case_and_order(tmp_path):
    values = {name.lower(): value for name, value in sorted(row().items(), reverse=True)}

    path = write_csv(tmp_path / "a.csv", [values])

    with open_source(path) as source:
        assert source.columns == tuple(sorted(row(), reverse=True))


def test_unknown_and_nameless_columns_are_kept(tmp_path):
    path = write_csv(tmp_path / "a.csv", [{"": "0", **row(x_Team="shop", Id="7")}])

    item = rows_of(path)[0]

    assert (item.values["column 1"], item.values["x_Team"], item.values["Id"]) == ("0", "shop", "7")


def test_quoted_line_breaks_and_empty_lines_keep_line_numbers_right(tmp_path):
    path = tmp_path / "a.csv"
    write_csv(path, [row(ChargeDescription="one\r\ntwo\nthree"), row(), row(SkuId="last")])
    text = path.read_bytes().replace(b"last", b"last", 1)
    path.write_bytes(text + b"\r\n\r\n" + text.splitlines(keepends=True)[-1])

    assert [(item.line, item.values["SkuId"]) for item in rows_of(path)] == [
        (2, "sku-1"),
        (5, "sku-1"),
        (6, "last"),
        (9, "last"),
    ]
    assert rows_of(path)[0].values["ChargeDescription"] == "one\r\ntwo\nthree"


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_both_line_ends_and_a_missing_last_one_are_read(tmp_path, end):
    path = write_csv(tmp_path / "a.csv", [row(), row()], lineterminator=end)
    path.write_bytes(path.read_bytes().rstrip(b"\r\n"))

    assert [item.line for item in rows_of(path)] == [2, 3]


def test_all_missing_columns_are_named_at_once(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row(BilledCost=None, ChargePeriodEnd=None, ProviderName=None)])

    error = refusal(path)

    assert (error.line, error.column) == (1, "BilledCost")
    assert str(error) == (
        "Required columns are missing: BilledCost, ChargePeriodEnd, ServiceProviderName | ProviderName."
    )


def test_repeated_columns_are_refused(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row()])
    path.write_text(path.read_text().replace("SkuId,", "SkuId,Tags,tags,", 1))

    error = refusal(path)

    assert (error.line, error.column, error.params) == (1, "Tags", {"columns": "Tags"})


@pytest.mark.parametrize(("delimiter", "name"), [(";", ";"), ("\t", "tab"), ("|", "|")])
def test_other_separators_are_named(tmp_path, delimiter, name):
    error = refusal(write_csv(tmp_path / "a.csv", [row()], delimiter=delimiter))

    assert str(error) == (
        f"The columns are separated by “{name}”. Expected commas: save the file as comma-separated CSV."
    )
    assert error.line == 1


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_empty_file_is_refused(tmp_path, content):
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    assert str(refusal(path)) == "The file is empty. Expected a header and rows."


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\x89PNG\r\n\x1a\n\0\0\0", "not a FOCUS file"),
        (gzip.compress(b"\x89PNG\r\n\x1a\n\0\0\0", mtime=0), "not a FOCUS file"),
        ("Поставщик,Сумма\n".encode("cp1251"), "not a FOCUS file"),
        (b'BilledCost"x"y,"a"b\n', "not a FOCUS file"),
        (b"PK\x03\x04....", "ZIP"),
        (b"\x28\xb5\x2f\xfd....", "Zstandard"),
        (b"BZh9....", "bzip2"),
        (b"\xfd7zXZ\0", "xz"),
        ("BilledCost,".encode("utf-16"), "UTF-16"),
        (b"PAR1 and no more", "Parquet file is damaged"),
        (b"\x1f\x8bno gzip", "gzip compression is damaged"),
    ],
)
def test_foreign_content_is_refused_in_one_sentence(tmp_path, content, words):
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    assert words in str(refusal(path))


def test_missing_file_is_refused(tmp_path):
    assert "cannot be opened" in str(refusal(tmp_path / "none.csv"))


def test_cut_gzip_is_refused_after_its_good_rows(tmp_path):
    path = write_gzip(tmp_path / "a.csv.gz", [row(SkuId=f"{number * 7919 % 9973}") for number in range(5000)])
    path.write_bytes(path.read_bytes()[:-2000])

    error = refusal(path)

    assert str(error) == "The gzip compression is damaged or cut off. Copy the file once more."
    assert error.line > 1


def test_rows_with_faults_come_in_their_place(tmp_path):
    header = ",".join(row())
    good = ",".join(row().values())
    lines = [
        header.encode(),
        good.encode(),
        good.encode() + b",1",
        good.replace("web", "сайт").encode("cp1251"),
        good.replace("web", "a\0b").encode(),
        good.replace("web", '"a"b').encode(),
        good.replace("web", "a\rb").encode(),
        good.encode(),
    ]
    path = tmp_path / "a.csv"
    path.write_bytes(b"\n".join(lines))

    items = rows_of(path)

    assert [item.line for item in items] == [2, 3, 4, 5, 6, 7, 8]
    assert [isinstance(item, SourceRow) for item in items] == [True, False, False, False, False, False, True]
    assert [str(item) for item in items[1:6]] == [
        "The row has 58 fields. Expected 57, as in the header.",
        "The row is not in UTF-8. Save the file in UTF-8.",
        "The row holds zero bytes. Expected text in UTF-8.",
        "The quotation marks of the row do not match. A quotation mark inside a value must be doubled.",
        "The row holds a bare carriage return. Expected lines that end in LF or CRLF.",
    ]


def test_quotation_mark_that_never_closes_stops_the_reading_where_it_opened(tmp_path):
    path = write_csv(tmp_path / "a.csv", [row()] * 5)
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace("web", '"web')
    path.write_text("\n".join(lines))

    error = refusal(path)

    assert (error.line, str(error)) == (4, "A quotation mark that is opened in this row is never closed.")


def test_endless_line_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_RECORD_BYTES", 2048)
    path = write_csv(tmp_path / "a.csv", [row(), row(Tags="x" * 4000)])

    assert refusal(path).line == 3


@pytest.mark.parametrize("write", [write_csv, write_gzip, write_parquet])
def test_content_beyond_the_cap_is_refused(tmp_path, write):
    rows = [row(ChargeDescription="the same words " * 20)] * 20_000
    path = write(tmp_path / "bomb", rows)

    error = refusal(path, max_bytes=1024**2)

    assert (
        str(error)
        == "The uncompressed content is larger than 0.000976562 GiB. Split the file into smaller ones."
    )
    if write is not write_csv:
        assert path.stat().st_size < 1024**2


def test_parquet_rows_are_counted_like_lines_over_row_groups(tmp_path):
    table = pa.table({name: [value] * 5000 for name, value in row().items()})
    pq.write_table(table, tmp_path / "a.parquet", row_group_size=700)

    assert [item.line for item in rows_of(tmp_path / "a.parquet")] == list(range(2, 5002))


def test_parquet_dictionaries_and_bytes_are_texts(tmp_path):
    path = write_parquet(
        tmp_path / "a.parquet",
        [row(ServiceName="Облако", RegionId=b"eu-1")],
        ServiceName=pa.dictionary(pa.int32(), pa.string()),
        RegionId=pa.binary(),
    )

    values = rows_of(path)[0].values

    assert (values["ServiceName"], values["RegionId"]) == ("Облако", "eu-1")


def test_parquet_bytes_that_are_no_text_name_their_column(tmp_path):
    error = refusal(write_parquet(tmp_path / "a.parquet", [row(RegionId=b"\xff\xfe")], RegionId=pa.binary()))

    assert error.column == "RegionId"


def test_parquet_header_is_checked_too(tmp_path):
    error = refusal(write_parquet(tmp_path / "a.parquet", [row(ServiceName=None)]))

    assert str(error) == "Required columns are missing: ServiceName."


@pytest.mark.parametrize("kind", [pa.string(), pa.map_(pa.string(), pa.string())])
def test_one_long_word_in_many_parquet_rows_is_refused_before_it_is_unpacked(tmp_path, monkeypatch, kind):
    monkeypatch.setattr(reader, "MAX_PARQUET_BATCH_BYTES", 1024**2)
    word = "x" * 10_000
    tags = [("team", word)] if kind != pa.string() else word
    path = write_parquet(tmp_path / "a.parquet", [row(Tags=tags)] * 2000, Tags=kind)

    error = refusal(path)

    assert (error.line, error.column) == (2, "Tags")
    assert path.stat().st_size < 1024**2


def test_endless_empty_lines_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(reader, "MAX_EMPTY_LINES", 10)
    path = write_csv(tmp_path / "a.csv", [row()])
    content = path.read_bytes()

    path.write_bytes(content + b"\n" * 100)
    after = refusal(path)
    path.write_bytes(b"\n" * 100 + content)
    before = refusal(path)

    assert str(after) == str(before) == "The file has more than 10 empty lines."
    assert after.line == 13
