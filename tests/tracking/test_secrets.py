"""What must not leave the machine does not."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import wandb

from mer.cli import main
from mer.tracking.secrets import known_secrets, masked
from tests.fakes import write_flow_images
from tests.runner import train_words
from tests.tracking.wandb_file import read_wandb

KEY, PASSWORD, TOKEN = "4f1d" * 10, "hunter2-hunter2", "hf_planted_token_0123"


@pytest.mark.parametrize(
    ("value", "safe"),
    [
        ({"api_key": "abc"}, {"api_key": "***"}),
        ({"deep": [{"hub_token": "abc", "lr": 0.1}]}, {"deep": [{"hub_token": "***", "lr": 0.1}]}),
        ({"password": ""}, {"password": ""}),
        ({"token_length": 4, "tokens": None}, {"token_length": 4, "tokens": None}),
        (f"x{TOKEN}y", "x***y"),
        ("https://me:pass@host/a?b", "https://***@host/a?b"),
        ("mail me@host", "mail me@host"),
        (7, 7),
    ],
)
def test_secret_is_masked_and_the_rest_is_left(value: object, safe: object) -> None:
    assert masked(value, {TOKEN}) == safe


def test_secret_within_another_is_masked_as_a_whole() -> None:
    assert masked("abcdefghij", {"abcdefgh", "abcdefghij"}) == "***"


def test_home_folder_is_no_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/maria")
    assert masked(["/home/maria/data", "/home/maria", "/home/mariana/data"], ()) == [
        "~/data",
        "~",
        "/home/mariana/data",
    ]


def test_secrets_are_found_in_the_environment_and_in_netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("SHORT_TOKEN", "a")
    monkeypatch.setenv("COLOURS", "not a secret")
    (tmp_path / "netrc").write_text(f"machine somewhere login me password {PASSWORD}\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    found = known_secrets()
    assert {KEY, TOKEN, PASSWORD} <= found
    assert found.isdisjoint({"a", "not a secret"})


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Whoever is called: this process may connect to its own services alone, others go through a proxy that notes."""
    called: list[object] = []
    connect = socket.socket.connect

    def local_only(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX:
            return connect(self, address)
        called.append(address)
        raise ConnectionRefusedError

    wandb.teardown()  # its service reads the environment when it starts
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        threading.Thread(target=_note_callers, args=(proxy, called), daemon=True).start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        for name in ("HTTPS_PROXY", "HTTP_PROXY"):
            monkeypatch.setenv(name, address)
        monkeypatch.setenv("NO_PROXY", "")
        monkeypatch.setattr(socket.socket, "connect", local_only)
        yield called
        wandb.teardown()


def _note_callers(proxy: socket.socket, called: list[object]) -> None:
    while True:
        try:
            called.append(proxy.accept()[1])
        except OSError:
            return


@pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb")
def test_offline_training_is_silent_reaches_nobody_and_writes_no_secret(
    tmp_path: Path, calls: list[object], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    (home / ".netrc").write_text(f"machine somewhere login me password {PASSWORD}\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.delenv("NETRC")
    for name, value in {"WANDB_API_KEY": KEY, "HF_TOKEN": TOKEN, "HOME": str(home)}.items():
        monkeypatch.setenv(name, value)
    write_flow_images(tmp_path / "data")
    planted = [f"+note.api_key={KEY}", f"+note.a=see_{TOKEN}_there", f"+note.b={PASSWORD}"]
    words = train_words(tmp_path / "data", tmp_path / "outputs", "logger=wandb", "logger.checkpoints=true", *planted)
    assert main(words) == 0
    said = "".join(capfd.readouterr()).lower()
    assert "wandb" not in said
    assert calls == []
    (run,) = (tmp_path / "outputs").glob("tiny/*/run.json")
    (offline,) = run.parent.glob("wandb/offline-run-*/*.wandb")
    kept = read_wandb(offline)
    assert kept.config["note"] == {"api_key": "***", "a": "see_***_there", "b": "***"}
    files = [path for folder in (run.parent / "wandb", tmp_path / "wandb_home", home) for path in folder.rglob("*")]
    files += kept.artifacts[f"run-{kept.run.run_id}"].values()
    for path in files:
        if path.is_file() and path.name != ".netrc":
            content = path.read_bytes()
            assert [secret for secret in (KEY, TOKEN, PASSWORD) if secret.encode() in content] == [], path
