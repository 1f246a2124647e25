"""Networks over whole clips in every engine: inputs of more dimensions than an image has."""

import functools
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from mer.datamodule import ClipDataset
from mer.engines import SequentialEngine, StackedEngine, Training
from mer.errors import MerError
from mer.features import ClipFeatures, FlipBlur, inputs
from mer.features.inputs import FreshInputs, TabledInputs, clip_inputs
from mer.recognition import MicroExpressionModule
from tests.clip_maps import noise_maps
from tests.engines.toys import CPU, build_trainer, check_equal, folds, train

N_CLIPS, N_FRAMES, SIZE_PX = 12, 4, 8
FEATURES = ClipFeatures([["grey"], ["u", "v", "eps"]], N_FRAMES, SIZE_PX)


class StepsAsChannels(nn.Module):
    """Takes a clip's times for channels, counting dimensions from the last, as stacks ask it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(N_FRAMES + 3 * (N_FRAMES - 1), 5, 3)
        self.head = nn.Linear(5 * (SIZE_PX - 2) ** 2, 3)

    def forward(self, grey: Tensor, motion: Tensor) -> Tensor:
        steps = torch.cat([grey.flatten(-4, -3), motion.flatten(-4, -3)], dim=-3)
        logits: Tensor = self.head(self.conv(steps).relu().flatten(-3))
        return logits


class StepsAsClips(StepsAsChannels):
    """Counts them from the first, which a fold dimension moves."""

    def forward(self, grey: Tensor, motion: Tensor) -> Tensor:
        return super().forward(grey.flatten(1, 2)[:, :, None].movedim(1, 2), motion)


class Recurrent(nn.Module):
    """Has a layer without a stacked form."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(SIZE_PX**2, 3, batch_first=True)

    def forward(self, grey: Tensor, motion: Tensor) -> Tensor:
        last: Tensor = self.lstm(grey.flatten(2))[0][:, -1]
        return last


def build_module(net: type[nn.Module], training: ClipDataset) -> MicroExpressionModule:
    return MicroExpressionModule(net(), FEATURES, functools.partial(torch.optim.Adam, lr=1e-2), 3)


def build_inputs(dataset: ClipDataset) -> Any:
    return clip_inputs(dataset.maps, FEATURES, FlipBlur())


def clip_training(net: type[nn.Module]) -> Training:
    clips = ClipDataset(noise_maps(N_CLIPS, SIZE_PX, N_FRAMES), torch.arange(N_CLIPS) % 3)
    settings = CPU | {"max_epochs": 2}
    trainer = functools.partial(build_trainer, settings)
    return Training(clips, functools.partial(build_module, net), build_inputs, trainer, settings, batch_size=4, seed=7)


def test_folds_over_clips_are_trained_together_as_each_alone() -> None:
    which = folds((4, 3), N_CLIPS)
    alone = train(SequentialEngine(), which, clip_training(StepsAsChannels))
    together = train(StackedEngine(), which, clip_training(StepsAsChannels))
    for name, expected in alone.items():
        check_equal(together[name], expected)


@pytest.mark.parametrize(("net", "what"), [(StepsAsClips, "its forward"), (Recurrent, "layer LSTM")])
def test_a_stack_refuses_what_it_cannot_hold_in_a_line(net: type[nn.Module], what: str) -> None:
    with pytest.raises(MerError, match=f"{what}.*engine=sequential"):
        train(StackedEngine(), folds((4, 3), N_CLIPS), clip_training(net))


def test_a_recurrent_network_is_trained_fold_by_fold() -> None:
    trained = train(SequentialEngine(), folds((4, 3), N_CLIPS), clip_training(Recurrent))
    assert [one.probabilities.shape for one in trained.values()] == [(4, 3), (3, 3)]


def test_table_of_clips_holds_what_batches_would_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inputs, "_BATCH", 5)
    maps, rows = noise_maps(N_CLIPS, SIZE_PX, N_FRAMES), [torch.tensor([8, 3, 0]), torch.tensor([2])]
    made = [
        kind(maps, FEATURES, FlipBlur()).augmented(rows, [torch.Generator().manual_seed(seed) for seed in (4, 5)])
        for kind in (FreshInputs, TabledInputs)
    ]
    for fresh, tabled in zip(*made, strict=True):
        assert fresh.shape[:2] == (3, 2)
        torch.testing.assert_close(fresh, tabled)
