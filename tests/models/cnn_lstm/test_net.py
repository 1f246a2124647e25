"""CNN-LSTM over expression states: sizes, order, and that it learns."""

import pytest
import torch

from mer.errors import MerError
from mer.models.cnn_lstm.net import StateLSTM
from mer.models.cnn_lstm.objective import class_spread, state_continuity, state_means, state_spread
from tests.models.flow_nets import check_batch_does_not_matter, count_parameters, random_clips

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


def test_untrained_features_keep_the_little_that_frames_of_a_clip_differ_by() -> None:
    net = tiny(input_size=48, in_channels=(3,)).cnn.eval()
    face = torch.rand(8, 3, 48, 48)
    moved = face + 0.01 * torch.randn_like(face)
    change = (net(moved) - net(face)).norm() / net(face).norm()
    assert change > 0.3 * (moved - face).norm() / face.norm()


def test_clips_do_not_meet_in_a_batch() -> None:
    check_batch_does_not_matter(tiny(), random_clips(3, 5, [1], 29))


def test_learns_ten_clips_by_heart() -> None:
    net, [frames], targets = tiny(dropout=0.0), random_clips(10, 5, [1], 29), torch.arange(10) % 3
    before = [parameter.detach().clone() for parameter in net.parameters()]
    optimizer = torch.optim.Adam(net.parameters(), 5e-3)
    for _ in range(50):
        optimizer.zero_grad()
        logits, terms = net.training_pass(frames, targets)
        (torch.nn.functional.cross_entropy(logits, targets) + terms).backward()
        optimizer.step()
    assert torch.equal(net.eval()(frames).argmax(1), targets)
    assert not any(map(torch.equal, before, net.parameters()))


def test_frames_terms_reach_every_layer_but_the_lstm() -> None:
    net, [frames] = tiny(state_weight=2.0), random_clips(4, 5, [1], 29)
    net.training_pass(frames, torch.tensor([0, 1, 2, 0]))[1].backward()
    without = {name.partition(".")[0] for name, value in net.named_parameters() if value.grad is None}
    assert without == {"lstm", "head"}


def test_terms_are_the_objectives_with_the_batchs_first_means() -> None:
    net, [frames], targets = (
        tiny(dropout=0.0, state_weight=3.0, tightness=2.0),
        random_clips(4, 5, [1], 29),
        [0, 1, 2, 0],
    )
    target = torch.tensor(targets)
    logits, terms = net.training_pass(frames, target)
    torch.testing.assert_close(logits, net(frames))
    features = net.frame_features(frames)
    means = state_means(features.detach(), target, 3)
    told = [net.class_head(features), net.state_head(features)]
    cross = [
        -sum(told[0][clip, state].log_softmax(0)[targets[clip]] for clip in range(4) for state in range(5)) / 20,
        -sum(told[1][clip, state].log_softmax(0)[state] for clip in range(4) for state in range(5)) / 20,
    ]
    spreads = class_spread(features, target, means) + state_spread(features, target, means, 2.0)
    torch.testing.assert_close(terms, 3 * (cross[0] + cross[1] + spreads + state_continuity(features, target, means)))


def test_means_follow_the_batches_of_their_class_alone() -> None:
    net, [frames] = tiny(dropout=0.0), random_clips(2, 5, [1], 29)
    features = net.frame_features(frames).detach()
    net.training_pass(frames, torch.tensor([0, 2]))
    torch.testing.assert_close(net.means[[0, 2]], features)
    assert net.means[1].abs().max() == 0
    net.training_pass(frames, torch.tensor([2, 2]))
    torch.testing.assert_close(net.means[0], features[0])
    torch.testing.assert_close(net.means[2], 0.9 * features[1] + 0.1 * features.mean(0))
    assert "means" not in net.state_dict()


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
        ({"state_weight": -1}, r"model\.state_weight"),
        ({"tightness": 0.5}, r"model\.tightness"),
        ({"in_channels": (1, 1)}, "one input"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=message):
        tiny(**settings)
