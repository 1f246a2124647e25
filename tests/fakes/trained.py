"""A finished run of a small network that was never trained, and models made of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from mer.flow import FlowMaps
from mer.models import DualBranchNet
from tests.fakes.runs import CLASSES, fake_predictions, write_run

SIZE_PX = 12
NETWORK: Mapping[str, Any] = {"_target_": "mer.models.DualBranchNet", "depth": 1, "widths": [4], "head_size": 2}
SETTINGS: Mapping[str, Any] = {
    "dataset": {"_target_": "mer.datasets.Folder", "root": "/home/someone/clips"},
    "labels": {"_target_": "mer.labels.LabelScheme", "name": "megc3", "classes": None},
    "align": {
        "_target_": "mer.align.EyeCrop",
        "landmarks": {"_target_": "mer.align.GivenLandmarks", "path": "/home/someone/landmarks.csv"},
    },
    "apex": {"_target_": "mer.apex.MiddleApex"},
    "magnify": {"_target_": "mer.magnify.NoMagnification", "temporal": {"_target_": "mer.magnify.IIR"}},
    "flow": {"_target_": "mer.flow.DISFlow", "preset": "medium"},
    "features": {"_target_": "mer.features.BranchFeatures", "size": SIZE_PX},
    "model": NETWORK,
    "recognition": {"optimizer": {"_target_": "torch.optim.Adam", "_partial_": True}},
    "protocol": {"_target_": "mer.protocols.loso", "_partial_": True},
}


def write_trained_run(folder: Path, subjects: int = 3, settings: Mapping[str, Any] | None = None) -> Path:
    """Write a run whose folds hold random weights of their own."""
    table = fake_predictions(subjects=subjects)
    sure = table.filter(like="prob_")
    table[sure.columns] = 0.1 + 0.7 * sure
    run = write_run(folder, {**SETTINGS, **(settings or {})}, table)
    for number, fold in enumerate(sorted((run / "folds").iterdir())):
        save_file(random_weights(number), fold / "model.safetensors")
    return run


def random_weights(seed: int) -> dict[str, torch.Tensor]:
    """Weights of ``NETWORK``, batch norms' statistics too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = DualBranchNet(len(CLASSES), 1, [4], input_size=SIZE_PX, head_size=2)
        net.train()(*torch.randn(2, 8, 3, SIZE_PX, SIZE_PX))
    return net.state_dict()


def random_maps(n_clips: int = 4, size_px: int = SIZE_PX) -> FlowMaps:
    """Flow of so many clips."""
    return FlowMaps(torch.randn(n_clips, 2, size_px, size_px, generator=torch.Generator().manual_seed(n_clips)))
