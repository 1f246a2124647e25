"""CNN-LSTM over expression states: sizes, order, and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.cnn_lstm.net import StateLSTM
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_clips

TINY = {"input_size": 29, "in_channels": (1,), "widths": (8, 16, 16), "hidden": 64, "lstm_units": 64}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> StateLSTM:
    return StateLSTM(3, **(TINY | settings))  # type: ignore[arg-type]


def test_cnn_has_the_layers_that_were_read_of_it() -> None:
    convolutions = (27 + 1) * 32 + (288 + 1) * 64 + (576 + 1) * 64
    hidden = (64 * 5 * 5 + 1) * 512 + (512 + 1) * 512  # 64 px: 30, 13 and 5 after the three pools
    with torch.device("meta"):
        assert count_parameters(StateLSTM(5).cnn) == convolutions + hidden


def test_order_of_states_matters() -> None:
    net, [frames] = tiny().eval(), random_clips(2, 5, [1], 29)
    assert not torch.allclose(net(frames.flip(1)), net(frames), rtol=1e-3)
    torch.testing.assert_close(net.frame_features(frames.flip(1)), net.frame_features(frames).flip(1))


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(), random_clips(3, 5, [1], 29))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(tiny(dropout=0), random_clips(10, 5, [1], 29), lr=5e-3, steps=50)


def test_other_numbers_of_frames_are_refused() -> None:
    with pytest.raises(MerError, match="expected 5 frames, one an expression state; got 4"):
        tiny()(torch.zeros(2, 4, 1, 29, 29))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 28}, r"features\.size"),
        ({"widths": (8, 8)}, r"three of model\.widths"),
        ({"hidden": 0}, r"model\.hidden"),
        ({"lstm_units": 0}, r"model\.lstm_units"),
        ({"dropout": -1}, r"model\.dropout"),
        ({"in_channels": (1, 1)}, "one input"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        tiny(**settings)
