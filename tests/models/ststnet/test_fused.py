"""The fused operation beside torch's layers: values, running statistics, gradients, and when it is used."""

import copy
from collections.abc import Iterator
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from mer.models import STSTNet
from mer.models.ststnet import kernels
from mer.models.ststnet import net as ststnet
from mer.models.ststnet.fused import conv_relu_norm_pool

TOLERANCES = {torch.float64: {"rtol": 1e-9, "atol": 1e-11}, torch.float32: {"rtol": 2e-4, "atol": 2e-5}}


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """One entry a call of the fused operation."""
    made: list[int] = []

    def counted(*arguments: Tensor) -> object:
        made.append(len(arguments))
        return conv_relu_norm_pool(*arguments)

    monkeypatch.setattr(ststnet, "conv_relu_norm_pool", counted)
    return made


def build(side: int = 28, dtype: torch.dtype = torch.float64) -> STSTNet:
    """A network whose norm neither begins at 1 and 0 nor has seen nothing."""
    torch.manual_seed(0)
    net = STSTNet(3, input_size=side, dropout=0.0).to(dtype)
    for numbers in (net.norm.weight.data, net.norm.running_var):
        numbers.uniform_(0.5, 2)
    for numbers in (net.norm.bias.data, net.norm.running_mean):
        numbers.normal_()
    return net


def by_layers(net: STSTNet, maps: Tensor) -> Tensor:
    return net.head(net.average(net.pool(net.norm(net.relu(net.conv(maps))))).flatten(1))


def check_equal(net: STSTNet, maps: Tensor) -> None:
    """Logits, buffers and gradients of ``net`` and of its layers one by one."""
    plain, tolerance = copy.deepcopy(net), TOLERANCES[maps.dtype]
    logits, expected = net(maps), by_layers(plain, maps)
    torch.testing.assert_close(logits, expected, **tolerance)
    for name, buffer in plain.named_buffers():
        torch.testing.assert_close(net.get_buffer(name), buffer, **tolerance)
    weights = torch.randn_like(expected)
    for one in (logits, expected):
        (one * weights).sum().backward()
    for name, parameter in plain.named_parameters():
        torch.testing.assert_close(net.get_parameter(name).grad, parameter.grad, **tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("n_clips", "side"), [(1, 28), (16, 12), (17, 28), (35, 29), (3, 4), (5, 30)])
def test_equals_the_layers(calls: list[int], dtype: torch.dtype, n_clips: int, side: int) -> None:
    check_equal(build(side, dtype), torch.randn(n_clips, 3, side, side, dtype=dtype))
    assert len(calls) == 1


def test_channels_innermost_change_nothing(calls: list[int]) -> None:
    maps = torch.randn(20, 3, 28, 28, dtype=torch.float64)
    net = build().to(memory_format=torch.channels_last)
    check_equal(net, maps.contiguous(memory_format=torch.channels_last))
    assert len(calls) == 1


def test_ties_give_the_gradient_to_the_layers_choice(calls: list[int]) -> None:
    """Flat maps tie inside of windows, above 0 and, after the ReLU, at 0."""
    maps = torch.randn(6, 3, 4, 4, dtype=torch.float64).repeat_interleave(7, 2).repeat_interleave(7, 3)
    check_equal(build(), maps)
    check_equal(build(), torch.zeros_like(maps))
    assert len(calls) == 2


def test_a_channel_that_is_0_everywhere_stays_finite(calls: list[int]) -> None:
    net = build()
    net.conv.bias.data[3] = -100
    check_equal(net, torch.randn(6, 3, 28, 28, dtype=torch.float64))
    assert len(calls) == 1


def test_statistics_survive_a_mean_far_above_the_spread() -> None:
    net = build(dtype=torch.float32)
    net.conv.bias.data += 20
    plain, maps = copy.deepcopy(net).double(), torch.randn(40, 3, 28, 28)
    net(maps), by_layers(plain, maps.double())
    torch.testing.assert_close(net.norm.running_var.double(), plain.norm.running_var, rtol=1e-4, atol=0)


@pytest.mark.parametrize("factor", [0.0, -1.5])
def test_norm_factors_not_above_0_take_the_layers(calls: list[int], factor: float) -> None:
    net = build()
    net.norm.weight.data[5] = factor
    check_equal(net, torch.randn(6, 3, 28, 28, dtype=torch.float64))
    assert not calls


def test_inputs_with_gradient_evaluation_and_autocast_take_the_layers(calls: list[int]) -> None:
    net, maps = build(dtype=torch.float32), torch.randn(4, 3, 28, 28)
    gradient = torch.autograd.grad(net(maps.requires_grad_()).square().sum(), maps)[0]
    assert gradient.abs().sum() > 0
    with torch.autocast("cpu", torch.bfloat16):
        net(maps.detach())
    with torch.no_grad():
        net(maps)
    net.eval()(maps.detach())
    assert not calls


def test_training_ends_where_the_layers_end(calls: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    maps, targets = torch.randn(30, 3, 28, 28), torch.arange(30) % 3
    fused, plain = build(dtype=torch.float32), build(dtype=torch.float32)
    for net, can_fuse in ((fused, STSTNet._can_fuse), (plain, lambda *_: False)):
        monkeypatch.setattr(STSTNet, "_can_fuse", can_fuse)
        optimizer = torch.optim.Adam(net.parameters(), lr=1e-3)
        for _ in range(10):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(net(maps), targets).backward()
            optimizer.step()
    assert len(calls) == 10
    for name, value in plain.state_dict().items():
        torch.testing.assert_close(fused.state_dict()[name], value, rtol=2e-3, atol=2e-3)


def operands(n_clips: int, channels: int, out: int, height: int, width: int) -> list[Tensor]:
    """Maps, weight, bias, scale and shift, all but the first with gradients, in double precision."""
    generator = torch.Generator().manual_seed(0)
    shapes = [(n_clips, channels, height, width), (out, channels, 3, 3), (out,), (out,), (out,)]
    maps, weight, bias, scale, shift = (torch.randn(shape, generator=generator).double() for shape in shapes)
    return [maps, *(one.requires_grad_() for one in (weight, bias, scale.abs() + 0.1, shift))]


def layer_by_layer(maps: Tensor, weight: Tensor, bias: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    rectified = F.conv2d(maps, weight, bias, padding=2).relu()
    return F.max_pool2d(F.batch_norm(rectified, None, None, scale, shift, True, eps=1e-5), 3, 3, 1)


def gradients(pooled: Tensor, to: list[Tensor]) -> tuple[Tensor, ...]:
    """Of weighted windows, whose weights reach the operation with rows and columns exchanged in memory."""
    weights = torch.randn(pooled.mT.shape, generator=torch.Generator().manual_seed(1), dtype=pooled.dtype)
    return torch.autograd.grad((pooled.mT * weights).sum(), to)


SIZES = [(3, 3, 16, 28, 28), (4, 1, 1, 5, 9), (9, 2, 7, 10, 6), (2, 5, 4, 3, 21), (2, 3, 6, 2, 2)]


@pytest.mark.parametrize("size", SIZES)
def test_any_number_of_channels_and_any_side_equal_the_layers(size: tuple[int, int, int, int, int]) -> None:
    given = operands(*size)
    pooled, expected = conv_relu_norm_pool(*given, 1e-5).pooled, layer_by_layer(*given)
    torch.testing.assert_close(pooled, expected, **TOLERANCES[torch.float64])
    for one, other in zip(gradients(pooled, given[1:]), gradients(expected, given[1:]), strict=True):
        torch.testing.assert_close(one, other, **TOLERANCES[torch.float64])


def test_of_equal_values_with_other_pixels_about_them_the_layers_choice_gets_the_gradient() -> None:
    maps, weight, bias, scale, shift = operands(6, 2, 5, 28, 28)
    maps = (2 * maps).round().clamp(-2, 2)  # whole numbers, so that many a window has its highest more than once
    with torch.no_grad():
        weight.zero_()
        weight[:, 0, 1, 1] = 1
    parameters = [weight, bias, scale, shift]
    fused, layers = conv_relu_norm_pool(maps, *parameters, 1e-5).pooled, layer_by_layer(maps, *parameters)
    for one, other in zip(gradients(fused, parameters), gradients(layers, parameters), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-9)


def test_gradients_are_those_of_small_differences() -> None:
    maps, *parameters = operands(3, 2, 5, 7, 6)
    assert torch.autograd.gradcheck(lambda *given: conv_relu_norm_pool(maps, *given, 1e-5).pooled, parameters)


def test_windows_without_a_value_above_0_get_no_gradient(calls: list[int]) -> None:
    net = build()
    net.conv.bias.data -= 1
    maps = torch.randn(8, 3, 28, 28, dtype=torch.float64)
    empty = net.pool(net.relu(net.conv(maps))) == 0
    assert 0.1 < empty.double().mean() < 0.99
    check_equal(net, maps)
    assert len(calls) == 1


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_pixel_that_is_no_number_leaves_none_in_results_and_gradients(wrong: float) -> None:
    maps, *parameters = operands(9, 3, 16, 28, 28)
    maps[4, 1, 13, 20] = wrong
    pooled, mean, variance = conv_relu_norm_pool(maps, *parameters, 1e-5)
    expected = layer_by_layer(maps, *parameters)
    for one, other in ((pooled, expected), *zip(*(gradients(x, parameters) for x in (pooled, expected)), strict=True)):
        assert torch.equal(one.isfinite(), other.isfinite())
    assert not (mean + variance).isfinite().all()
    assert not pooled.isfinite().all()


def test_loops_run_where_no_compiled_code_can_be_kept() -> None:
    """A function that has no file has no folder for its compiled code either."""
    scope: dict[str, Any] = {}
    exec("def twice(x): return 2 * x", scope)
    assert kernels._kernel(scope["twice"])(21) == 42
