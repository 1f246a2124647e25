"""Workbooks have the same bytes whenever they are written."""

import io
import re
import zipfile

from openpyxl import Workbook, load_workbook

from mer.synth.workbook import workbook_bytes


def test_workbook_holds_no_time_of_writing_and_still_opens() -> None:
    book = Workbook()
    book.worksheets[0].append(("01", 7, None, "x"))
    content = workbook_bytes(book)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert {entry.date_time[0] for entry in archive.infolist()} == {2014}
        assert set(re.findall(rb"\d{4}-\d\d-\d\dT", archive.read("docProps/core.xml"))) == {b"2014-05-08T"}
    rows = list(load_workbook(io.BytesIO(content)).worksheets[0].iter_rows(values_only=True))
    assert rows == [("01", 7, None, "x")]
