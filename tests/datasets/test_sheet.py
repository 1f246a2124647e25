"""Sheets are read as text by the names of their columns, whatever stands around; what is damaged is refused."""

import datetime
import io
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from openpyxl import Workbook

from mer.datasets.sheet import numbered_name, objective_class, read_sheet, whole_number
from mer.errors import MerError

COLUMNS = {"subject": ("Subject",), "clip": ("Filename",), "onset": ("OnsetFrame", "Onset"), "units": ("AU",)}
HEADER = ("Subject", "Filename", "OnsetFrame", "AU")
Rows = Sequence[Sequence[object]]


def write_book(path: Path, *worksheets: Rows, names: Sequence[str] = ("Sheet1", "Sheet2", "Sheet3")) -> Path:
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in zip(names, worksheets, strict=False):
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(list(row))
    book.save(path)
    return path


def write_csv(path: Path, text: str, encoding: str = "utf-8", newline: str = "\n") -> Path:
    path.write_bytes(text.replace("\n", newline).encode(encoding))
    return path


def read_rows(path: Path, *rows: Sequence[object]) -> list[dict[str, str]]:
    return read_sheet(write_book(path / "a.xlsx", [HEADER, *rows]), COLUMNS)


def test_rows_are_texts_by_our_names_with_their_line(tmp_path: Path) -> None:
    assert read_rows(tmp_path, ("01", "EP02_01f", 46, "4+7"), (2, "EP03", None, 12)) == [
        {"subject": "01", "clip": "EP02_01f", "onset": "46", "units": "4+7", "line": "2"},
        {"subject": "2", "clip": "EP03", "onset": "", "units": "12", "line": "3"},
    ]


def test_header_may_stand_below_a_preamble_and_blank_rows_count_as_lines(tmp_path: Path) -> None:
    rows: Rows = [("SAMM, version 2",), (), ("Subject", "see below"), HEADER, (), ("1", "a"), (), (" ",), ("2", "b")]
    found = read_sheet(write_book(tmp_path / "a.xlsx", rows), COLUMNS)
    assert [(row["subject"], row["line"]) for row in found] == [("1", "6"), ("2", "9")]


@pytest.mark.parametrize(
    "header",
    [
        ("subject", "FILENAME", "Onset Frame", "au"),
        (" Subject ", "File name", "Onset_Frame", "AU'"),
        ("Subject\n", "Filename", "onset\xa0frame", "\ufeffAU"),
        ("Subject", "Filename", "Onset", "AU"),
    ],
)
def test_blanks_case_and_known_other_names_of_headers_do_not_matter(tmp_path: Path, header: Sequence[str]) -> None:
    (row,) = read_sheet(write_book(tmp_path / "a.xlsx", [header, ("1", "a", 5, "12")]), COLUMNS)
    assert list(row.values()) == ["1", "a", "5", "12", "2"]


def test_columns_are_found_by_name_in_any_order_beside_others(tmp_path: Path) -> None:
    rows = [("AU", None, "remark", "OnsetFrame", "Filename", "Subject"), ("12", 1, 2, 5, "a", "1", "a stray remark")]
    (row,) = read_sheet(write_book(tmp_path / "a.xlsx", rows), COLUMNS)
    assert (row["subject"], row["clip"], row["onset"], row["units"]) == ("1", "a", "5", "12")


def test_optional_column_may_be_missing_and_is_empty(tmp_path: Path) -> None:
    path = write_book(tmp_path / "a.xlsx", [HEADER[:3], ("1", "a", 5)])
    assert read_sheet(path, COLUMNS, optional=["units"])[0]["units"] == ""


def test_missing_columns_are_named(tmp_path: Path) -> None:
    path = write_book(tmp_path / "a.xlsx", [("Subject", "AU"), ("1", "12")])
    with pytest.raises(MerError, match=r"columns Subject, Filename, OnsetFrame, AU; got .* without Filename, OnsetFra"):
        read_sheet(path, COLUMNS)


@pytest.mark.parametrize("rows", [[], [()], [("1", "a", 5)]])
def test_sheet_without_a_header_is_refused(tmp_path: Path, rows: Rows) -> None:
    with pytest.raises(MerError, match="without Subject, Filename, OnsetFrame, AU"):
        read_sheet(write_book(tmp_path / "a.xlsx", rows), COLUMNS)


def test_header_alone_holds_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path) == []


def test_second_header_row_is_a_row_like_any_other(tmp_path: Path) -> None:
    assert [row["subject"] for row in read_rows(tmp_path, HEADER, ("1", "a", 5, "12"))] == ["Subject", "1"]


@pytest.mark.parametrize("second", ["OnsetFrame", "Onset", "onset frame"])
def test_two_columns_of_one_name_must_agree(tmp_path: Path, second: str) -> None:
    header = (*HEADER, second)
    path = write_book(tmp_path / "a.xlsx", [header, ("1", "a", 5, "12", 5), ("1", "b", None, "12", None)])
    assert [row["onset"] for row in read_sheet(path, COLUMNS)] == ["5", ""]
    write_book(path, [header, ("1", "a", 5, "12", 5), ("1", "b", 5, "12", 6)])
    with pytest.raises(MerError, match=r"one column OnsetFrame; got .*a\.xlsx with 2, '5' and '6' in row 3; remove"):
        read_sheet(path, COLUMNS)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (46, "46"),
        (46.0, "46"),
        (46.5, "46.5"),
        ("46.0", "46.0"),
        (" 46\xa0", "46"),
        ("\u300046\u200b", "46"),
        ("\ufeff46", "46"),
        (True, "True"),
        (0, "0"),
        (-3, "-3"),
        (1e20, "100000000000000000000"),
        ("=1+2", ""),  # a formula that no program has computed
        ("nan", "nan"),
        ("NA", "NA"),
        ("#N/A", "#N/A"),
        (datetime.datetime(2014, 5, 8), "2014-05-08 00:00:00"),
        ("a\nb", "a\nb"),
    ],
)
def test_cell_is_its_text(tmp_path: Path, cell: object, text: str) -> None:
    assert read_rows(tmp_path, ("1", "a", cell, "12"))[0]["onset"] == text


def test_merged_cells_hold_their_text_once(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.worksheets[0]
    for row in (HEADER, ("1", "a", 5, "12"), (None, "b", 6, "12")):
        sheet.append(list(row))
    sheet.merge_cells("A2:A3")
    book.save(tmp_path / "a.xlsx")
    assert [row["subject"] for row in read_sheet(tmp_path / "a.xlsx", COLUMNS)] == ["1", ""]


def test_first_worksheet_with_the_columns_is_read_unless_one_is_named(tmp_path: Path) -> None:
    one, other = [HEADER, ("1", "a", 5, "12")], [HEADER, ("2", "b", 6, "12")]
    path = write_book(tmp_path / "a.xlsx", [("Notes",)], one, other, names=("Read me", "HS", "VIS"))
    assert read_sheet(path, COLUMNS)[0]["subject"] == "1"
    assert read_sheet(path, COLUMNS, worksheet="VIS")[0]["subject"] == "2"
    with pytest.raises(MerError, match=r"worksheet NIR in .*; got Read me, HS, VIS"):
        read_sheet(path, COLUMNS, worksheet="NIR")


def rewrite(path: Path, member: str, pattern: str, new: str) -> None:
    """Replace text inside one part of a workbook."""
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    changed = re.sub(pattern.encode(), new.encode(), parts[member])
    assert changed != parts[member]
    with zipfile.ZipFile(path, "w") as book:
        for name, data in (parts | {member: changed}).items():
            book.writestr(name, data)


def test_rows_beyond_the_size_that_the_workbook_tells_are_read(tmp_path: Path) -> None:
    path = write_book(tmp_path / "a.xlsx", [HEADER, ("1", "a", 5, "12"), ("2", "b", 6, "12")])
    rewrite(path, "xl/worksheets/sheet1.xml", 'ref="A1:D3"', 'ref="A1:B2"')
    assert [row["units"] for row in read_sheet(path, COLUMNS)] == ["12", "12"]


def test_rows_that_the_workbook_leaves_out_count_as_lines(tmp_path: Path) -> None:
    path = write_book(tmp_path / "a.xlsx", [HEADER, ("1", "a", 5, "12")])
    rewrite(path, "xl/worksheets/sheet1.xml", r'(r="[A-D]?)2"', r'\g<1>7"')
    assert read_sheet(path, COLUMNS)[0]["line"] == "7"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return write_book(tmp_path / "a.xlsx", [HEADER, ("1", "a", 5, "12")])


def html(_: bytes) -> bytes:
    return b"<html><body>Please log in</body></html>"


def other_zip(_: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as packed:
        packed.writestr("readme.txt", "no workbook")
    return file.getvalue()


@pytest.mark.parametrize(
    "spoil",
    [
        lambda _: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data[:-30],
        lambda data: data[:200] + bytes(400) + data[600:],
        lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),  # an old xls, or one with a password
        lambda _: b"Subject,Filename,OnsetFrame,AU\n",
        html,
        other_zip,
    ],
    ids=["empty", "half", "end", "zeros", "xls", "csv", "html", "zip"],
)
def test_file_that_is_no_whole_workbook_is_refused(book: Path, spoil: object) -> None:
    assert callable(spoil)
    book.write_bytes(spoil(book.read_bytes()))
    with pytest.raises(MerError, match=r"an xlsx workbook; got .*a\.xlsx: .*; download the sheet again") as refused:
        read_sheet(book, COLUMNS)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("member", "pattern", "new"),
    [
        ("xl/worksheets/sheet1.xml", "</sheetData>.*", ""),
        ("xl/worksheets/sheet1.xml", r'r="A2"', 'r="2A"'),
        ("xl/worksheets/sheet1.xml", r"<v>5</v>", "<v>5"),
        ("xl/workbook.xml", "<sheets>.*</sheets>", "<sheets>"),
        ("[Content_Types].xml", "<Types", "<Tpyes"),
    ],
)
def test_workbook_with_spoilt_parts_is_refused(book: Path, member: str, pattern: str, new: str) -> None:
    rewrite(book, member, pattern, new)
    with pytest.raises(MerError, match="an xlsx workbook"):
        read_sheet(book, COLUMNS)


@pytest.mark.parametrize("name", ["absent.xlsx", "absent.csv", "folder.csv", "x" * 300 + ".csv"])
def test_file_that_is_missing_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(MerError, match=rf"no file .*{name}; put it there or set dataset\.sheet=NAME"):
        read_sheet(tmp_path / name, COLUMNS)


@pytest.mark.parametrize("name", ["a.csv", "a.xlsx"])
def test_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied")

    (tmp_path / name).touch()
    monkeypatch.setattr(io, "open", refuse)
    with pytest.raises(MerError, match="Permission denied"):
        read_sheet(tmp_path / name, COLUMNS)


CSV = 'Subject,Filename,OnsetFrame,AU\n01,表情,46,"4,7"\n\n2,b,46.0,\n'


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize("name", ["a.csv", "A.CSV", "a.txt"])
def test_csv_is_read_in_the_encodings_of_its_programs(tmp_path: Path, encoding: str, newline: str, name: str) -> None:
    assert read_sheet(write_csv(tmp_path / name, CSV, encoding, newline), COLUMNS) == [
        {"subject": "01", "clip": "表情", "onset": "46", "units": "4,7", "line": "2"},
        {"subject": "2", "clip": "b", "onset": "46.0", "units": "", "line": "4"},
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_csv_in_another_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    path = write_csv(tmp_path / "a.csv", CSV.replace("表情", "André"), encoding)
    with pytest.raises(MerError, match=r"a CSV file in UTF-8; got .*a\.csv: "):
        read_sheet(path, COLUMNS)


@pytest.mark.parametrize("text", ["Subject,Filename,OnsetFrame,AU\n1,a,4\x006,12\n", "S\0u\0b\0"])
def test_csv_with_zero_bytes_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MerError, match="zero bytes, as UTF-16 has them"):
        read_sheet(write_csv(tmp_path / "a.csv", text), COLUMNS)


def test_line_of_a_csv_is_the_row_that_a_spreadsheet_shows(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", 'Subject,Filename,OnsetFrame,AU\n1,a,5,"4\n7"\n2,b,6,12\n')
    assert [(row["units"], row["line"]) for row in read_sheet(path, COLUMNS)] == [("4\n7", "2"), ("12", "3")]


@pytest.mark.parametrize("row", ['1,a,5,"12\n2,b,6,12', '1,a,5,"12"x'])
def test_quote_that_nobody_closed_swallows_no_rows(tmp_path: Path, row: str) -> None:
    path = write_csv(tmp_path / "a.csv", f"Subject,Filename,OnsetFrame,AU\n{row}\n")
    with pytest.raises(MerError, match="a CSV file in UTF-8"):
        read_sheet(path, COLUMNS)


def test_comma_without_quotes_moves_no_cells_into_other_columns(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "AU,Subject,Filename,OnsetFrame\n12,1,a,5\n4,7,1,a,5\n")
    with pytest.raises(MerError, match=r"rows of 4 cells; got .*a\.csv with 5 in row 3; put cells .* into quotes"):
        read_sheet(path, COLUMNS)


def test_blank_cells_at_the_end_of_a_csv_row_do_not_matter(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", "Subject,Filename,OnsetFrame,AU\n1,a,5,12,, \n1,b\n")
    assert [row["onset"] for row in read_sheet(path, COLUMNS)] == ["5", ""]


@pytest.mark.parametrize("text", ["Subject;Filename;OnsetFrame;AU\n1;a;5;12\n", "", "\n\n"])
def test_csv_with_other_separators_or_nothing_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(MerError, match=r"a\.csv without Subject"):
        read_sheet(write_csv(tmp_path / "a.csv", text), COLUMNS)


def test_csv_cell_too_long_for_any_sheet_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MerError, match="field larger than field limit"):
        read_sheet(write_csv(tmp_path / "a.csv", CSV + "1,a,5," + "x" * 200_000), COLUMNS)


@pytest.mark.parametrize(
    ("cell", "number"),
    [
        ("46", 46),
        ("046", 46),
        ("46.0", 46),
        (" 46.000 ", 46),
        ("0", 0),
        ("9" * 15, 10**15 - 1),
        ("9" * 16, None),
        ("9" * 5000, None),
        *(
            (cell, None)
            for cell in ("", "/", "46.5", "46.", ".0", "4.6E1", "1e2", "-3", "+46", "1,234", "0x2e", "46 47")
        ),
        *((cell, None) for cell in ("nan", "True", "\uff14\uff16", "\u0664\u0666", "4_6", "1900-02-15 00:00:00")),
    ],
)
def test_whole_number_is_one_beyond_doubt(cell: str, number: int | None) -> None:
    assert whole_number(cell) == number


@pytest.mark.parametrize(
    ("cell", "form", "name", "is_repaired"),
    [
        ("01", "sub{:02d}", "sub01", False),
        ("12", "sub{:02d}", "sub12", False),
        ("1", "sub{:02d}", "sub01", True),
        ("1.0", "sub{:02d}", "sub01", True),
        ("006", "{:03d}", "006", False),
        ("6", "{:03d}", "006", True),
        ("sub01", "sub{:02d}", "sub01", False),
        ("True", "sub{:02d}", "True", False),
        ("", "sub{:02d}", "", False),
    ],
)
def test_subject_gets_its_zeros_back_and_says_so(cell: str, form: str, name: str, is_repaired: bool) -> None:
    found, repair = numbered_name(cell, form)
    assert (found, bool(repair)) == (name, is_repaired)
    assert not repair or (cell in repair and name in repair)


@pytest.mark.parametrize(
    ("cell", "name"), [("1", "I"), ("7.0", "VII"), ("iv", "IV"), ("V", "V"), ("0", "0"), ("8", "8"), ("", "")]
)
def test_objective_class_is_roman(cell: str, name: str) -> None:
    assert objective_class(cell) == name
