"""Weights: whose file is loaded, and the one line for whatever keeps them from being used. Nothing is fetched."""

import hashlib
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import URLError

import pytest
import torch
from torch import nn

from mer.align.faces import S3FD_WEIGHTS
from mer.align.fan import FAN_WEIGHTS
from mer.align.weights import PublishedWeights, load_weights, weights_state
from mer.errors import MerError


@pytest.fixture(autouse=True)
def torch_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of torch's, and no network."""

    def no_network(*arguments: Any, **settings: Any) -> None:
        raise URLError("Name or service not known")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    return tmp_path / "torch"


def network(seed: int = 0) -> nn.Linear:
    torch.manual_seed(seed)
    return nn.Linear(2, 3)


def publish(file: Path) -> PublishedWeights:
    """Weights published under the name that the content of ``file`` asks for."""
    digest = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
    return PublishedWeights("the weights", f"https://example.org/net-{digest}.pth.tar", "set weights=FILE")


def save(network: nn.Module, file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), file)
    return file


@pytest.mark.parametrize(
    ("weights", "name", "digest"),
    [(FAN_WEIGHTS, "2DFAN4-11f355bf06.pth.tar", "11f355bf06"), (S3FD_WEIGHTS, "s3fd-619a316812.pth", "619a316812")],
)
def test_published_file_is_that_of_face_alignment(
    weights: PublishedWeights, name: str, digest: str, torch_home: Path
) -> None:
    assert weights.file == torch_home / "hub" / "checkpoints" / name
    assert weights.digest == digest
    api = pytest.importorskip("face_alignment.api")
    sfd = pytest.importorskip("face_alignment.detection.sfd.sfd_detector")
    assert weights.url in (api.models_urls["2DFAN-4"], sfd.models_urls["s3fd"])


@pytest.mark.parametrize("legacy", [False, True], ids=["zip", "legacy"])
def test_local_file_is_loaded(tmp_path: Path, legacy: bool) -> None:
    torch.save(network(1).state_dict(), tmp_path / "a.pth", _use_new_zipfile_serialization=not legacy)
    loaded = load_weights(FAN_WEIGHTS, str(tmp_path / "a.pth"), network(2))
    assert torch.equal(loaded.weight, network(1).weight)


def test_file_in_torchs_folder_is_loaded(tmp_path: Path) -> None:
    published = publish(save(network(1), tmp_path / "a.pth"))
    published.file.parent.mkdir(parents=True)
    (tmp_path / "a.pth").rename(published.file)
    assert torch.equal(load_weights(published, None, network(2)).weight, network(1).weight)


def test_file_in_torchs_folder_that_was_cut_off_is_refused(tmp_path: Path) -> None:
    published = publish(save(network(1), tmp_path / "a.pth"))
    published.file.parent.mkdir(parents=True)
    published.file.write_bytes((tmp_path / "a.pth").read_bytes()[:-1])
    with pytest.raises(MerError, match=r"got .*net-.*\.pth\.tar with another content \(SHA-256 .*\), which may be cut"):
        load_weights(published, None, network())


def test_absent_file_is_fetched_and_its_content_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = publish(save(network(1), tmp_path / "a.pth"))
    asked = []

    def fetch(url: str, to: str, digest: str, progress: bool) -> None:
        asked.append((url, digest))
        Path(to).write_bytes((tmp_path / "a.pth").read_bytes())

    monkeypatch.setattr(torch.hub, "download_url_to_file", fetch)
    for _ in ("fetched", "there"):
        assert torch.equal(load_weights(published, None, network(2)).weight, network(1).weight)
    assert asked == [(published.url, published.digest)]


@pytest.mark.parametrize("error", [RuntimeError('invalid hash value (expected "11f3")'), OSError("disk full")])
def test_file_that_cannot_be_fetched_names_the_remedies(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def fail(*arguments: Any, **settings: Any) -> None:
        raise error

    monkeypatch.setattr(torch.hub, "download_url_to_file", fail)
    with pytest.raises(MerError, match=r"invalid hash|disk full"):
        load_weights(FAN_WEIGHTS, None, network())


def test_no_network_and_no_weights_is_one_line_that_names_the_remedies(torch_home: Path) -> None:
    with pytest.raises(MerError) as caught:
        load_weights(FAN_WEIGHTS, None, network())
    assert str(caught.value) == (
        f"expected 2D-FAN's weights; got no file {torch_home}/hub/checkpoints/2DFAN4-11f355bf06.pth.tar, and it cannot "
        "be fetched: <urlopen error Name or service not known>; "
        "set align.landmarks.weights=FILE, or align=dlib, or align=given"
    )


def test_detector_without_weights_names_its_own_remedies() -> None:
    with pytest.raises(MerError, match=r"set align\.landmarks\.detector_weights=FILE, or align\.landmarks\.detector="):
        load_weights(S3FD_WEIGHTS, None, network())


class Trap:
    """Unpickled, it would run code."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return print, ("unpickled",)


def write_text(file: Path) -> None:
    file.write_text("<html>404</html>")


def write_nothing(file: Path) -> None:
    file.write_bytes(b"")


def write_pickle(file: Path) -> None:
    file.write_bytes(pickle.dumps({"weight": Trap()}))


def write_trap(file: Path) -> None:
    torch.save({"weight": Trap()}, file)


def write_half(file: Path) -> None:
    torch.save(network().state_dict(), file)
    file.write_bytes(file.read_bytes()[:300])


@pytest.mark.parametrize("write", [write_text, write_nothing, write_pickle, write_trap, write_half])
def test_file_of_another_kind_is_refused_and_runs_nothing(
    tmp_path: Path, write: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path / "a.pth")
    with pytest.raises(MerError, match=r"got .*a\.pth, which is no file of tensors .*; set align\.landmarks\.weights="):
        load_weights(FAN_WEIGHTS, str(tmp_path / "a.pth"), network())
    assert "unpickled" not in capsys.readouterr().out


@pytest.mark.parametrize("content", [{"weight": torch.zeros(3, 2)}, [1, 2], torch.zeros(3), {"a": 1}])
def test_tensors_of_another_network_are_refused(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "a.pth")
    with pytest.raises(MerError, match=r"got .*a\.pth, whose tensors are not those of Linear; set") as caught:
        load_weights(FAN_WEIGHTS, str(tmp_path / "a.pth"), network())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("path", ["absent.pth", "."])
def test_path_that_is_no_file_is_refused(path: str) -> None:
    with pytest.raises(MerError, match=r"2D-FAN's weights; got no file"):
        load_weights(FAN_WEIGHTS, path, network())
    assert weights_state(FAN_WEIGHTS, path) is None


def test_state_is_the_content_wherever_the_file_lies(tmp_path: Path) -> None:
    first, second = save(network(1), tmp_path / "a.pth"), save(network(2), tmp_path / "b.pth")
    published = publish(first)
    copy = tmp_path / "c.pth"
    copy.write_bytes(first.read_bytes())
    assert weights_state(published, str(first)) == weights_state(published, str(copy)) == published.digest
    assert weights_state(published, None) == published.digest
    assert weights_state(published, str(second)) != published.digest
