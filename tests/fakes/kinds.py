"""Every adapter of coded clips beside the fake that it reads, for what all of them have to do alike."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mer.clip import ClipIndex
from mer.datasets import Casme, Casme2, Casme3, Folder, FourDme, Mmew, Samm, Smic
from mer.datasets.coded import CodedDataset
from tests.fakes import casme, casme2, casme3, folder, fourdme, mmew, samm, smic
from tests.fakes.coded import CodedFake


@dataclass(frozen=True)
class Kind:
    """An adapter, the fake that it reads, and the columns that it needs. Clips run from ``start`` to ``start`` + 5."""

    name: str
    adapter: Callable[..., CodedDataset]
    write: Callable[..., Path]
    row: Callable[..., CodedFake]
    frames: str
    sheet: str
    header: Sequence[str | None]
    needed: Sequence[str]
    has_apex: bool = True

    @property
    def start(self) -> int:
        return int(str(self.row().onset))

    def load(self, root: Path, *rows: CodedFake, **reading: Any) -> ClipIndex:
        return self.adapter(self.write(root, rows), **reading).load()

    def folder(self, root: Path) -> Path:
        """The first clip's folder."""
        found = [path.parent for path in (root / self.frames).rglob(f"*{self.start}.*") if path.is_file()]
        return found[0]

    def __str__(self) -> str:
        return self.name


def _needed(header: Iterable[str | None], *not_needed: str) -> list[str]:
    return [name for name in header if name and name not in not_needed]


KINDS = (
    Kind(
        "casme",
        Casme,
        casme.write_casme,
        casme.CasmeRow,
        frames=casme.FRAMES,
        sheet=casme.SHEET,
        header=casme.HEADER,
        needed=_needed(casme.HEADER, "ApexF2", "AU"),
    ),
    Kind(
        "casme2",
        Casme2,
        casme2.write_casme2,
        casme2.Casme2Row,
        frames=casme2.FRAMES,
        sheet=casme2.SHEET,
        header=casme2.HEADER,
        needed=_needed(casme2.HEADER),
    ),
    Kind(
        "casme3",
        Casme3,
        casme3.write_casme3,
        casme3.Casme3Row,
        frames=casme3.FRAMES_A,
        sheet=casme3.SHEET_A,
        header=casme3.HEADER_A,
        needed=_needed(casme3.HEADER_A, "AU", "Objective class"),
    ),
    Kind(
        "casme3_c",
        partial(Casme3, part="C"),
        casme3.write_casme3_c,
        casme3.Casme3CRow,
        frames=casme3.FRAMES_C,
        sheet=casme3.SHEET_C,
        header=casme3.HEADER_C,
        needed=_needed(casme3.HEADER_C, "au", "risk"),
        has_apex=False,
    ),
    Kind(
        "mmew",
        Mmew,
        mmew.write_mmew,
        mmew.MmewRow,
        frames=mmew.FRAMES,
        sheet=mmew.SHEET,
        header=mmew.HEADER,
        needed=_needed(mmew.HEADER, "Action Units", "remarks"),
    ),
    Kind(
        "fourdme",
        FourDme,
        fourdme.write_fourdme,
        fourdme.FourDmeRow,
        frames=fourdme.FRAMES,
        sheet=fourdme.SHEET,
        header=fourdme.HEADER,
        needed=("sub_ID", "fold_name", "Onset", "Apex", "Offset", "Emotion"),
    ),
    Kind(
        "samm",
        Samm,
        samm.write_samm,
        samm.SammRow,
        frames=".",
        sheet=samm.SHEET,
        header=samm.HEADER,
        needed=_needed(samm.HEADER, "Inducement Code", "Duration", "Micro", "Objective Classes", "Notes"),
    ),
    Kind(
        "folder",
        Folder,
        folder.write_folder,
        folder.FolderRow,
        frames=".",
        sheet=folder.SHEET,
        header=folder.HEADER,
        needed=("dataset", "subject", "clip", "path", "label"),
    ),
    Kind(
        "smic",
        partial(Smic, frames=smic.LONG),
        partial(smic.write_smic, frames=smic.LONG),
        smic.SmicRow,
        frames=smic.LONG,
        sheet=smic.SHEET,
        header=smic.HEADER_HS,
        needed=("Subject", "Filename", "OnsetF", "OffsetF", "Emotion"),
        has_apex=False,
    ),
)
