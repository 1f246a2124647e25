"""What all tests share: where the real data lies, a fake CASME II and its preparation, and a clip of frames."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate

import mer.preparation
from mer.align import NoCrop
from mer.apex import AnnotatedApex
from mer.clip import ClipIndex, clip_index
from mer.datasets import Casme2
from mer.hydra_app import conf_dir
from mer.labels import LabelScheme
from mer.magnify import IIR
from mer.preparation import Preparation
from mer.store import Store
from tests.fakes import write_casme2

Frame = npt.NDArray[np.uint8]
MakeClip = Callable[..., pd.Series]
LabelsOf = Callable[[str], LabelScheme]


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of the public data that MER_REAL_DATA names; the test is skipped where there is none."""
    folder = os.environ.get("MER_REAL_DATA")
    if not folder:
        pytest.skip("set MER_REAL_DATA to the folder of the real data")
    return Path(folder)


@pytest.fixture
def casme2_root(tmp_path: Path) -> Path:
    """A fake CASME II: 2 subjects, 2 clips each, nothing to repair."""
    return write_casme2(tmp_path / "casme2")


@pytest.fixture
def index(casme2_root: Path) -> ClipIndex:
    """The clips of that CASME II."""
    return Casme2(casme2_root).load()


@pytest.fixture
def preparation(tmp_path: Path) -> Preparation:
    """Makes key frames of whole frames at 16 px, into a store of its own."""
    return Preparation(Store(tmp_path / "store"), NoCrop(16), AnnotatedApex(), IIR())


@pytest.fixture
def never_extract(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From the call on, making key frames fails the test."""

    def fail(*arguments: object) -> None:
        raise AssertionError("key frames were made again")

    return lambda: monkeypatch.setattr(mer.preparation, "key_frames_of", fail)


@pytest.fixture
def make_clip(tmp_path: Path) -> MakeClip:
    """Writes frames as PNG and returns their clip: ``make_clip(frames, onset=4, apex=6)``."""

    def make(frames: Sequence[Frame], onset: int = 4, apex: int | None = None, clip: str = "EP01_01f") -> pd.Series:
        folder = tmp_path / "frames" / clip
        folder.mkdir(parents=True)
        files = tuple(str(folder / f"img{onset + number}.png") for number in range(len(frames)))
        for file, frame in zip(files, frames, strict=True):
            cv2.imwrite(file, frame[..., ::-1])
        name = {"dataset": "casme2", "subject": "sub01", "clip": clip, "label": "happiness", "action_units": "12"}
        numbers = {"fps": 200.0, "onset": onset, "apex": apex, "offset": onset + len(frames) - 1}
        return clip_index([name | numbers | {"files": files}]).clips.iloc[0]

    return make


@pytest.fixture(scope="session")
def labels_of() -> LabelsOf:
    """The label scheme that ``labels=NAME`` chooses, from mer's own configuration."""

    def build(name: str) -> LabelScheme:
        with initialize_config_dir(str(conf_dir()), version_base="1.3"):
            scheme: LabelScheme = instantiate(compose(f"labels/{name}").labels)
        return scheme

    return build
