"""Peak memory of ``mer prepare`` and ``mer train`` on as many clips as CASME II has and on ten times as many."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from rich.table import Table

from mer.synth.portrait import load_portrait

TIMES = 10
_SIZE_PX = 112  # of crops and maps, the paper's
_FRAME_PX, _FRAMES, _APEX, _SUBJECTS = 160, 5, 4, 26
_MOTIONS_PX = (-0.6, -0.3, 0.3, 0.6)  # a frame; each is written once, clips are links to it
_LABELS = ("happiness", "disgust", "surprise")
_MB = 2**20
_KB_A_MB = 1024
_ALONE = """
import sys
from mer.bench.peak import peak_bytes
from mer.cli import main
main(sys.argv[1:])
print(peak_bytes())
"""
_PREPARED = ("align=none", f"align.size_px={_SIZE_PX}", f"features.size={_SIZE_PX}", "flow=farneback")
_VERBS = {
    "prepare": (),
    "train": ("features=uveps", "augment=none", "model=ststnet", "protocol=subject_kfold", "protocol.k=2",
              "trainer.max_epochs=1", "batch_size=64", "trainer.accelerator=cpu"),
}  # fmt: skip

Rows = list[dict[str, object]]


def bench_memory(folder: Path, n_clips: int) -> Rows:
    """Peak memory in MB of each verb, in a process of its own, and what a clip more takes in kB.

    A clip is five frames of 160x160, links to one of four that are written; nothing of it depends on their number.
    Training is an epoch of two folds of a small network: what grows with clips is data, not the network.

    Args:
        folder: empty; clips, store and runs are written to it, about 0.4 MB a clip.
        n_clips: of the smaller dataset; the larger has ten times as many.
    """
    peaks: dict[tuple[str, int], float] = {}
    for clips in (n_clips, TIMES * n_clips):
        root = folder / str(clips)
        write_linked_clips(root / "clips", clips)
        places = ("dataset=folder", f"dataset.root={root}/clips", f"store={root}/store", f"outputs={root}/runs")
        for verb, settings in _VERBS.items():
            peaks[verb, clips] = peak_mb((verb, *places, *_PREPARED, *settings))
    return [memory_row(verb, n_clips, *(peaks[verb, clips] for clips in (n_clips, TIMES * n_clips))) for verb in _VERBS]


def memory_row(verb: str, n_clips: int, small_mb: float, large_mb: float) -> dict[str, object]:
    """A verb's row: its two peaks and their difference by clip."""
    kb_a_clip = (large_mb - small_mb) * _KB_A_MB / ((TIMES - 1) * n_clips)
    return {"verb": verb, "clips": n_clips, "peak_mb": small_mb, "tenfold_peak_mb": large_mb, "kb_a_clip": kb_a_clip}


def memory_table(rows: Sequence[dict[str, object]]) -> Table:
    """The rows for a terminal."""
    small = rows[0]["clips"]
    title = f"peak memory, maps of {_SIZE_PX} px"
    table = Table("", f"{small} clips (MB)", f"{TIMES * int(str(small))} clips (MB)", "a clip more (kB)", title=title)
    for row in rows:
        numbers = (f"{row['peak_mb']:.0f}", f"{row['tenfold_peak_mb']:.0f}", f"{row['kb_a_clip']:.0f}")
        table.add_row(f"mer {row['verb']}", *numbers)
    return table


def write_linked_clips(root: Path, n_clips: int) -> None:
    """A dataset of ``dataset=folder`` whose clips are links to the frames of four."""
    portrait = np.clip(load_portrait().image, 0, 255).astype(np.uint8)
    still = cv2.resize(portrait, (_FRAME_PX, _FRAME_PX), interpolation=cv2.INTER_AREA)
    for motion, step_px in enumerate(_MOTIONS_PX):
        (root / "moving" / str(motion)).mkdir(parents=True)
        for frame in range(_FRAMES):
            shift = np.array([[1, 0, step_px * frame], [0, 1, 0]], np.float32)
            moved = cv2.warpAffine(still, shift, (_FRAME_PX, _FRAME_PX), borderMode=cv2.BORDER_REPLICATE)
            cv2.imwrite(str(root / "moving" / str(motion) / f"{frame + 1}.png"), moved)
    with (root / "clips.csv").open("w") as sheet:
        print("dataset,subject,clip,path,fps,onset,apex,offset,label", file=sheet)
        for clip in range(n_clips):
            _link_frames(root / "moving" / str(clip % len(_MOTIONS_PX)), root / "linked" / str(clip))
            label = _LABELS[clip // len(_MOTIONS_PX) % len(_LABELS)]
            row = ("bench", f"s{clip % _SUBJECTS}", clip, f"linked/{clip}", 200, 1, _APEX, _FRAMES, label)
            print(*row, sep=",", file=sheet)


def _link_frames(source: Path, folder: Path) -> None:
    folder.mkdir(parents=True)
    for frame in source.iterdir():
        os.link(frame, folder / frame.name)


def peak_mb(words: Sequence[str]) -> float:
    """Largest memory of a process of its own that runs ``mer`` with these words."""
    ran = subprocess.run([sys.executable, "-c", _ALONE, *words], capture_output=True, text=True, check=True)
    return int(ran.stdout.splitlines()[-1]) / _MB
