"""No verb reaches for anything beyond this machine: its own process is watched, others would come through a proxy."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from mer.cli import VERBS
from tests.predict.faces import Bump, stream, write_video

ROOT = Path(__file__).parents[1]
# Python tells of each call before it is made; what is not local is noted and never leaves.
WATCH = """
import json, sys
NAMES = {"socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr"}
CALLS = {"socket.connect", "socket.sendto", "socket.sendmsg"}
LOCAL = {None, "", "localhost", "127.0.0.1", "::1"}
found = []
def watch(event, told):
    if event not in NAMES | CALLS:
        return
    where = told[0] if event in NAMES else told[1]
    host = where[0] if isinstance(where, tuple) else where
    unix = event in CALLS and not isinstance(where, tuple)
    if not unix and host not in LOCAL:
        found.append([event, str(host)])
        raise ConnectionRefusedError(str(host))
sys.addaudithook(watch)
"""
RUN = """
from mer.cli import main
codes = [main(words) for words in json.loads(sys.argv[1])]
"""
TELL = """
print(json.dumps({"found": found, "codes": codes}))
"""
SMALL = (
    "dataset=casme2",
    "labels=megc3",
    "align=given",
    "align.size_px=64",
    "features.size=28",
    "flow=farneback",
    "model.depth=1",
    "model.widths=[4]",
    "trainer.max_epochs=1",
    "trainer.accelerator=cpu",
)
Told = tuple[list[list[str]], list[int], int]


def watched(script: str, home: Path, *words: str) -> Told:
    """What ``script`` called, the exit codes that it kept, and how many connections came to the proxy."""
    called: list[object] = []
    with socket.create_server(("127.0.0.1", 0)) as proxy:
        threading.Thread(target=_accept, args=(proxy, called), daemon=True).start()
        address = f"http://127.0.0.1:{proxy.getsockname()[1]}"
        away = dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"), address)
        environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
        environment |= {"HOME": str(home), "PYTHONPATH": str(ROOT), "MPLBACKEND": "agg", **away}
        environment.pop("WANDB_API_KEY", None)
        environment.pop("WANDB_MODE", None)
        command = [sys.executable, "-c", WATCH + script + TELL, *words]
        ran = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout.splitlines()[-1])
    return told["found"], told["codes"], len(called)


def _accept(proxy: socket.socket, called: list[object]) -> None:
    while True:
        try:
            connection, caller = proxy.accept()
        except OSError:
            return
        called.append(caller)
        connection.close()


def every_verb(folder: Path, video: str) -> Sequence[Sequence[str]]:
    """The words of each verb once, on what the verbs before it left."""
    data, run, model = folder / "casme2", folder / "run", folder / "model.safetensors"
    few = ("synth.subjects=2", "synth.clips_per_subject=3", "synth.duration_s=[0.015,0.015]")
    small = (*SMALL, f"dataset.root={data}", f"store={folder / 'store'}", f"outputs={folder / 'outputs'}")
    landmarks = ("align=dlib", "align.landmarks._target_=tests.predict.faces.FixedLandmarks", "device=cpu")
    return (
        ("synth", f"out={data}", *few),
        ("check", *small),
        ("prepare", *small),
        ("train", *small, f"run_dir={run}", "logger=wandb"),
        ("score", str(run / "predictions.csv")),
        ("compare", str(run)),
        ("report", str(run), "--out", str(folder / "report.html")),
        ("dashboard", "project", "--dry-run"),
        ("export", f"run={run}", f"out={model}"),
        ("explain", f"run={run}"),
        ("magnify", video, f"out={folder / 'magnified'}"),
        ("predict", video, f"model={model}", f"out={folder / 'predicted'}", *landmarks),
        ("bench", "magnify", "--frames", "4", "--size", "32", "--repeats", "1", "--device", "cpu"),
    )


@pytest.mark.slow
def test_no_verb_calls_anyone(tmp_path: Path) -> None:
    pytest.importorskip("wandb_workspaces")
    video = write_video(tmp_path / "talk.avi", stream([Bump(0.5, px=3.0)], fps=25, duration_s=1.0).images, 25.0)
    commands = every_verb(tmp_path, video)
    assert {words[0] for words in commands} == set(VERBS)
    found, codes, proxied = watched(RUN, tmp_path, json.dumps(commands))
    assert codes == [0] * len(commands)
    assert (found, proxied) == ([], 0)


def test_whoever_calls_is_noticed(tmp_path: Path) -> None:
    script = """
import socket, urllib.request
codes = []
for call in (
    lambda: socket.create_connection(("192.0.2.1", 9)),
    lambda: socket.getaddrinfo("example.org", 80),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"", ("192.0.2.2", 9)),
    lambda: urllib.request.urlopen("http://example.org"),
):
    try:
        call()
    except OSError:
        pass
"""
    found, _, proxied = watched(script, tmp_path)
    assert {host for _, host in found} == {"192.0.2.1", "example.org", "192.0.2.2"}
    assert proxied == 1
