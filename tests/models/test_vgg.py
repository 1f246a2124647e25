"""VGG-16: its size, its weights from a file, and what is not trained."""

import re
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from mer.errors import MerError
from mer.models.vgg import VGG16
from tests.models.flow_nets import count_parameters

WIDTHS = (4, 4, 8, 8, 8)


def tiny(**settings: object) -> VGG16:
    torch.manual_seed(0)
    return VGG16(**({"input_size": 32, "widths": WIDTHS, "hidden": 8} | settings))  # type: ignore[arg-type]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    save_file(tiny().state_dict(), tmp_path / "vgg.safetensors")
    return tmp_path / "vgg.safetensors"


def test_has_the_published_number_of_parameters_and_of_features() -> None:
    with torch.device("meta"):
        net = VGG16()
        assert count_parameters(net) == 138_357_544 - (4096 * 1000 + 1000)  # the published ones less the last layer
        assert net(torch.empty(2, 3, 224, 224)).shape == (2, 4096)


def test_parameters_have_the_names_of_published_state_dicts() -> None:
    convolutions = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
    names = [f"features.{number}" for number in convolutions] + ["classifier.0", "classifier.3"]
    assert [*tiny().state_dict()] == [f"{name}.{part}" for name in names for part in ("weight", "bias")]


@pytest.mark.parametrize("suffix", ["safetensors", "pth"])
def test_weights_come_from_the_file(suffix: str, file: Path, tmp_path: Path) -> None:
    if suffix == "pth":
        torch.save(tiny().state_dict() | {"classifier.6.weight": torch.zeros(2, 8)}, tmp_path / "vgg.pth")
    torch.manual_seed(5)
    net = VGG16(input_size=32, widths=WIDTHS, hidden=8, weights=str(tmp_path / f"vgg.{suffix}"))
    images = torch.randn(2, 3, 32, 32)
    torch.testing.assert_close(net.eval()(images), tiny().eval()(images))


def test_grey_image_meets_what_it_would_as_three_channels(file: Path) -> None:
    grey = torch.randn(2, 1, 32, 32)
    alone = tiny(in_channels=1, weights=str(file)).eval()(grey)
    torch.testing.assert_close(alone, tiny().eval()(grey.expand(-1, 3, -1, -1)))


def test_frozen_blocks_keep_their_weights(file: Path) -> None:
    net = tiny(weights=str(file), frozen_blocks=4, dropout=0.0)
    before = {name: value.clone() for name, value in net.state_dict().items()}
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    net(torch.randn(2, 3, 32, 32)).sum().backward()
    optimizer.step()
    changed = {name.rpartition(".")[0] for name, value in net.state_dict().items() if not value.equal(before[name])}
    assert changed == {"features.24", "features.26", "features.28", "classifier.0", "classifier.3"}


def test_deep_signal_neither_vanishes_nor_explodes() -> None:
    images = torch.randn(8, 3, 32, 32)
    features = tiny(widths=(16, 16, 32, 32, 32), hidden=64).eval()(images)
    assert 0.1 < features.std() < 10


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"input_size": 31}, "features.size"),
        ({"widths": (4, 4)}, "expected 5 of model.widths; got 2"),
        ({"widths": (4, 4, 4, 4, 0)}, "each of model.widths"),
        ({"frozen_blocks": 1}, "model.weights where blocks are frozen"),
        ({"frozen_blocks": 6}, "model.frozen_blocks"),
        ({"hidden": 0}, "model.hidden"),
        ({"dropout": 2}, "model.dropout"),
        ({"weights": "/nowhere.pth"}, "nothing at /nowhere.pth"),
    ],
)
def test_setting_out_of_bounds_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(MerError, match=re.escape(message)):
        tiny(**settings)


def test_file_of_another_kind_or_network_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "text.pth").write_text("weights")
    with pytest.raises(MerError, match="state dict as"):
        tiny(weights=str(tmp_path / "text.pth"))
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(MerError, match="something else"):
        tiny(weights=str(tmp_path / "list.pth"))
    with pytest.raises(MerError, match=r"features\.0\.weight of \(4, 2, 3, 3\).*got \(4, 3, 3, 3\)"):
        tiny(in_channels=2, weights=str(file))
    torch.save(nn.Linear(2, 2).state_dict(), tmp_path / "linear.pth")
    with pytest.raises(MerError, match="no such tensor"):
        tiny(weights=str(tmp_path / "linear.pth"))


def test_pickled_code_is_not_run(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(MerError, match="UnpicklingError"):
        tiny(weights=str(tmp_path / "module.pth"))
