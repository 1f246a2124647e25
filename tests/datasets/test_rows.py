"""Rows against the frames on disk: what every adapter of coded clips repairs, refuses and says of it."""

import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from mer.clip import ClipIndex, clip_name
from mer.datasets import Casme, Casme2, Casme3, FourDme, Mmew, Samm, Smic
from mer.datasets.rows import FIRST, LAST, CodedRow, Correction, Corrections, build_index, fit_to_frames
from mer.datasets.tree import ClipFrames, DatasetTree
from mer.errors import MerError
from tests.fakes import CasmeRow, casme, write_images, write_video
from tests.fakes.kinds import KINDS, Kind

WITH_APEX = tuple(kind for kind in KINDS if kind.has_apex)
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)
every_kind_with_apex = pytest.mark.parametrize("kind", WITH_APEX, ids=str)


def the_note(index: ClipIndex, kind: str) -> str:
    """The reason of the one note, which is of this kind and names a clip."""
    assert [note.kind for note in index.notes] == [kind]
    assert index.notes[0].clip.count("/") == 2
    return index.notes[0].reason


def numbers(index: ClipIndex) -> list[int]:
    """The numbers of the one clip's frames."""
    (files,) = index.clips["files"]
    return [int(re.findall(r"\d+", Path(file).stem)[-1]) for file in files]


@every_kind
def test_clean_rows_load_without_a_note(kind: Kind, tmp_path: Path) -> None:
    index = kind.adapter(kind.write(tmp_path)).load()
    assert len(index) >= 2
    assert index.notes == ()
    for _, clip in index.clips.iterrows():
        assert len(clip["files"]) == clip["offset"] - clip["onset"] + 1
        assert all(Path(file).is_file() for file in clip["files"])
        assert clip["label"] == clip["label"].lower() != ""
        assert clip["fps"] > 0
    assert index.clips["apex"].notna().eq(kind.has_apex).all()


@every_kind
def test_dataset_keeps_what_it_was_read_from(kind: Kind, tmp_path: Path) -> None:
    sources = kind.adapter(kind.write(tmp_path)).load().sources
    assert str(tmp_path / kind.sheet) in sources
    assert str(kind.folder(tmp_path)) in sources


@every_kind
def test_frames_from_onset_to_offset_are_taken_in_the_order_of_their_numbers(kind: Kind, tmp_path: Path) -> None:
    # Across 9 -> 10, where the order of the names is not that of the numbers.
    row = kind.row(onset=8, apex=10, offset=12, on_disk=range(1, 20))
    assert numbers(kind.load(tmp_path, row)) == [8, 9, 10, 11, 12]


@every_kind
def test_root_is_asked_for_where_none_is_given(kind: Kind) -> None:
    with pytest.raises(MerError, match=r"expected the folder of .+; got none; set dataset\.root=DIR"):
        kind.adapter(None).load()


@every_kind
def test_root_that_is_no_folder_is_named(kind: Kind, tmp_path: Path) -> None:
    with pytest.raises(MerError, match=r"no folder .*absent; set dataset\.root=DIR"):
        kind.adapter(tmp_path / "absent").load()


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.frames != "."], ids=str)
def test_frames_folder_of_another_name_is_asked_for(kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path)
    (tmp_path / kind.frames).rename(tmp_path / "mine")
    with pytest.raises(MerError, match=rf"no folder .*{kind.frames}; set dataset\.frames=NAME"):
        kind.adapter(tmp_path).load()


@every_kind
def test_sheet_of_another_name_is_asked_for(kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path)
    suffix = Path(kind.sheet).suffix
    (tmp_path / kind.sheet).rename(tmp_path / f"mine{suffix}")
    with pytest.raises(MerError, match=r"the (annotation )?sheet.*; got no .*; put it there.* dataset\.sheet="):
        kind.adapter(tmp_path).load()
    assert len(kind.adapter(tmp_path, sheet=f"mine{suffix}").load()) >= 2


@pytest.mark.parametrize(("kind", "column"), [(kind, column) for kind in KINDS for column in kind.needed], ids=str)
def test_missing_column_is_named(kind: Kind, column: str, tmp_path: Path) -> None:
    root = kind.write(tmp_path, header=["other" if name == column else name for name in kind.header])
    with pytest.raises(MerError, match=f"{re.escape(kind.sheet)} without {column}; use the distributed sheet"):
        kind.adapter(root).load()


@every_kind
def test_columns_may_stand_in_any_order(kind: Kind, tmp_path: Path) -> None:
    @dataclass(frozen=True)
    class Turned(type(kind.row())):  # type: ignore[misc]
        @property
        def cells(self) -> tuple[Any, ...]:
            return tuple(reversed(super().cells))

    assert len(kind.adapter(kind.write(tmp_path, [Turned()], header=kind.header[::-1])).load()) == 1


@pytest.mark.parametrize("kind", [kind for kind in WITH_APEX if kind.name != "folder"], ids=str)
def test_missing_apex_is_left_to_the_apex_step(kind: Kind, tmp_path: Path) -> None:
    index = kind.load(tmp_path, kind.row(apex=None))
    assert the_note(index, "repaired") == "missing apex, left to apex="
    assert index.clips["apex"].isna().all()
    assert len(numbers(index)) == 6


@every_kind_with_apex
@pytest.mark.parametrize(
    ("apex", "reason"),
    [
        ("/", "missing apex ('/'), left to apex="),
        (0, "apex {} is the onset, left to apex="),
        (-1, "apex {} outside onset..offset {}..{}, left to apex="),
        (6, "apex {} outside onset..offset {}..{}, left to apex="),
    ],
    ids=["text", "at the onset", "before the onset", "after the offset"],
)
def test_apex_that_cannot_be_used_is_left_to_the_apex_step(
    kind: Kind, apex: int | str, reason: str, tmp_path: Path
) -> None:
    apex = kind.start + apex if isinstance(apex, int) else apex
    index = kind.load(tmp_path, kind.row(apex=apex))
    assert the_note(index, "repaired") == reason.format(apex, kind.start, kind.start + 5)
    assert index.clips["apex"].isna().all()
    assert len(numbers(index)) == 6


@every_kind_with_apex
def test_apex_at_the_offset_is_kept(kind: Kind, tmp_path: Path) -> None:
    index = kind.load(tmp_path, kind.row(apex=kind.start + 5))
    assert index.notes == ()
    assert index.clips["apex"].tolist() == [kind.start + 5]


@every_kind
@pytest.mark.parametrize(
    ("onset", "offset", "reason"),
    [
        (5, 1, "onset {} after offset {}"),
        (2, 2, "onset {} is the offset"),
        ("/", 5, "onset '/' is no frame number"),
        (0, "/", "offset '/' is no frame number"),
    ],
    ids=["turned", "equal", "no onset", "no offset"],
)
def test_clip_without_an_interval_is_refused(
    kind: Kind, onset: int | str, offset: int | str, reason: str, tmp_path: Path
) -> None:
    start = kind.start
    first, last = (cell if isinstance(cell, str) else start + cell for cell in (onset, offset))
    index = kind.load(tmp_path, kind.row(onset=first, offset=last, on_disk=range(start, start + 6)))
    assert len(index) == 0
    assert re.fullmatch(reason.format(first, last), the_note(index, "refused"))


@every_kind
def test_clip_without_frames_is_refused(kind: Kind, tmp_path: Path) -> None:
    index = kind.load(tmp_path, kind.row(on_disk=()))
    assert the_note(index, "refused").startswith(f"no frames on disk in {tmp_path}")


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "smic"], ids=str)  # its folders are the clips
def test_file_in_place_of_a_clips_folder_is_refused(kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path, [kind.row()])
    clip = kind.folder(tmp_path)
    shutil.rmtree(clip)
    clip.touch()
    assert "no frames on disk" in the_note(kind.adapter(tmp_path).load(), "refused")


@every_kind
@pytest.mark.parametrize(
    ("missing", "reason"),
    [
        ([1], "gap in the numbering: 1 of the frames {0}..{2} missing, the first is {1}"),
        ([1, 2], "gap in the numbering: 2 of the frames {0}..{2} missing, the first is {1}"),
        ([0], "1 of the frames {0}..{2} missing, the first is {0}"),
    ],
    ids=["one", "two", "onset"],
)
def test_gap_in_the_numbering_refuses_the_clip(kind: Kind, missing: list[int], reason: str, tmp_path: Path) -> None:
    start = kind.start
    on_disk = [start + place for place in range(6) if place not in missing]
    index = kind.load(tmp_path, kind.row(on_disk=on_disk))
    needed = start + (3 if kind.has_apex else 5)
    assert the_note(index, "refused") == reason.format(start, start + 1, needed)


@every_kind
def test_fill_gaps_lets_the_frame_before_stand_in(kind: Kind, tmp_path: Path) -> None:
    start = kind.start
    row = kind.row(on_disk=[start, start + 3, start + 5])
    index = kind.load(tmp_path, row, fill_gaps=2)
    reason = "gap in the numbering: 3 frames missing, the ones before stand in for them"
    assert the_note(index, "repaired") == reason
    assert numbers(index) == [start, start, start, start + 3, start + 3, start + 5]
    assert index.clips["offset"].tolist() == [start + 5]


@every_kind
def test_gap_longer_than_fill_gaps_refuses_the_clip(kind: Kind, tmp_path: Path) -> None:
    row = kind.row(on_disk=[kind.start, *(kind.start + place for place in (3, 4, 5))])
    assert "2 of the frames" in the_note(kind.load(tmp_path, row, fill_gaps=1), "refused")


@every_kind
@pytest.mark.parametrize("missing", [0, 5], ids=["onset", "offset"])
def test_fill_gaps_makes_up_no_onset_and_no_offset(kind: Kind, missing: int, tmp_path: Path) -> None:
    row = kind.row(apex=kind.start + 5, on_disk=[kind.start + place for place in range(6) if place != missing])
    reason = the_note(kind.load(tmp_path, row, fill_gaps=3), "refused")
    interval = f"{kind.start}..{kind.start + 5}"
    assert reason == f"1 of the frames {interval} missing, the first is {kind.start + missing}"


@every_kind_with_apex
def test_fill_gaps_makes_up_no_apex(kind: Kind, tmp_path: Path) -> None:
    row = kind.row(on_disk=[kind.start + place for place in (0, 1, 2, 4, 5)])
    reason = the_note(kind.load(tmp_path, row, fill_gaps=3), "refused")
    assert reason == f"1 of the frames {kind.start}..{kind.start + 3} missing, the first is {kind.start + 3}"


@every_kind
def test_frames_missing_after_the_apex_shorten_the_clip(kind: Kind, tmp_path: Path) -> None:
    start = kind.start
    index = kind.load(tmp_path, kind.row(on_disk=range(start, start + 4)))
    if not kind.has_apex:
        assert the_note(index, "refused") == f"2 of the frames {start}..{start + 5} missing, the first is {start + 4}"
        return
    assert the_note(index, "repaired") == f"frames after {start + 3} missing, offset {start + 5} -> {start + 3}"
    assert index.clips["offset"].tolist() == [start + 3]
    assert numbers(index) == list(range(start, start + 4))


@every_kind
def test_equal_rows_are_one_clip(kind: Kind, tmp_path: Path) -> None:
    index = kind.load(tmp_path, kind.row(), kind.row())
    assert len(index) == 1
    assert re.fullmatch(r"duplicate clip: equal rows \d+, \d+, one used", the_note(index, "repaired"))


@every_kind
def test_rows_of_one_clip_that_differ_are_refused(kind: Kind, tmp_path: Path) -> None:
    rows = (kind.row(), kind.row(offset=kind.start + 4), kind.row())
    index = kind.load(tmp_path, *rows)
    assert len(index) == 0
    assert re.fullmatch(r"duplicate clip: rows \d+, \d+, \d+ differ", the_note(index, "refused"))


@every_kind
@pytest.mark.parametrize("what", ["subject", "clip"])
def test_name_that_leads_elsewhere_is_refused(kind: Kind, what: str, tmp_path: Path) -> None:
    index = kind.load(tmp_path, replace(kind.row(), **{what: "../x"}, on_disk=()))
    assert len(index) == 0
    (note,) = (note for note in index.notes if "has no folder" in note.reason or "no plain name" in note.reason)
    assert note.kind == "refused"


@every_kind
@pytest.mark.parametrize("what", ["subject", "clip"])
def test_row_without_a_name_is_refused_under_its_number(kind: Kind, what: str, tmp_path: Path) -> None:
    index = kind.load(tmp_path, replace(kind.row(), **{what: None}, on_disk=()))
    assert len(index) == 0
    (note,) = (note for note in index.notes if "row" in note.clip)
    assert re.fullmatch(r"\w+/row \d+", note.clip)
    assert note.reason.startswith(f"no {what}") or "has no folder" in note.reason


@every_kind
@pytest.mark.parametrize(("first", "suffix"), [(0, ".mp4"), (1, ".avi")])
def test_video_stands_in_for_a_folder(kind: Kind, first: int, suffix: str, tmp_path: Path) -> None:
    kind.write(tmp_path, [kind.row(onset=2, apex=4, offset=6, on_disk=[2])])
    clip = next(path.parent for path in (tmp_path / kind.frames).rglob("*2.jpg"))
    shutil.rmtree(clip)
    write_video(clip.with_name(clip.name + suffix), frames=8)
    index = kind.adapter(tmp_path, first_video_frame=first).load()
    assert index.notes == ()
    expected = [f"{clip}{suffix}#frame={number - first}" for number in range(2, 7)]
    assert list(index.clips["files"].iloc[0]) == expected


@every_kind
def test_video_too_short_for_its_row_is_refused(kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path, [kind.row(onset=2, apex=4, offset=6, on_disk=[2])])
    clip = next(path.parent for path in (tmp_path / kind.frames).rglob("*2.jpg"))
    shutil.rmtree(clip)
    write_video(clip.with_name(clip.name + ".avi"), frames=3)
    assert "of the frames 2.." in the_note(kind.adapter(tmp_path).load(), "refused")


@every_kind
def test_video_that_cannot_be_read_is_refused(kind: Kind, tmp_path: Path) -> None:
    kind.write(tmp_path, [kind.row()])
    clip = kind.folder(tmp_path)
    shutil.rmtree(clip)
    clip.with_name(clip.name + ".mp4").write_bytes(b"no video")
    assert "is no readable video" in the_note(kind.adapter(tmp_path).load(), "refused")


@every_kind
@pytest.mark.parametrize(("place", "is_refused"), [(1, True), (9, False)], ids=["inside", "after the offset"])
def test_two_files_of_one_number_refuse_a_clip_that_needs_it(
    kind: Kind, place: int, is_refused: bool, tmp_path: Path
) -> None:
    number = kind.start + place
    kind.write(tmp_path, [kind.row(on_disk=range(kind.start, kind.start + 10))])
    write_images(kind.folder(tmp_path), [f"copy-{number}.png"])
    index = kind.adapter(tmp_path).load()
    if not is_refused:
        assert index.notes == ()
        return
    assert the_note(index, "refused").startswith(f"two files are frame {number}, ")


@every_kind
def test_clip_that_is_a_link_out_of_the_dataset_is_used_on_demand_only(kind: Kind, tmp_path: Path) -> None:
    root = kind.write(tmp_path / "dataset", [kind.row()])
    clip = kind.folder(root)
    shutil.move(clip, tmp_path / "elsewhere")
    clip.symlink_to(tmp_path / "elsewhere")
    index = kind.adapter(root, follow_links=False).load()
    reason = "is a link out of the dataset's folder; set dataset.follow_links=true"
    assert the_note(index, "refused").endswith(reason)
    followed = kind.adapter(root, follow_links=True).load()
    assert followed.notes == ()
    assert len(numbers(followed)) == 6


@every_kind
def test_frame_that_is_a_link_out_of_the_dataset_is_used_on_demand_only(kind: Kind, tmp_path: Path) -> None:
    root = kind.write(tmp_path / "dataset", [kind.row()])
    frame = next(kind.folder(root).glob(f"*{kind.start + 1}.*"))
    frame.rename(tmp_path / "frame.jpg")
    frame.symlink_to(tmp_path / "frame.jpg")
    index = kind.adapter(root, follow_links=False).load()
    assert the_note(index, "refused") == f"{frame.name} is a link out of the dataset's folder"
    assert kind.adapter(root, follow_links=True).load().notes == ()


@every_kind
def test_links_inside_the_dataset_and_a_linked_root_are_used(kind: Kind, tmp_path: Path) -> None:
    root = kind.write(tmp_path / "dataset", [kind.row()])
    clip = kind.folder(root)
    kept = clip.rename(root / "kept")
    clip.symlink_to(kept)
    (tmp_path / "link").symlink_to(root)
    assert kind.adapter(tmp_path / "link", follow_links=False).load().notes == ()


@every_kind
def test_two_flaws_of_one_row_make_one_note(kind: Kind, tmp_path: Path) -> None:
    start = kind.start
    row = kind.row(apex="/", on_disk=[start, start + 2, start + 3, start + 4, start + 5])
    index = kind.load(tmp_path, row, row, fill_gaps=1)
    parts = the_note(index, "repaired").split("; ")
    assert parts[0].startswith("duplicate clip")
    assert parts[-1].startswith("gap in the numbering: 1 frames")
    assert len(parts) == (3 if kind.has_apex else 2)


@every_kind
def test_one_bad_row_leaves_the_others_alone(kind: Kind, tmp_path: Path) -> None:
    good = kind.adapter(kind.write(tmp_path / "good")).load()
    assert len(good) >= 2
    bad = tmp_path / "bad"
    shutil.copytree(tmp_path / "good", bad)
    next(kind.folder(bad).glob(f"*{kind.start}.*")).unlink()
    index = kind.adapter(bad).load()
    assert len(index) == len(good) - 1
    assert len(index.notes) == 1


@pytest.mark.parametrize("setting", ["fill_gaps", "first_video_frame"])
@pytest.mark.parametrize("value", [-1, 0.5, "1", True, 101])
def test_settings_out_of_bounds_are_refused(setting: str, value: Any) -> None:
    with pytest.raises(MerError, match=rf"dataset\.{setting} to be "):
        Casme(None, **{setting: value})


PUBLISHED = (Casme, Casme2, Casme3, FourDme, Mmew, Samm, Smic)


@pytest.mark.parametrize("adapter", PUBLISHED)
def test_docstring_names_layout_speed_and_source(adapter: type[Any]) -> None:
    text = " ".join(str(adapter.__doc__).split())
    source = adapter(None)
    assert "ayout" in text
    assert source.sheet in text
    assert source.frames == "." or source.frames in text
    assert f"{source.fps:g} fps" in text
    assert re.search(r"Source: .+ doi 10\.\d{4}/\S+", text)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.name != "casme3_c"], ids=str)
def test_docstring_names_the_columns_that_are_needed(kind: Kind) -> None:
    text = " ".join(str(type(kind.adapter(None)).__doc__).split())
    assert [column for column in kind.needed if column not in text] == []


def frames_of(*numbers: int) -> ClipFrames:
    return ClipFrames({number: f"{number}.jpg" for number in numbers})


ROW = CodedRow("sub01", "EP01", "happiness", "3", "5", "8", "sub01/EP01")


@pytest.mark.parametrize("name", [".", "..", "../x", "a/b", "/a", "x\\y", "x\ny", "x\ry"])
def test_name_that_is_no_plain_name_is_refused(name: str, tmp_path: Path) -> None:
    rows = [replace(ROW, subject=name), replace(ROW, clip=name)]
    index = build_index("casme", 60.0, rows, DatasetTree(tmp_path))
    assert [note.reason for note in index.notes] == [
        f"subject {name!r} is no plain name",
        f"clip {name!r} is no plain name",
    ]


def test_clips_of_the_same_frames_are_refused(tmp_path: Path) -> None:
    write_images(tmp_path / ROW.folder, [f"{number}.jpg" for number in range(1, 9)])
    rows = [ROW, replace(ROW, subject="sub02"), replace(ROW, clip="EP02", onset="1")]
    index = build_index("casme", 60.0, rows, DatasetTree(tmp_path))
    assert index.clips["clip"].tolist() == ["EP02"]
    assert [str(note) for note in index.notes] == [
        "refused casme/sub01/EP01: its frames are those of casme/sub02/EP01 too",
        "refused casme/sub02/EP01: its frames are those of casme/sub01/EP01 too",
    ]


def test_equal_names_of_two_datasets_are_two_clips(tmp_path: Path) -> None:
    rows = [ROW, replace(ROW, dataset="lab", fps=25.0, folder="lab")]
    for row in rows:
        write_images(tmp_path / row.folder, [f"{number}.jpg" for number in range(3, 9)])
    index = build_index("casme", 60.0, rows, DatasetTree(tmp_path))
    assert index.notes == ()
    assert list(zip(index.clips["dataset"], index.clips["fps"], strict=True)) == [("casme", 60.0), ("lab", 25.0)]


WRONG = Correction({"onset": "3", "apex": "6"}, "a list")


def corrected(tmp_path: Path, row: CodedRow, correction: Correction) -> ClipIndex:
    write_images(tmp_path / ROW.folder, [f"{number}.jpg" for number in range(1, 9)])
    corrections = Corrections({(row.subject, row.clip): correction})
    return build_index("casme", 60.0, [row], DatasetTree(tmp_path), corrections)


def test_correction_names_what_it_changes_and_its_source(tmp_path: Path) -> None:
    index = corrected(tmp_path, replace(ROW, onset="1"), WRONG)
    assert the_note(index, "repaired") == "onset 1 -> 3, apex 5 -> 6 (a list)"
    assert index.clips[["onset", "apex"]].to_numpy().tolist() == [[3, 6]]


def test_correction_of_what_is_right_already_takes_no_note(tmp_path: Path) -> None:
    assert corrected(tmp_path, replace(ROW, onset="3.0", apex="6"), WRONG).notes == ()


def test_addition_is_used_where_its_frames_are(tmp_path: Path) -> None:
    added = replace(ROW, clip="EP02", folder="sub01/EP02")
    write_images(tmp_path / ROW.folder, [f"{number}.jpg" for number in range(3, 9)])
    corrections = Corrections(additions=((added, "a list"), (ROW, "a list")))
    assert build_index("casme", 60.0, [ROW], DatasetTree(tmp_path), corrections).notes == ()
    write_images(tmp_path / added.folder, [f"{number}.jpg" for number in range(3, 9)])
    index = build_index("casme", 60.0, [ROW], DatasetTree(tmp_path), corrections)
    assert the_note(index, "repaired") == "row missing in the sheet, added (a list)"
    assert index.clips["clip"].tolist() == ["EP01", "EP02"]


def test_first_and_last_are_those_on_disk() -> None:
    clip, problems = fit_to_frames(replace(ROW, onset=FIRST, apex=None, offset=LAST), frames_of(7, 8, 9))
    assert clip is not None
    assert (clip["onset"], clip["apex"], clip["offset"]) == (7, None, 9)
    assert problems == []


def test_numbers_that_a_spreadsheet_made_decimal_are_read() -> None:
    clip, _ = fit_to_frames(replace(ROW, onset="3.0", apex="5.0", offset="8.0"), frames_of(*range(3, 9)))
    assert clip is not None
    assert (clip["onset"], clip["apex"], clip["offset"]) == (3, 5, 8)


@pytest.mark.parametrize("cell", ["3.5", "1e3", "-3", "", "9" * 16, "three"])
def test_cell_that_is_no_whole_number_is_no_frame(cell: str) -> None:
    assert fit_to_frames(replace(ROW, onset=cell), frames_of(3, 4)) == (None, [f"onset {cell!r} is no frame number"])


def test_interval_far_beyond_the_frames_is_refused_at_once() -> None:
    clip, problems = fit_to_frames(replace(ROW, apex=None, offset="9" * 15), frames_of(*range(3, 9)))
    assert clip is None
    assert problems == [f"{10**15 - 9} of the frames 3..{10**15 - 1} missing, the first is 9"]


def test_row_and_frames_given_are_left_alone() -> None:
    frames = frames_of(3, 4, 5)
    fit_to_frames(ROW, frames)
    assert dict(frames.names) == {3: "3.jpg", 4: "4.jpg", 5: "5.jpg"}
    assert ROW.offset == "8"


def test_name_of_a_clip_is_that_of_its_note(tmp_path: Path) -> None:
    index = Casme(casme.write_casme(tmp_path, [CasmeRow(apex=None)])).load()
    assert index.notes[0].clip == clip_name(index.clips.iloc[0])
