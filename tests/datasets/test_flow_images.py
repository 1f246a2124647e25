"""FlowImages reads the published flow images, puts their zero back, and joins datasets."""

from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from mer.clip import subject_keys
from mer.datasets import FlowImages
from mer.errors import MerError
from tests.fakes import write_flow_images


def write_image(root: Path, red: int, green: int, blue: int) -> Path:
    """One clip whose image is of one colour but for a corner."""
    write_flow_images(root, subjects=1, clips_per_subject=1)
    image = np.full((28, 28, 3), (red, green, blue), np.uint8)
    image[0, :2] = [(0, 0, 0), (255, 255, 255)]
    cv2.imwrite(str(root / "s01_clip_01.png"), image[..., ::-1])
    return root


def test_rows_become_clips_in_the_order_of_labels_csv(tmp_path: Path) -> None:
    table = write_flow_images(tmp_path, subjects=2, clips_per_subject=3)
    index = FlowImages(str(tmp_path)).load()
    columns = ["dataset", "subject", "clip", "label"]
    pd.testing.assert_frame_equal(index.clips[columns], table[columns])
    assert index.clips["files"].tolist() == [(str(tmp_path / file),) for file in table["file"]]


def test_clips_have_no_frames_of_their_own(tmp_path: Path) -> None:
    write_flow_images(tmp_path)
    clips = FlowImages([str(tmp_path)]).load().clips
    assert clips[["fps", "onset", "apex", "offset"]].isna().all(axis=None)


def test_names_that_look_like_numbers_stay_text(tmp_path: Path) -> None:
    table = write_flow_images(tmp_path).assign(subject="006", clip=[f"{number:03d}" for number in range(6)])
    table.to_csv(tmp_path / "labels.csv", index=False)
    clips = FlowImages([str(tmp_path)]).load().clips
    assert set(clips["subject"]) == {"006"}
    assert clips["clip"].tolist() == ["000", "001", "002", "003", "004", "005"]


def test_red_is_u_green_is_v_blue_is_strain(tmp_path: Path) -> None:
    source = FlowImages([str(write_image(tmp_path, red=51, green=102, blue=204))], zero="middle")
    maps = source.flow_maps(source.load().clips)
    assert maps.strain is not None
    u, v = maps.flow[0, :, 5, 5].tolist()
    assert (u, v, maps.strain[0, 0, 5, 5].item()) == pytest.approx((51 / 255 - 0.5, 102 / 255 - 0.5, 204 / 255))


def test_median_puts_zero_where_most_of_the_face_is(tmp_path: Path) -> None:
    source = FlowImages([str(write_image(tmp_path, red=51, green=102, blue=204))])
    flow = source.flow_maps(source.load().clips).flow[0]
    assert torch.equal(flow[:, 5, 5], torch.zeros(2))
    assert flow[:, 0, 0].tolist() == pytest.approx([-51 / 255, -102 / 255])
    assert flow[:, 0, 1].tolist() == pytest.approx([204 / 255, 153 / 255])


def test_maps_come_in_the_order_of_the_clips(tmp_path: Path) -> None:
    write_flow_images(tmp_path)
    source = FlowImages([str(tmp_path)])
    clips = source.load().clips
    forward, backward = source.flow_maps(clips), source.flow_maps(clips.iloc[::-1])
    assert torch.equal(forward.flow, backward.flow.flip(0))
    assert not torch.equal(forward.flow, backward.flow)


def test_equal_names_of_two_datasets_stay_two_clips_of_two_subjects(tmp_path: Path) -> None:
    for dataset in ("smic", "samm"):
        write_flow_images(tmp_path / dataset, dataset, subjects=2, clips_per_subject=2)
    clips = FlowImages([str(tmp_path / "smic"), str(tmp_path / "samm")]).load().clips
    assert len(clips) == 8
    assert clips["subject"].nunique() == 2
    assert subject_keys(clips).nunique() == 4


def test_root_given_twice_is_refused(tmp_path: Path) -> None:
    write_flow_images(tmp_path)
    with pytest.raises(MerError, match="got smic/s01/clip_01 twice; remove the row or the root given twice"):
        FlowImages([str(tmp_path), str(tmp_path)]).load()


@pytest.mark.parametrize("roots", [None, []])
def test_roots_are_asked_for_where_none_are_given(roots: list[str] | None) -> None:
    with pytest.raises(MerError, match=r"set 'dataset\.roots=\[DIR,DIR\]'"):
        FlowImages(roots).load()


def test_unknown_zero_is_refused() -> None:
    with pytest.raises(MerError, match=r"dataset\.zero to be one of median, middle; got 'mean'"):
        FlowImages(["anywhere"], zero="mean")


def test_missing_labels_csv_is_named(tmp_path: Path) -> None:
    with pytest.raises(MerError, match=r"no file .*labels\.csv"):
        FlowImages([str(tmp_path)]).load()


@pytest.mark.parametrize("column", ["dataset", "subject", "clip", "label", "file"])
def test_missing_column_is_named(tmp_path: Path, column: str) -> None:
    write_flow_images(tmp_path).drop(columns=column).to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(MerError, match=rf"labels\.csv without {column}; add them"):
        FlowImages([str(tmp_path)]).load()


@pytest.mark.parametrize("column", ["dataset", "subject", "clip", "label", "file"])
def test_empty_cell_is_named(tmp_path: Path, column: str) -> None:
    table = write_flow_images(tmp_path)
    table.loc[2, column] = ""
    table.to_csv(tmp_path / "labels.csv", index=False)
    with pytest.raises(MerError, match=rf"row 4 of .*labels\.csv without {column}; fill it in"):
        FlowImages([str(tmp_path)]).load()


def test_row_that_breaks_off_is_named(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("dataset,subject,clip,label,file\nsmic,s01,s01_ne_01\n")
    with pytest.raises(MerError, match=r"row 2 of .* without label"):
        FlowImages([str(tmp_path)]).load()


@pytest.mark.parametrize("content", [b"", b"dataset,subject\n1,2,3\n1,2,3,4,5\n", b"dataset,\xff\xfe\n"])
def test_labels_csv_that_is_no_csv_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "labels.csv").write_bytes(content)
    with pytest.raises(MerError, match="a CSV with columns dataset, subject, clip, label, file"):
        FlowImages([str(tmp_path)]).load()


@pytest.mark.parametrize("content", [None, b"", b"\x89PNG cut off"], ids=["missing", "empty", "cut off"])
def test_image_that_cannot_be_read_is_named(tmp_path: Path, content: bytes | None) -> None:
    table = write_flow_images(tmp_path)
    image = tmp_path / table["file"][4]
    image.unlink()
    if content is not None:
        image.write_bytes(content)
    source = FlowImages([str(tmp_path)])
    with pytest.raises(MerError, match=f"a readable flow image; got .*{image.name}"):
        source.flow_maps(source.load().clips)


def test_roots_of_two_image_sizes_are_refused(tmp_path: Path) -> None:
    write_flow_images(tmp_path / "smic", "smic", size_px=28)
    write_flow_images(tmp_path / "samm", "samm", size_px=32)
    source = FlowImages([str(tmp_path / "smic"), str(tmp_path / "samm")])
    with pytest.raises(MerError, match="images of 28x28; got samm/s01/clip_01 of 32x32"):
        source.flow_maps(source.load().clips)


def test_real_smic_has_the_published_counts(real_data: Path) -> None:
    clips = FlowImages([str(real_data / "flow_images" / "smic")]).load().clips
    assert clips["label"].value_counts().to_dict() == {"negative": 70, "positive": 51, "surprise": 43}
    assert clips["subject"].nunique() == 16


def test_real_smic_and_casme2_join_to_40_subjects(real_data: Path) -> None:
    clips = FlowImages([str(real_data / "flow_images" / name) for name in ("smic", "casme2")]).load().clips
    assert len(clips) == 309
    assert subject_keys(clips).nunique() == 40


def test_real_flow_has_its_median_at_zero(real_data: Path) -> None:
    source = FlowImages([str(real_data / "flow_images" / "smic")])
    maps = source.flow_maps(source.load().clips)
    assert maps.flow.shape == (164, 2, 28, 28)
    flow = maps.flow.flatten(2)
    assert ((flow <= 0).float().mean(dim=2) >= 0.5).all()
    assert ((flow >= 0).float().mean(dim=2) >= 0.5).all()
    assert (flow.amax(dim=2) - flow.amin(dim=2)).allclose(torch.ones(164, 2), atol=1e-6)


def test_labels_without_a_row_are_refused(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("dataset,subject,clip,label,file\n")
    with pytest.raises(MerError, match="no row in"):
        FlowImages(str(tmp_path)).load()
