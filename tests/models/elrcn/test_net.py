"""ELRCN: its features in space and time, and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.elrcn.net import ELRCN
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_clips

TINY = {"input_size": 32, "widths": (8, 8, 16, 16, 16), "hidden": 32, "lstm_units": 64, "dense_units": 16}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> ELRCN:
    return ELRCN(3, **(TINY | settings))  # type: ignore[arg-type]


@pytest.mark.parametrize(("channels", "features"), [((4,), 4096), ((3, 1), 8192), ((3, 1, 1), 12_288)])
def test_full_size_has_the_features_of_its_enrichment(channels: tuple[int, ...], features: int) -> None:
    with torch.device("meta"):
        net = ELRCN(5, in_channels=channels)
        clips = [torch.empty(2, 9, count, 224, 224) for count in channels]
        assert net.frame_features(*clips).shape == (2, 9, features)
        assert net(*clips).shape == (2, 5)
    vgg = sum(134_260_544 + 576 * (count - 3) for count in channels)
    lstm = 4 * 3000 * (features + 3000 + 2)
    assert count_parameters(net) == vgg + lstm + (3000 + 1) * 128 + (128 + 1) * 5


def test_order_of_frames_matters_to_the_lstm_alone() -> None:
    net, clips = tiny(in_channels=(3, 1)).eval(), random_clips(2, 4, (3, 1), 32)
    turned = [clip.flip(1) for clip in clips]
    torch.testing.assert_close(net.frame_features(*turned), net.frame_features(*clips).flip(1))
    assert not torch.allclose(net(*turned), net(*clips), rtol=1e-3)


def test_each_input_has_a_network_of_its_own() -> None:
    net, clips = tiny(in_channels=(3, 1)).eval(), random_clips(2, 4, (3, 1), 32)
    both, other = net.frame_features(*clips), net.frame_features(clips[0], clips[1] + 1)
    torch.testing.assert_close(both[..., :32], other[..., :32])
    assert not torch.allclose(both[..., 32:], other[..., 32:])


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(in_channels=(3, 1)), random_clips(3, 2, (3, 1), 32))


def test_learns_ten_clips_by_heart() -> None:
    net = tiny(in_channels=(3, 1), dropout=0)
    check_learns_by_heart(net, random_clips(10, 2, (3, 1), 32), lr=3e-3, steps=35)


def test_frames_beside_flows_are_those_they_lead_to() -> None:
    net, [flows, frames] = tiny(in_channels=(3, 1)).eval(), random_clips(2, 4, (3, 1), 32)
    torch.testing.assert_close(net(flows[:, 1:], frames), net(flows[:, 1:], frames[:, 1:]))


def test_other_number_of_inputs_is_refused() -> None:
    with pytest.raises(MerError, match="expected 2 inputs for ELRCN; got 1"):
        tiny(in_channels=(3, 3))(*random_clips(2, 3, [3], 32))


@pytest.mark.parametrize("setting", ["lstm_units", "dense_units"])
def test_setting_out_of_bounds_is_refused(setting: str) -> None:
    with pytest.raises(MerError, match=rf"model\.{setting}"):
        tiny(**{setting: 0})
