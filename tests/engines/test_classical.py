"""Models without a network: what a fold's classifier sees, and what a run of them leaves."""

from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from torch import Tensor

from mer.datamodule import ClipDataset
from mer.engines import ClassicalEngine, TrainedFold, Training, run_folds
from mer.errors import MerError
from mer.flow import FlowMaps
from mer.handcrafted import BiWoof, Chance, DescriptorModel, Majority, SubjectSVM
from mer.handcrafted.classifiers import TrainingClips
from mer.metrics import confusion_matrix, uar
from mer.protocols.folds import Fold
from tests.engines.toys import clips, folds, silent, train, training

CLASSES = ("right", "left", "down")
SUBJECTS = np.array([f"toy-s{row // 10}" for row in range(90)], object)


def protocol() -> list[Fold]:
    """Nine subjects of ten clips each."""
    return folds((10,) * 9, 90)


def run(model: DescriptorModel, how: Training) -> dict[str, TrainedFold]:
    return train(ClassicalEngine(model, SUBJECTS, 3), protocol(), how)


def score(results: dict[str, TrainedFold], targets: Tensor) -> float:
    """UAR of all folds together."""
    predicted = np.concatenate([results[fold.subject].probabilities.argmax(1) for fold in protocol()])
    return uar(confusion_matrix(targets.numpy(), predicted, 3))


def bi_woof_model() -> DescriptorModel:
    return DescriptorModel(SubjectSVM(), BiWoof(blocks=2))


@dataclass
class Witness:
    """Keeps what it is given to learn from and to tell."""

    seen: list[tuple[TrainingClips, NDArray[np.float64]]] = field(default_factory=list)

    def probabilities(self, training: TrainingClips, vectors: NDArray[np.float64]) -> NDArray[np.float32]:
        self.seen.append((training, vectors))
        return np.full((len(vectors), 3), 1 / 3, np.float32)


@dataclass
class FirstFlow:
    """A clip's first value of u; counts the clips that it was asked for."""

    described: int = 0

    def __call__(self, maps: FlowMaps) -> Tensor:
        self.described += len(maps)
        return maps.flow[:, 0, 0, :1]


def test_directions_are_told_apart_and_permuted_labels_are_not() -> None:
    dataset = clips(90)
    assert score(run(bi_woof_model(), training(dataset=dataset)), dataset.targets) > 0.9
    generator = torch.Generator().manual_seed(1)
    found = []
    for _ in range(3):
        permuted = dataset.targets[torch.randperm(90, generator=generator)]
        found.append(score(run(bi_woof_model(), training(dataset=ClipDataset(dataset.maps, permuted))), permuted))
    assert np.mean(found) == pytest.approx(1 / 3, abs=0.1)


def test_a_fold_learns_from_its_training_rows_and_their_people_alone() -> None:
    witness, how = Witness(), training(dataset=clips(90))
    run(DescriptorModel(witness, FirstFlow()), how)
    first = how.clips.maps.flow[:, 0, 0, :1].double().numpy()
    for fold, (known, told) in zip(protocol(), witness.seen, strict=True):
        assert np.array_equal(known.vectors, first[fold.train])
        assert np.array_equal(known.targets, how.clips.targets.numpy()[fold.train])
        assert set(known.subjects) == set(SUBJECTS) - {fold.subject}
        assert np.array_equal(told, first[fold.test])
        assert (known.num_classes, known.seed) == (3, how.fold_seed(fold))


def test_the_clips_of_a_fold_do_not_change_what_it_learns() -> None:
    """Other labels of the test clips change nothing; another test clip changes its own row alone."""
    dataset, fold = clips(90), protocol()[0]
    expected = run(bi_woof_model(), training(dataset=dataset))[fold.subject].probabilities
    targets = dataset.targets.clone()
    targets[fold.test] = 2 - targets[fold.test]
    flow = dataset.maps.flow.clone()
    flow[fold.test[3]] = flow[fold.test[3]].flip(0)
    found = run(bi_woof_model(), training(dataset=ClipDataset(FlowMaps(flow), targets)))[fold.subject].probabilities
    others = np.arange(10) != 3
    assert np.array_equal(found[others], expected[others])
    assert not np.array_equal(found[3], expected[3])


def test_each_clip_is_described_once() -> None:
    descriptor = FirstFlow()
    run(DescriptorModel(Witness(), descriptor), training(dataset=clips(90)))
    assert descriptor.described == 90


def test_a_fold_alone_is_the_fold_of_a_full_run() -> None:
    how = training(dataset=clips(90))
    whole = run(DescriptorModel(Chance()), how)
    (alone,) = ClassicalEngine(DescriptorModel(Chance()), SUBJECTS, 3).train(protocol()[4:5], how, silent)
    assert np.array_equal(alone.probabilities, whole["toy-s4"].probabilities)
    drawn = {fold.probabilities.tobytes() for fold in whole.values()}
    assert len(drawn) > 1


def test_a_kept_fold_has_no_epochs_and_no_weights(tmp_path: Path) -> None:
    how = training(dataset=clips(90))
    rows = {"dataset": "toy", "subject": "s", "clip": [f"c{row}" for row in range(90)]}
    index = pd.DataFrame(rows | {"label": [CLASSES[target] for target in how.clips.targets]})
    engine = ClassicalEngine(DescriptorModel(Majority()), SUBJECTS, 3)
    pooled = run_folds(engine, how, index, CLASSES, protocol(), tmp_path, lambda *_: None, silent)
    assert len(pooled.predictions) == 90
    assert list(pd.read_csv(tmp_path / "toy-s0" / "metrics.csv").columns) == ["epoch", "train_loss", "train_accuracy"]
    assert pd.read_csv(tmp_path / "toy-s0" / "metrics.csv").empty
    assert load_file(tmp_path / "toy-s0" / "model.safetensors") == {}


def test_best_epoch_of_a_model_without_epochs_is_refused() -> None:
    how = replace(training(dataset=clips(90)), watch_test=True)
    with pytest.raises(MerError, match="a model without epochs"):
        ClassicalEngine(DescriptorModel(Majority()), SUBJECTS, 3).next_folds(protocol(), how)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA")
def test_clips_on_a_gpu_give_the_same() -> None:
    ours = run(bi_woof_model(), training(dataset=clips(90, "cuda")))
    expected = run(bi_woof_model(), training(dataset=clips(90)))
    assert all(np.array_equal(ours[name].probabilities, expected[name].probabilities) for name in expected)
