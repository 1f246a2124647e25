"""RCN-A: its recurrence, its attention and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.rcn_a.net import RecurrentConvNet, RecurrentLayer, class_attention
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_inputs


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_attention_has_no_parameters_and_changes_the_logits() -> None:
    plain, attended = RecurrentConvNet(3, attention=False), RecurrentConvNet(3)
    assert count_parameters(plain) == count_parameters(attended)
    attended.load_state_dict(plain.state_dict())
    inputs = random_inputs(2, (3,), 60)
    assert not torch.allclose(plain.eval()(*inputs), attended.eval()(*inputs))


def test_more_steps_have_no_more_parameters() -> None:
    assert count_parameters(RecurrentLayer(4, 5)) == count_parameters(RecurrentLayer(4, 1))


def test_each_step_sees_the_input_and_the_step_before() -> None:
    layer, maps = RecurrentLayer(3, 2).eval(), torch.randn(2, 3, 6, 6)
    once = layer.recurrent(maps + layer.feed_forward(maps))
    torch.testing.assert_close(layer(maps), layer.recurrent(maps + once))


def test_attention_is_the_mean_of_the_classes_scaled_maps() -> None:
    maps, weight = torch.randn(2, 4, 3, 3), torch.randn(5, 36)
    expected = torch.zeros(2, 1, 3, 3)
    for row in range(2):
        for one in weight.view(5, 4, 3, 3):
            activation = sum(one[channel] * maps[row, channel] for channel in range(4)) / 4
            span = activation.max() - activation.min()
            expected[row, 0] += (activation - activation.min()) / span / 5
    torch.testing.assert_close(class_attention(maps, weight), expected)


def test_attention_of_flat_maps_is_finite() -> None:
    assert class_attention(torch.ones(1, 2, 3, 3), torch.ones(3, 18)).abs().max() == 0


@pytest.mark.parametrize(("size", "channels"), [(28, (3,)), (60, (4,)), (12, (3,))])
def test_takes_other_sizes_and_channels(size: int, channels: tuple[int, ...]) -> None:
    check_batch_does_not_matter(RecurrentConvNet(3, size, channels), random_inputs(3, channels, size))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(RecurrentConvNet(3, 28, dropout=0), random_inputs(10, (3,), 28), lr=5e-3, steps=40)


@pytest.mark.parametrize("setting", ["width", "grid", "steps", "dropout"])
def test_setting_out_of_bounds_is_refused(setting: str) -> None:
    with pytest.raises(MerError, match=rf"model\.{setting}"):
        RecurrentConvNet(3, **{setting: -1})
