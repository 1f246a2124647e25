"""`mer bench memory` measures each verb on two sizes of one dataset, whose clips take no room on disk."""

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from mer.bench import memory
from mer.datasets import Folder
from tests.runner import run_mer


def test_clips_of_the_bench_are_links_that_read_as_clips_of_all_classes(tmp_path: Path) -> None:
    memory.write_linked_clips(tmp_path, 30)
    clips = Folder(tmp_path).load().clips
    assert len(clips) == 30
    assert (clips["subject"].nunique(), clips["label"].nunique()) == (26, 3)
    assert len({Path(name).stat().st_ino for files in clips["files"] for name in files}) == 20


def test_each_verb_is_measured_on_both_datasets(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "write_linked_clips", lambda root, n_clips: None)

    def peak_mb(words: Sequence[str]) -> float:
        (root,) = (word for word in words if word.startswith("dataset.root="))
        n_clips = int(Path(root).parts[-2])
        return 500 + n_clips * {"prepare": 0, "train": 0.25}[words[0]]

    monkeypatch.setattr(memory, "peak_mb", peak_mb)
    told = json.loads(run_mer(capsys, "bench", "memory", "--dataset-clips", "40", "--json").out)["memory"]
    assert [(row["verb"], row["peak_mb"], row["tenfold_peak_mb"], row["kb_a_clip"]) for row in told] == [
        ("prepare", 500, 500, 0),
        ("train", 510, 600, 256),
    ]
    shown = run_mer(capsys, "bench", "memory", "--dataset-clips", "40").out
    assert "40 clips (MB)" in shown
    assert "400 clips (MB)" in shown


def test_dataset_of_fewer_clips_than_subjects_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "bench", "memory", "--dataset-clips", "25")
    assert (result.code, "--dataset-clips" in result.err) == (2, True)


@pytest.mark.slow
def test_prepare_grows_by_less_than_a_clips_flow(tmp_path: Path) -> None:
    prepared, trained = memory.bench_memory(tmp_path, 40)
    for row in (prepared, trained):
        assert 100 < float(str(row["peak_mb"])) < 4000
    assert float(str(trained["tenfold_peak_mb"])) > float(str(trained["peak_mb"])) + 40
    assert float(str(prepared["kb_a_clip"])) < float(str(trained["kb_a_clip"]))
