"""The IIR band-pass against its closed forms."""

import pytest
import torch

from mer.errors import MerError
from mer.magnify import IIR


@pytest.mark.parametrize(("r1", "r2"), [(0.4, 0.05), (1.0, 0.3), (0.9, 0.89)])
def test_step_response_is_the_difference_of_two_decays(r1: float, r2: float) -> None:
    step = torch.ones(1, 9, 1, dtype=torch.float64)
    step[:, 0] = 0
    k = torch.arange(9, dtype=torch.float64)
    expected = (1 - r2) ** k - (1 - r1) ** k
    torch.testing.assert_close(IIR(r1, r2).filter(step).flatten(), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("index", [0, 1, 2, 7, 30])
@pytest.mark.parametrize(("r1", "r2"), [(0.4, 0.05), (1.0, 0.3)])
def test_weights_are_the_recursion_on_the_identity(index: int, r1: float, r2: float) -> None:
    temporal = IIR(r1, r2)
    impulses = torch.eye(index + 1, dtype=torch.float64)[None]
    torch.testing.assert_close(temporal.weights(index), temporal.filter(impulses)[0, index], rtol=0, atol=1e-12)


@pytest.mark.parametrize("index", [0, 1, 5, 100])
def test_weights_sum_to_zero(index: int) -> None:
    weights = IIR().weights(index)
    assert weights.shape == (index + 1,)
    assert abs(weights.sum().item()) < 1e-12


def test_first_frame_has_no_band() -> None:
    clip = torch.rand(2, 4, 3, 5, 6, generator=torch.Generator().manual_seed(0))
    bands = IIR().filter(clip)
    assert bands.shape == clip.shape
    assert bands[:, 0].abs().max() == 0
    assert bands[:, 1].abs().max() > 0


def test_band_of_a_frame_ignores_later_frames() -> None:
    clip = torch.rand(1, 6, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    changed = clip.clone()
    changed[:, 4:] = 0
    torch.testing.assert_close(IIR().filter(changed)[:, :4], IIR().filter(clip)[:, :4], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("r1", "r2"),
    [(0.05, 0.4), (0.4, 0.4), (0.4, 0.0), (1.2, 0.1), (-0.1, -0.2), (float("nan"), 0.1), ("0.4", 0.05), (True, 0.05)],
)
def test_rates_out_of_order_or_bounds_are_refused(r1: float, r2: float) -> None:
    with pytest.raises(MerError, match=r"temporal\.r[12]"):
        IIR(r1, r2)


def test_settings_tell_two_filters_apart() -> None:
    assert IIR().settings() == {"filter": "iir", "r1": 0.4, "r2": 0.05}
    assert IIR(0.5).settings() != IIR().settings()
