"""Features and networks as one ONNX graph from flow to probabilities, compared with torch before it is kept."""

import importlib.util
import warnings
from pathlib import Path
from typing import Any
from unittest import mock

import torch
from jaxtyping import Float
from torch import Tensor, nn

from mer.errors import MerError
from mer.export.model import ReleasedModel, ensemble_mean, views_of
from mer.files import atomic_file
from mer.flow import FlowMaps
from mer.needs import Needs

TOLERANCE = 1e-4  # of a probability; float32 sums in another order differ by about 1e-6
_PACKAGES = ("onnx", "onnxruntime")
_OPSET = 18
_LARGEST_BYTES = 1_900_000_000  # one file of protocol buffers ends at 2 GiB
_BATCHES = (1, 2, 5)  # clips; a graph that holds for the traced batch alone is found out


class FlowClassifier(nn.Module):
    """What the graph computes: flow in, and the apex frame where the features ask for it; probabilities out.

    Args:
        model: the model.
    """

    def __init__(self, model: ReleasedModel) -> None:
        super().__init__()
        self.features = model.features
        self.nets = nn.ModuleList(model.nets)
        self.temperature, self.flip_average = model.temperature, model.flip_average

    def forward(
        self, flow: Float[Tensor, "clip 2 height width"], apex: Float[Tensor, "clip 3 height width"] | None = None
    ) -> tuple[Float[Tensor, "clip classes"], Float[Tensor, "fold clip classes"]]:
        """Flow ``(N, 2, H, W)`` in px, RGB ``(N, 3, H, W)`` -> probabilities ``(N, C)`` and logits ``(F, N, C)``."""
        logits = [self._logits(view) for view in views_of(FlowMaps(flow, apex=apex), self.flip_average)]
        return torch.stack([ensemble_mean(one, self.temperature) for one in logits]).mean(dim=0), logits[0]

    def _logits(self, maps: FlowMaps) -> Float[Tensor, "fold clip classes"]:
        inputs = self.features(maps)
        return torch.stack([net(*inputs) for net in self.nets])


def write_onnx(model: ReleasedModel, path: Path) -> float:
    """Write the graph of ``model``, whole or not at all. Returns the largest difference of a probability to torch's.

    Inputs ``flow`` and, where the features ask for it, ``apex``; outputs ``probabilities`` and ``logits``. The number
    of clips is free, height and width are ``features.size``.

    Raises:
        MerError: onnx or onnxruntime is not installed; the model is too large for one file, takes more than flow and
            apex frame, or does what ONNX cannot; or the graph's probabilities are not torch's.
    """
    _require_packages()
    _require_small(model)
    classifier = FlowClassifier(model.to("cpu")).eval()
    with atomic_file(path) as temporary:
        _trace(classifier, _example(model, 3), temporary)
        difference = _largest_difference(classifier, model, temporary)
        if not difference <= TOLERANCE:
            got = f"{difference:.2g} between onnxruntime and torch"
            raise MerError(f"probabilities that differ by {TOLERANCE:g} at most", got, "leave onnx= out")
    return difference


def _trace(classifier: FlowClassifier, example: tuple[Tensor, ...], file: Path) -> None:
    """Write the graph that ``example`` traces.

    By the exporter that traces, not the one over torch.export: that took 44 s where this one takes 3 s, for two folds
    of the demo's network, and its time grows with the number of folds.
    """
    names = _input_names(example)
    free = {name: {0: "clips"} for name in (*names, "probabilities")} | {"logits": {1: "clips"}}
    # torch 2.13 turns a log on that prints the whole graph where it cannot express a part of it.
    quiet = mock.patch.object(torch._C, "_jit_set_onnx_log_enabled", return_value=None)
    with torch.no_grad(), warnings.catch_warnings(), quiet:
        warnings.simplefilter("ignore")  # shape checks are traced as constants, as they should; the exporter is old
        try:
            torch.onnx.export(
                classifier,
                example,
                str(file),
                input_names=names,
                output_names=["probabilities", "logits"],
                dynamic_axes=free,
                opset_version=_OPSET,
                dynamo=False,
            )
        except MerError as error:
            raise MerError("a model of flow and apex frames for ONNX", str(error), "leave onnx= out") from error
        except (torch.onnx.errors.OnnxExporterError, RuntimeError) as error:
            reason = " ".join(str(error).split())[:300]
            raise MerError("a model that ONNX can express", reason, "leave onnx= out") from error


def _largest_difference(classifier: FlowClassifier, model: ReleasedModel, file: Path) -> float:
    import onnxruntime

    session: Any = onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
    differences = []
    for n_clips in _BATCHES:
        example = _example(model, n_clips)
        feed = {name: one.numpy() for name, one in zip(_input_names(example), example, strict=True)}
        found = torch.from_numpy(session.run(["probabilities"], feed)[0])
        with torch.no_grad():
            expected = classifier(*example)[0]
        if found.shape != expected.shape:
            return float("inf")
        differences.append(float((found - expected).abs().max()))
    return max(differences)


def _example(model: ReleasedModel, n_clips: int) -> tuple[Tensor, ...]:
    """Flow, and apex frames where the features take them, of random values that are the same in every process."""
    size_px = int(model.settings["features"]["size"])
    generator = torch.Generator().manual_seed(n_clips)
    flow = torch.randn(n_clips, 2, size_px, size_px, generator=generator)
    if "apex" not in Needs.of(model.features).names:
        return (flow,)
    return flow, torch.rand(n_clips, 3, size_px, size_px, generator=generator)


def _input_names(example: tuple[Tensor, ...]) -> list[str]:
    return ["flow", "apex"][: len(example)]


def _require_packages() -> None:
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MerError(" and ".join(_PACKAGES), f"no {', '.join(missing)}", "pip install 'mer[onnx]'")


def _require_small(model: ReleasedModel) -> None:
    n_bytes = sum(tensor.nbytes for net in model.nets for tensor in net.state_dict().values())
    if n_bytes > _LARGEST_BYTES:
        got = f"{n_bytes / 1e9:.1f} GB of {model.n_folds} networks"
        raise MerError("weights below 1.9 GB for one ONNX file", got, "choose fewer by folds=[...]")
