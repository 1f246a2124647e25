"""xlsx files with the same bytes every time."""

import io
import re
import zipfile

from openpyxl import Workbook

_FIXED_DATE = (2014, 5, 8, 0, 0, 0)
_FIXED_STAMP = b"2014-05-08T00:00:00Z"


def workbook_bytes(book: Workbook) -> bytes:
    """The workbook's bytes; every time of writing, in its properties and in the zip, is a fixed one."""
    written, fixed = io.BytesIO(), io.BytesIO()
    book.save(written)
    with zipfile.ZipFile(written) as source, zipfile.ZipFile(fixed, "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", _FIXED_STAMP, content)
            target.writestr(zipfile.ZipInfo(name, _FIXED_DATE), content, zipfile.ZIP_DEFLATED)
    return fixed.getvalue()
