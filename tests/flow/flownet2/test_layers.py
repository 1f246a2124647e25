"""The layers against SciPy's correlation and convolution."""

import numpy as np
import pytest
import torch
from scipy.signal import convolve2d, correlate2d

from mer.flow.flownet2.layers import Refinement, conv


@pytest.mark.parametrize(("kernel_size", "stride"), [(1, 1), (3, 1), (3, 2), (5, 2), (7, 2)])
def test_conv_is_a_correlation_a_bias_and_a_leaky_relu(kernel_size: int, stride: int) -> None:
    torch.manual_seed(0)
    layer = conv(2, 3, kernel_size, stride)
    maps = torch.randn(1, 2, 8, 10)
    weight, bias = (parameter.detach().double().numpy() for parameter in layer.parameters())
    for channel, found in enumerate(layer(maps)[0].detach()):
        whole = sum(correlate2d(maps[0, c].double().numpy(), weight[channel, c], mode="same") for c in range(2))
        expected = (whole + bias[channel])[::stride, ::stride]
        np.testing.assert_allclose(found, np.where(expected > 0, expected, 0.1 * expected), atol=1e-5)


@pytest.mark.parametrize("flow_bias", [True, False])
def test_finer_level_is_predicted_from_encoder_raised_maps_and_doubled_flow(flow_bias: bool) -> None:
    torch.manual_seed(0)
    network = Refinement({0: 3, 1: 4}, {0: 5}, smooth=False, flow_bias=flow_bias)
    state = {name: tensor.double().numpy() for name, tensor in network.state_dict().items()}
    assert ("upsampled_flow1_to_0.bias" in state) is flow_bias
    coarse, fine = torch.randn(1, 4, 3, 5), torch.randn(1, 3, 6, 10)

    def convolved(name: str, maps: np.ndarray) -> np.ndarray:
        totals = [sum(correlate2d(m, k, mode="same") for m, k in zip(maps, out, strict=True)) for out in state[name]]
        return np.stack(totals)

    def doubled(name: str, maps: np.ndarray) -> np.ndarray:
        spread = np.zeros((len(maps), 2 * maps.shape[1], 2 * maps.shape[2]))
        spread[:, ::2, ::2] = maps
        kernels = state[name].swapaxes(0, 1)  # in, out -> out, in
        totals = [sum(convolve2d(m, k) for m, k in zip(spread, out, strict=True)) for out in kernels]
        return np.stack(totals)[:, 1:-2, 1:-2]

    def bias(name: str) -> np.ndarray:
        return np.asarray(state.get(name, np.zeros(2)))[:, None, None]

    top = coarse[0].double().numpy()
    flow_1 = convolved("predict_flow1.weight", top) + bias("predict_flow1.bias")
    raised = doubled("deconv0.0.weight", top) + bias("deconv0.0.bias")
    flow_up = doubled("upsampled_flow1_to_0.weight", flow_1) + bias("upsampled_flow1_to_0.bias")
    seen = np.concatenate([fine[0].double().numpy(), np.where(raised > 0, raised, 0.1 * raised), flow_up])
    expected = convolved("predict_flow0.weight", seen) + bias("predict_flow0.bias")
    found = network.refine({0: fine, 1: coarse})[0].detach()
    np.testing.assert_allclose(found, expected, atol=1e-5)
