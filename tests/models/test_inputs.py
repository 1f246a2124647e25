"""Each network says how many inputs it takes, before it is built."""

import re

import pytest
from torch import nn

from mer.errors import MerError
from mer.models import DualInceptionNet, DualStreamShallowNet, OffApexNet, RecurrentConvNet


@pytest.mark.parametrize(
    ("net", "in_channels", "message"),
    [
        (OffApexNet, (3,), "expected 2 inputs for OFF-ApexNet; got 1; set features=u_v"),
        (DualInceptionNet, (3,), "expected 2 inputs for Dual-Inception; got 1; set features=u_v"),
        (DualStreamShallowNet, (3,), "expected 2 inputs for DSSN; got 1; set features=m_eps"),
        (RecurrentConvNet, (3, 3), "expected one input for RCN-A; got 2; set features=uvm"),
    ],
)
def test_features_of_another_number_of_inputs_are_refused(
    net: type[nn.Module], in_channels: tuple[int, ...], message: str
) -> None:
    with pytest.raises(MerError, match=re.escape(message)):
        net(3, in_channels=in_channels)
