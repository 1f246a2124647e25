"""The networks: their published sizes and names, and their output against an independent implementation."""

import copy

import numpy as np
import numpy.typing as npt
import pytest
import torch
from kornia.filters import gaussian_blur2d
from torch import Tensor, nn

from mer.flow.flownet2 import FlowNet2Network, subnetworks
from mer.flow.flownet2.subnetworks import FlowNetC, FlowNetFusion, FlowNetS, FlowNetSD
from tests.flow.flownet2 import reference

SIX_LEVELS = ["conv4", "conv4_1", "conv5", "conv5_1", "conv6", "conv6_1", *(f"deconv{level}" for level in (5, 4, 3, 2))]
FLOWS = [*(f"predict_flow{level}" for level in (6, 5, 4, 3, 2))]
DOUBLED = [f"upsampled_flow{level + 1}_to_{level}" for level in (5, 4, 3, 2)]
SMOOTH = [f"inter_conv{level}" for level in (5, 4, 3, 2)]
SMALL_KERNELS = ["conv0", "conv1", "conv1_1", "conv2", "conv2_1"]


def names(sequences: list[str], single: list[str], without_bias: tuple[str, ...] = ()) -> set[str]:
    layers = [*(f"{name}.0" for name in sequences), *single]
    biased = [layer for layer in layers if layer not in without_bias]
    return {f"{layer}.weight" for layer in layers} | {f"{layer}.bias" for layer in biased}


C_NAMES = names(["conv1", "conv2", "conv3", "conv3_1", "conv_redir", *SIX_LEVELS], [*FLOWS, *DOUBLED])
S_NAMES = names(["conv1", "conv2", "conv3", "conv3_1", *SIX_LEVELS], [*FLOWS, *DOUBLED], tuple(DOUBLED))
SD_NAMES = names([*SMALL_KERNELS, "conv3", "conv3_1", *SIX_LEVELS, *SMOOTH], [*FLOWS, *DOUBLED])
FUSION_NAMES = names(
    [*SMALL_KERNELS, "deconv1", "deconv0", "inter_conv1", "inter_conv0"],
    ["predict_flow2", "predict_flow1", "predict_flow0", "upsampled_flow2_to_1", "upsampled_flow1_to_0"],
)


def count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def images(seed: int, height: int = 64, width: int = 128) -> tuple[Tensor, Tensor]:
    noise = torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(seed))
    smooth = gaussian_blur2d(noise, (13, 13), (2.0, 2.0))
    smooth = (smooth - smooth.amin()) / (smooth.amax() - smooth.amin())
    return smooth[:1], smooth[1:]


def relative_error(found: Tensor, expected: npt.NDArray[np.float64]) -> float:
    return float(np.abs(found.double().numpy() - expected).max() / expected.std())


@pytest.mark.parametrize(
    ("kind", "parameters", "expected"),
    [
        (FlowNetC, 39_175_298, C_NAMES),
        (FlowNetS, 38_695_322, S_NAMES),
        (FlowNetSD, 45_371_666, SD_NAMES),
        (FlowNetFusion, 581_226, FUSION_NAMES),
    ],
)
def test_network_has_the_published_parameters(kind: type[nn.Module], parameters: int, expected: set[str]) -> None:
    with torch.device("meta"):
        built = kind()
    assert (count(built), set(built.state_dict())) == (parameters, expected)


def test_stack_has_the_published_parameters_under_their_prefixes(network: FlowNet2Network) -> None:
    assert count(network) == 162_518_834
    prefixes = {"flownetc": C_NAMES, "flownets_1": S_NAMES, "flownets_2": S_NAMES, "flownets_d": SD_NAMES}
    prefixes["flownetfusion"] = FUSION_NAMES
    assert set(network.state_dict()) == {f"{prefix}.{name}" for prefix, names in prefixes.items() for name in names}


@pytest.mark.parametrize(
    ("name", "channels", "slow"),
    [
        ("flownetc", 6, reference.flownet_c),
        ("flownets_1", 12, reference.flownet_s),
        ("flownets_d", 6, reference.flownet_sd),
        ("flownetfusion", 11, reference.flownet_fusion),
    ],
)
def test_each_network_is_what_its_layers_say(network: FlowNet2Network, name: str, channels: int, slow: object) -> None:
    maps = torch.randn(2, channels, 64, 128, generator=torch.Generator().manual_seed(0))
    found = network.get_submodule(name)(maps)
    for row in range(2):
        assert callable(slow)
        expected = slow(network.state_dict(), f"{name}.", maps[row].double().numpy())
        assert found[row].shape == expected.shape
        assert relative_error(found[row], expected) < 1e-4


def test_negative_correlations_are_damped_beside_the_first_images_maps(
    network: FlowNet2Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def correlate(first: Tensor, second: Tensor) -> Tensor:
        return torch.full((len(first), 441, *first.shape[2:]), -2.0)

    seen: list[Tensor] = []
    monkeypatch.setattr(subnetworks, "correlate", correlate)
    handle = network.flownetc.conv3_1.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    network.flownetc(torch.ones(1, 6, 64, 64))
    handle.remove()
    assert seen[0].shape == (1, 32 + 441, 8, 8)
    torch.testing.assert_close(seen[0][:, 32:], torch.full((1, 441, 8, 8), -0.2))


def test_stack_is_what_its_description_says(network: FlowNet2Network) -> None:
    first, second = images(0)
    found = network(first, second)[0]
    expected = reference.flownet2(
        network.state_dict(), 255 * first[0].double().numpy(), 255 * second[0].double().numpy()
    )
    assert found.shape == (2, 64, 128)
    assert relative_error(found, expected) < 1e-3


def test_pair_does_not_depend_on_those_beside_it(network: FlowNet2Network) -> None:
    pairs = [images(seed, 64, 64) for seed in (1, 2)]
    together = network(torch.cat([pair[0] for pair in pairs]), torch.cat([pair[1] for pair in pairs]))
    for row, (first, second) in enumerate(pairs):
        assert relative_error(together[row : row + 1], network(first, second).double().numpy()) < 1e-3


def test_light_that_both_images_share_does_not_matter(network: FlowNet2Network) -> None:
    first, second = images(3, 64, 64)
    flow = network(first, second)
    assert relative_error(network(first + 0.5, second + 0.5), flow.double().numpy()) < 1e-3
    assert relative_error(network(first + 0.5, second), flow.double().numpy()) > 0.1


def test_identical_and_black_images_have_a_finite_flow(network: FlowNet2Network) -> None:
    first, _ = images(4, 64, 64)
    for image in (first, torch.zeros_like(first)):
        assert bool(torch.isfinite(network(image, image)).all())


def test_half_precision_stays_near_and_gives_float32(network: FlowNet2Network) -> None:
    first, second = images(5, 64, 64)
    with torch.device("meta"):
        half = FlowNet2Network()
    half.load_state_dict({name: tensor.bfloat16() for name, tensor in network.state_dict().items()}, assign=True)
    with torch.no_grad():
        flow = half(first, second)
    exact = network(first, second)
    assert flow.dtype == torch.float32
    assert 1e-4 < float((flow - exact).norm() / exact.norm()) < 0.2


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_gpu_gives_what_the_cpu_gives(network: FlowNet2Network) -> None:
    first, second = images(6, 64, 64)
    on_gpu = copy.deepcopy(network).cuda()
    flow = on_gpu(first.cuda(), second.cuda()).cpu()
    exact = network(first, second)
    assert float((flow - exact).norm() / exact.norm()) < 0.02  # convolutions in TF32
