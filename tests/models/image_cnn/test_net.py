"""Image-based CNN: a clip's answer is the mean of its frames'."""

import pytest
import torch

from mer.errors import MerError
from mer.models.image_cnn.net import ImageCNN
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_clips

TINY = {"input_size": 32, "widths": (8, 8, 16, 16, 16), "hidden": 32}


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def tiny(**settings: object) -> ImageCNN:
    return ImageCNN(3, **(TINY | settings))  # type: ignore[arg-type]


def test_full_size_is_vgg_16_and_one_layer() -> None:
    with torch.device("meta"):
        assert count_parameters(ImageCNN(5)) == 134_260_544 + 4096 * 5 + 5


def test_clip_has_the_mean_probabilities_of_its_frames() -> None:
    net, [frames] = tiny().eval(), random_clips(2, 4, [3], 32)
    alone = torch.stack([net(frames[:, [frame]]).softmax(-1) for frame in range(4)])
    torch.testing.assert_close(net(frames).softmax(-1), alone.mean(0))
    torch.testing.assert_close(net(frames).exp().sum(-1), torch.ones(2))


def test_order_of_frames_does_not_matter() -> None:
    net, [frames] = tiny().eval(), random_clips(2, 4, [3], 32)
    torch.testing.assert_close(net(frames.flip(1)), net(frames))


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(), random_clips(3, 2, [3], 32))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(tiny(dropout=0), random_clips(10, 2, [3], 32), lr=3e-3, steps=25)


def test_maps_without_time_are_refused() -> None:
    with pytest.raises(MerError, match="clips"):
        tiny()(torch.zeros(2, 3, 32, 32))
