"""Each stacked layer beside the layers alone; batch norm over short batches beside its closed form."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from mer.engines.batch_sizes import BatchSizes
from mer.engines.dropout import FoldDropout
from mer.engines.layers import StackedBatchNorm2d
from mer.engines.stack import stack_nets, unstack
from mer.errors import MerError
from mer.models import DualBranchNet

FOLDS = 3


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def images(n_clips: int = 5, channels: int = 4) -> Tensor:
    return torch.randn(n_clips, FOLDS, channels, 9, 9)


def generators() -> list[torch.Generator]:
    return [torch.Generator().manual_seed(number) for number in range(FOLDS)]


def stack(layers: list[nn.Module], example: Tensor) -> nn.Module:
    return stack_nets(layers, BatchSizes(FOLDS), generators(), [example[:, 0]]).train()


@pytest.mark.parametrize(
    "build",
    [
        lambda: nn.Conv2d(4, 6, 3, padding=1, bias=False),
        lambda: nn.Conv2d(4, 6, 5, stride=2, padding=2),
        lambda: nn.Conv2d(4, 6, 3, dilation=2, groups=2),
        lambda: nn.BatchNorm2d(4),
        lambda: nn.BatchNorm2d(4, affine=False),
        lambda: nn.BatchNorm2d(4, track_running_stats=False),
        lambda: nn.MaxPool2d(3, 2, 1),
        lambda: nn.AvgPool2d(2, ceil_mode=True),
        lambda: nn.AdaptiveAvgPool2d(2),
        lambda: nn.ReLU(),
        lambda: nn.Sequential(nn.Conv2d(4, 6, 3), nn.BatchNorm2d(6), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
    ],
)
def test_stacked_layer_computes_what_its_layers_compute_alone(build: Callable[[], nn.Module]) -> None:
    layers, inputs = [build() for _ in range(FOLDS)], images().requires_grad_()
    stacked = stack(layers, inputs.detach())
    output = stacked(inputs)
    weight = torch.randn_like(output)
    gradient = torch.autograd.grad((output * weight).sum(), [inputs, *stacked.parameters()])
    for fold, layer in enumerate(layers):
        alone = inputs.detach()[:, fold].requires_grad_()
        expected = layer.train()(alone)
        torch.testing.assert_close(output[:, fold], expected)
        (expected * weight[:, fold]).sum().backward()
        torch.testing.assert_close(gradient[0][:, fold], alone.grad)
        for ours, parameter in zip(gradient[1:], layer.parameters(), strict=True):
            torch.testing.assert_close(ours[fold], parameter.grad, rtol=1e-4, atol=1e-5)
        for name, value in unstack(stacked, fold).items():
            torch.testing.assert_close(value, layer.state_dict()[name])


def test_stacked_linear_computes_what_its_layers_compute_alone() -> None:
    inputs = images()
    layers = [nn.Sequential(nn.AdaptiveAvgPool2d(3), Flat(), nn.Linear(36, 5)) for _ in range(FOLDS)]
    output = stack(layers, inputs)(inputs)
    for fold, layer in enumerate(layers):
        torch.testing.assert_close(output[:, fold], layer(inputs[:, fold]))


class Flat(nn.Module):
    """Flattens as a network's forward does; a part with a part, as only such are looked into."""

    def __init__(self) -> None:
        super().__init__()
        self.after = nn.Identity()

    def forward(self, maps: Tensor) -> Tensor:
        return self.after(maps.flatten(-3))


def short_batch_norm(sizes: list[int]) -> tuple[list[nn.BatchNorm2d], StackedBatchNorm2d]:
    layers = [nn.BatchNorm2d(2) for _ in sizes]
    for layer in layers:
        nn.init.normal_(layer.weight)
        nn.init.normal_(layer.bias)
    batch = BatchSizes(len(sizes))
    batch.set(sizes, torch.device("cpu"))
    return layers, StackedBatchNorm2d(layers, batch)


def test_batch_norm_of_a_short_batch_is_that_of_its_own_clips() -> None:
    sizes = [5, 2, 3]
    layers, stacked = short_batch_norm(sizes)
    inputs = torch.randn(5, 3, 2, 4, 4, requires_grad=True)
    weight = torch.randn(5, 3, 2, 4, 4)
    output = stacked(inputs)
    own = (torch.arange(5)[:, None] < torch.tensor(sizes))[:, :, None, None, None]
    (output * weight * own).sum().backward()
    for fold, (size, layer) in enumerate(zip(sizes, layers, strict=True)):
        alone = inputs.detach()[:size, fold].requires_grad_()
        expected = layer(alone)
        torch.testing.assert_close(output[:size, fold], expected)
        (expected * weight[:size, fold]).sum().backward()
        torch.testing.assert_close(inputs.grad[:size, fold], alone.grad, rtol=1e-4, atol=1e-5)
        assert inputs.grad[size:, fold].abs().sum() == 0
        for name, value in unstack(stacked, fold).items():
            torch.testing.assert_close(value, layer.state_dict()[name])


def test_batch_norm_of_two_values_is_plus_and_minus_one() -> None:
    """Clips a and b have mean (a + b) / 2 and variance (a - b)^2 / 4, whatever fills the batch up."""
    batch = BatchSizes(2)
    batch.set([2, 3], torch.device("cpu"))
    stacked = StackedBatchNorm2d([nn.BatchNorm2d(1, eps=0) for _ in range(2)], batch)
    inputs = torch.tensor([[3.0, 0.0], [7.0, 0.0], [1e6, 1.0]])[..., None, None, None]
    torch.testing.assert_close(stacked(inputs)[:2, 0].flatten(), torch.tensor([-1.0, 1.0]))
    torch.testing.assert_close(stacked.running_mean[0], torch.tensor([0.1 * 5]))
    torch.testing.assert_close(stacked.running_var[0], torch.tensor([0.9 + 0.1 * 8]))


def test_dropout_of_a_fold_is_the_one_it_has_alone() -> None:
    sizes, ones = [4, 2, 3], torch.ones(4, FOLDS, 50)
    batch = BatchSizes(FOLDS)
    batch.set(sizes, torch.device("cpu"))
    dropped = FoldDropout(0.3, generators(), batch)(ones)
    for fold, (size, generator) in enumerate(zip(sizes, generators(), strict=True)):
        alone = FoldDropout(0.3, [generator])(ones[:size, fold])
        torch.testing.assert_close(dropped[:size, fold], alone, rtol=0, atol=0)
        torch.testing.assert_close(alone.unique(), torch.tensor([0, 1 / 0.7]))
    assert not torch.equal(dropped[:2, 0], dropped[:2, 1])


@pytest.mark.parametrize(("p", "kept"), [(0.0, 1.0), (1.0, 0.0), (0.25, 0.75)])
def test_dropout_keeps_its_share_and_the_mean(p: float, kept: float) -> None:
    dropout = FoldDropout(p, [torch.Generator().manual_seed(0)])
    values = dropout(torch.ones(20_000))
    assert values.count_nonzero() / 20_000 == pytest.approx(kept, abs=0.02)
    assert values.mean() == pytest.approx(1 if kept else 0, abs=0.03)
    assert torch.equal(dropout.eval()(torch.ones(9)), torch.ones(9))


class FirstDimension(nn.Module):
    """A forward that takes dimension 1 for the channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 3, 3)

    def forward(self, maps: Tensor) -> Tensor:
        return self.conv(maps).mean(1)


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: nn.Sequential(nn.Conv2d(4, 3, 3), nn.InstanceNorm2d(3)), "InstanceNorm2d"),
        (lambda: nn.Sequential(nn.Conv2d(4, 3, 3), nn.PReLU()), "PReLU"),
        (FirstDimension, "forward"),
        (lambda: nn.Conv2d(4, 3, 3, padding=1, padding_mode="reflect"), "reflect"),
        (lambda: nn.BatchNorm2d(4, momentum=None), "momentum"),
    ],
)
def test_network_that_cannot_be_stacked_is_refused_in_one_line(build: Callable[[], nn.Module], said: str) -> None:
    with pytest.raises(MerError, match=f"{said}.*engine=sequential"):
        stack([build() for _ in range(FOLDS)], images())


def test_dual_branch_of_one_fold_is_its_stack() -> None:
    nets = [DualBranchNet(3, depth=3, widths=(4, 6), input_size=16, fusion=fusion) for fusion in ("concat",) * FOLDS]
    inputs = [torch.randn(5, FOLDS, 3, 16, 16) for _ in range(2)]
    whole = stack_nets(nets, BatchSizes(FOLDS), generators(), [one[:, 0] for one in inputs]).train()
    output = whole(*inputs)
    for fold, net in enumerate(nets):
        torch.testing.assert_close(output[:, fold], net.train()(*(one[:, fold] for one in inputs)), rtol=1e-4, atol=1e-4)
        assert unstack(whole, fold).keys() == net.state_dict().keys()
