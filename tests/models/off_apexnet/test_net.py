"""OFF-ApexNet: its size, shapes and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.off_apexnet.net import OffApexNet
from tests.models.flow_nets import check_batch_does_not_matter, check_learns_by_heart, count_parameters, random_inputs


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_has_the_parameters_that_are_reported_of_it() -> None:
    assert count_parameters(OffApexNet(3)) == 2_664_475


@pytest.mark.parametrize(("size", "channels"), [(28, (1, 1)), (30, (2, 3))])
def test_takes_other_sizes_and_channels(size: int, channels: tuple[int, int]) -> None:
    assert OffApexNet(5, size, channels)(*random_inputs(2, channels, size)).shape == (2, 5)


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(OffApexNet(3), random_inputs(4, (1, 1), 28))


def test_learns_ten_clips_by_heart() -> None:
    check_learns_by_heart(OffApexNet(3, dropout=0), random_inputs(10, (1, 1), 28), lr=1e-3, steps=15)


def test_setting_out_of_bounds_is_refused() -> None:
    with pytest.raises(MerError, match=r"features\.size"):
        OffApexNet(3, 3)
    with pytest.raises(MerError, match=r"model\.dropout"):
        OffApexNet(3, dropout=2)
