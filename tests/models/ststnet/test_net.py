"""STSTNet beside its published size, and beside three streams of their own."""

import pytest
import torch
from torch import Tensor, nn

from mer.errors import MerError
from mer.models import STSTNet


class ThreeStreams(nn.Module):
    """The streams as the paper draws them."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.streams = nn.ModuleList(
            nn.Sequential(nn.Conv2d(3, width, 3, padding=2), nn.ReLU(), nn.BatchNorm2d(width), nn.MaxPool2d(3, 3, 1))
            for width in widths
        )
        self.head = nn.Linear(400, 3)

    def forward(self, maps: Tensor) -> Tensor:
        together = torch.cat([stream(maps) for stream in self.streams], dim=1)
        return self.head(nn.functional.avg_pool2d(together, 2).flatten(1))


def test_parameters_are_the_published_number() -> None:
    assert sum(weight.numel() for weight in STSTNet(3).parameters()) == 1683


def test_one_convolution_is_the_three_streams() -> None:
    torch.manual_seed(0)
    separate, ours, maps = ThreeStreams((3, 5, 8)), STSTNet(3, dropout=0.0), torch.randn(6, 3, 28, 28)
    for layer, name in ((0, "conv"), (2, "norm")):
        for kind in ("weight", "bias"):
            parts = [getattr(stream[layer], kind) for stream in separate.streams]
            getattr(getattr(ours, name), kind).data = torch.cat(parts).detach().clone()
    ours.head.load_state_dict(separate.head.state_dict())
    torch.testing.assert_close(ours(maps), separate(maps))
    for net in (ours, separate):
        net.eval()
    torch.testing.assert_close(ours(maps), separate(maps))


@pytest.mark.parametrize("size", [4, 12, 28, 29, 30, 31, 112])
def test_every_input_size_fits_the_linear_layer(size: int) -> None:
    assert STSTNet(5, input_size=size)(torch.randn(2, 3, size, size)).shape == (2, 5)


def test_ten_clips_are_learned_by_heart() -> None:
    torch.manual_seed(0)
    net, maps, targets = STSTNet(3, dropout=0.0), torch.randn(10, 3, 28, 28), torch.arange(10) % 3
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(maps), targets).backward()
        optimizer.step()
    assert (net.train()(maps).argmax(1) == targets).all()


def test_evaluation_does_not_depend_on_the_other_clips() -> None:
    net, maps = STSTNet(3).eval(), torch.randn(6, 3, 28, 28)
    torch.testing.assert_close(net(maps)[:1], net(maps[:1]))


def test_two_inputs_are_refused() -> None:
    with pytest.raises(MerError, match=r"one input.*features=uveps"):
        STSTNet(3, in_channels=(3, 3))


@pytest.mark.parametrize(("setting", "value"), [("input_size", 3), ("widths", (0, 5)), ("dropout", 1.5)])
def test_setting_out_of_bounds_is_refused(setting: str, value: object) -> None:
    with pytest.raises(MerError, match=setting.removeprefix("input_")):
        STSTNet(3, **{setting: value})
