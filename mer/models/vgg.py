"""VGG-16, what several methods take the features of a frame from; weights only from the user's own file."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from jaxtyping import Float
from safetensors.torch import load_file
from torch import Tensor, nn

from mer.errors import MerError, require_integer, require_number

VGG16_WIDTHS = (64, 128, 256, 512, 512)
_CONVOLUTIONS = (2, 2, 3, 3, 3)  # of each block; a pool ends it
_SHRINK = 32


class VGG16(nn.Module):
    """Thirteen 3x3 convolutions in five blocks, two hidden layers: an image -> the activations of the second ("fc7").

    134,260,544 parameters at three channels, 224 px and full widths. Parameters have the names of torchvision's VGG-16
    (``features.0.weight`` .. ``classifier.3.bias``), so that published state dicts fit.

    Source: Simonyan and Zisserman, ICLR 2015, arXiv:1409.1556, configuration D.

    Args:
        in_channels: channels of the images.
        input_size: height and width of the images, px.
        widths: channels of the five blocks.
        hidden: units of both hidden layers.
        dropout: probability after each hidden layer.
        weights: state dict, ``.safetensors`` or what ``torch.save`` wrote; None: random.
        frozen_blocks: so many blocks from the first are not trained.

    Raises:
        MerError: a setting is out of bounds, blocks without weights are to be frozen, or the file does not fit.
    """

    def __init__(
        self,
        in_channels: int = 3,
        input_size: int = 224,
        widths: Sequence[int] = VGG16_WIDTHS,
        hidden: int = 4096,
        dropout: float = 0.5,
        weights: str | None = None,
        frozen_blocks: int = 0,
    ) -> None:
        super().__init__()
        side = require_integer("features.size", input_size, _SHRINK, 10_000) // _SHRINK
        chance = require_number("model.dropout", dropout, 0, 1)
        frozen = require_integer("model.frozen_blocks", frozen_blocks, 0, len(_CONVOLUTIONS))
        if frozen and weights is None:
            raise MerError("model.weights where blocks are frozen", "none", "set model.weights=FILE or frozen_blocks=0")
        if len(widths) != len(_CONVOLUTIONS):
            raise MerError(f"{len(_CONVOLUTIONS)} of model.widths", f"{len(widths)}", "give one a block")
        layers: list[nn.Module] = []
        channels = in_channels
        for block, (count, width) in enumerate(zip(_CONVOLUTIONS, widths, strict=True)):
            for _ in range(count):
                conv = nn.Conv2d(channels, require_integer("each of model.widths", width, 1, 4096), 3, padding=1)
                conv.requires_grad_(block >= frozen)
                layers += [conv, nn.ReLU(inplace=True)]
                channels = width
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        hidden = require_integer("model.hidden", hidden, 1, 100_000)
        self.classifier = nn.Sequential(
            *(nn.Linear(channels * side**2, hidden), nn.ReLU(inplace=True), nn.Dropout(chance)),
            *(nn.Linear(hidden, hidden), nn.ReLU(inplace=True), nn.Dropout(chance)),
        )
        for layer in self.modules():
            if isinstance(layer, nn.Conv2d | nn.Linear):
                # Thirteen layers of torch's own, smaller initial weights leave nothing of the image.
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        if weights is not None:
            _load(self, read_state(weights), weights)

    def forward(self, images: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch hidden"]:
        """``(B, C, H, W)`` -> ``(B, hidden)``."""
        activations: Tensor = self.classifier(self.features(images).flatten(1))
        return activations


def read_state(path: str) -> Mapping[str, Tensor]:
    """A state dict from ``.safetensors``, or from a file of ``torch.save`` that holds tensors alone.

    Raises:
        MerError: there is no such file, or it cannot be read.
    """
    file = Path(path).expanduser()
    if not file.is_file():
        raise MerError(
            "a file of weights", f"nothing at {file}", "set model.weights=FILE, or null to start from scratch"
        )
    try:
        found = load_file(file) if file.suffix == ".safetensors" else torch.load(file, "cpu", weights_only=True)
    except Exception as error:  # both libraries raise many kinds
        got = f"{file}, {type(error).__name__}"
        raise MerError("a state dict as .safetensors or torch.save", got, "save the network's state_dict()") from error
    if not isinstance(found, dict) or not all(isinstance(one, Tensor) for one in found.values()):
        raise MerError("a state dict", f"{file} with something else", "save the network's state_dict()")
    return found


def _load(net: VGG16, state: Mapping[str, Tensor], path: str) -> None:
    """Take from ``state`` all of the net's parameters; a one-channel net, its first kernels summed over RGB.

    That sum is what a grey image, repeated as three channels, would meet.
    """
    wanted, taken = net.state_dict(), dict(state)
    first = "features.0.weight"
    if first in taken and wanted[first].shape[1] == 1:
        taken[first] = taken[first].sum(dim=1, keepdim=True)
    for name, tensor in wanted.items():
        got = "no such tensor" if name not in taken else f"{tuple(taken[name].shape)}"
        if got != f"{tuple(tensor.shape)}":
            remedy = "give a VGG-16 in torchvision's names, images of 1 or 3 channels, features.size=224, full widths"
            raise MerError(f"{name} of {tuple(tensor.shape)} in {path}", got, remedy)
    net.load_state_dict({name: taken[name] for name in wanted})
