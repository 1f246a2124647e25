"""Every network of conf/model, new ones too: it starts without an opinion, and every weight takes part."""

import math

import pytest
import torch
from torch import nn

from mer.recognition import OwnTerms
from tests.models.flow_nets import check_batch_does_not_matter
from tests.models.zoo import CLASSES, MODELS, part

NETWORKS = [name for name in MODELS if part(name).is_network]
N_CLIPS = 6
TARGETS = torch.arange(N_CLIPS) % CLASSES


def loss_of(net: nn.Module, inputs: tuple[torch.Tensor, ...]) -> torch.Tensor:
    if isinstance(net, OwnTerms):
        logits, terms = net.training_pass(*inputs, TARGETS)
        return nn.functional.cross_entropy(logits, TARGETS) + terms
    return nn.functional.cross_entropy(net(*inputs), TARGETS)


@pytest.mark.parametrize("name", NETWORKS)
def test_first_loss_is_that_of_a_guess(name: str) -> None:
    """log 3 = 1.10 where no class is preferred; 3 would be a network that is sure of itself before it has learnt."""
    chosen = part(name)
    inputs = chosen.inputs(chosen.clips(TARGETS))
    with torch.no_grad():
        net = chosen.net().eval()
        loss = nn.functional.cross_entropy(net(*inputs), TARGETS)
    assert 0.7 * math.log(CLASSES) < loss < 1.6 * math.log(CLASSES)


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_reach_every_weight_and_lower_the_loss(name: str) -> None:
    chosen = part(name)
    inputs = chosen.inputs(chosen.clips(TARGETS))
    net = chosen.net().train()
    for layer in net.modules():
        if isinstance(layer, nn.Dropout):
            layer.p = 0.0
    optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    losses, reached = [], {named: False for named, _ in net.named_parameters()}
    for _ in range(6):
        optimizer.zero_grad()
        loss = loss_of(net, inputs)
        loss.backward()
        for named, weight in net.named_parameters():
            assert weight.grad is not None, named
            assert weight.grad.isfinite().all(), named
            reached[named] |= bool(weight.grad.abs().max() > 0)
        optimizer.step()
        losses.append(float(loss.detach()))
    assert all(reached.values()), [named for named, found in reached.items() if not found]
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", NETWORKS)
def test_logits_are_each_clips_own(name: str) -> None:
    chosen = part(name)
    with torch.no_grad():
        check_batch_does_not_matter(chosen.net(), chosen.inputs(chosen.clips(TARGETS)))
