"""Every model of conf/model at its smallest, with the features that its experiment gives it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from mer.build import is_network
from mer.flow import FlowMaps
from mer.hydra_app import conf_dir
from mer.needs import Needs
from tests.fakes import face_points

CLASSES = 3
SIZE_PX = 28
FRAMES = 6
MODELS = sorted(path.stem for path in (conf_dir() / "model").glob("*.yaml"))
# Widths beside which a whole network would take minutes; a model that is not here is taken as it is.
SMALL: Mapping[str, Mapping[str, Any]] = {
    "cnn_lstm": {"widths": [4, 8, 8], "hidden": 16, "lstm_units": 16},
    "dual_branch": {"depth": 2, "widths": [8, 16], "head_size": 4},
    "dual_inception": {"hidden": 64},
    "elrcn": {"widths": [4, 4, 8, 8, 8], "hidden": 32, "lstm_units": 16, "dense_units": 16},
    "fcnn3d": {"widths": [4, 8, 8], "hidden": 32},
    "flow_evm": {"widths": [4, 8, 8], "hidden": 32},
    "graph_tcn": {"widths": [16]},
    "htnet": {"width": 16, "repeats": [1, 1, 1]},
    "image_cnn": {"widths": [4, 4, 8, 8, 8], "hidden": 32},
    "rcn_a": {"width": 8},
}
_FEATURES = {"dssn": "m_eps"}  # of models without an experiment; the others have what conf/train.yaml has
_SIZES = {"cnn_lstm": 32, "graph_tcn": 48, "elrcn": 32, "image_cnn": 32, "dssn": 64}


@dataclass(frozen=True)
class Part:
    """A model's configuration at its smallest, and its features' where it is a network."""

    name: str
    model: DictConfig
    features: DictConfig

    @property
    def is_network(self) -> bool:
        return is_network(self.model)

    @property
    def needs(self) -> Needs:
        return Needs.of(instantiate(self.features) if self.is_network else instantiate(self.model).descriptor)

    def net(self, seed: int = 0) -> nn.Module:
        """A fresh network."""
        torch.manual_seed(seed)
        features = instantiate(self.features)
        net: nn.Module = instantiate(
            self.model, num_classes=CLASSES, input_size=self.features.size, in_channels=features.in_channels
        )
        return net

    def clips(self, targets: Tensor) -> FlowMaps:
        """Clips of these classes with as many frames as it takes."""
        return moving_clips(targets, self.features.size, self.needs.n_frames or FRAMES)

    def inputs(self, maps: FlowMaps) -> tuple[Tensor, ...]:
        inputs: tuple[Tensor, ...] = instantiate(self.features)(maps)
        return inputs


@cache
def part(name: str) -> Part:
    """The model ``name`` of conf/model."""
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        model = compose(f"model/{name}").model
        features = compose(f"features/{_features_of().get(name, 'uvm_uveps')}").features
    for setting, value in SMALL.get(name, {}).items():
        model[setting] = value
    features.size = _SIZES.get(name, SIZE_PX)
    for node in (model.get("descriptor") or {}, features):
        if "frames" in node and name != "cnn_lstm":  # whose states are five
            node.frames = FRAMES
    for reach in ("radii.2", "radius_frames"):  # of LBP in time, which FRAMES have no room for
        if OmegaConf.select(model, f"descriptor.{reach}") is not None:
            OmegaConf.update(model, f"descriptor.{reach}", 2)
    return Part(name, model, features)


def moving_clips(targets: Tensor, size_px: int, n_frames: int = FRAMES, noise: float = 0.5) -> FlowMaps:
    """Clips whose class tells where their motion goes, and where in the face the skin changes; and noise."""
    draw = torch.Generator().manual_seed(0)
    n_clips, classes = len(targets), torch.as_tensor(targets)
    rows = torch.arange(size_px).float() / size_px
    up, out = (rows - 0.5)[:, None].expand(size_px, size_px), (rows - 0.5)[None].expand(size_px, size_px)
    fields = torch.stack(
        [torch.stack([0 * up, 1 + 0 * up]), torch.stack([0 * up, -1 + 0 * up]), torch.stack([out, up])]
    )
    skins = torch.stack([(rows * 25).sin()[:, None].expand_as(up), (rows * 25).sin()[None].expand_as(up), 0 * up])

    def noisy(maps: Tensor) -> Tensor:
        return maps + noise * torch.randn(maps.shape, generator=draw)

    flow = noisy(fields[classes])
    growth = torch.linspace(0, 1, n_frames)[:, None, None, None]
    skin = (
        128
        + 60 * skins[classes][:, None, None] * growth
        + 16 * noise * torch.randn((n_clips, n_frames, 3, size_px, size_px), generator=draw)
    )
    frames = skin.clamp(0, 255).byte()
    face = torch.from_numpy(face_points(0, (size_px / 2, size_px / 2), size_px / 3))
    steps = growth[1:, 0, 0, 0]
    return FlowMaps(
        flow=flow,
        strain=noisy(flow.abs().mean(1, keepdim=True)).abs(),
        apex=frames[:, -1] / 255,
        frames=frames,
        landmarks=face.expand(n_clips, 68, 2).clone(),
        frame_flow=noisy(fields[classes])[:, None].expand(n_clips, n_frames - 1, 2, size_px, size_px) / (n_frames - 1),
        onset_flow=noisy(fields[classes])[:, None] * steps[None, :, None, None, None],
        unmagnified_flow=flow / 2,
    )


@cache
def _features_of() -> Mapping[str, str]:
    """Model -> features, as the first experiment that overrides both says."""
    found = dict(_FEATURES)
    for path in sorted((conf_dir() / "experiment").glob("*.yaml")):
        chosen = {name: value for entry in yaml.safe_load(path.read_text())["defaults"] if isinstance(entry, dict)
                  for name, value in entry.items()}  # fmt: skip
        if "override /model" in chosen and "override /features" in chosen:
            found.setdefault(chosen["override /model"], chosen["override /features"])
    return found
