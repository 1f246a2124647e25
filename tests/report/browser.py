"""Runs a page in headless Chromium: a script of the test's own is added to a copy, and what it finds is read back."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from html import unescape
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
_FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking")
# The page stands in a frame: a window of Chromium's is never narrower than 500 px.
_FRAME = """<!doctype html><meta charset=utf-8><body style="margin:0"><pre id=found></pre>
<iframe src="{name}" style="width:{width}px;height:900px;border:0"></iframe>
<script>addEventListener("message", (one) => {{ document.getElementById("found").textContent = one.data; }});</script>
"""
_PROBE = """
{{ const errors = [];
addEventListener("securitypolicyviolation", (one) => errors.push(one.violatedDirective));
addEventListener("error", (one) => errors.push(one.message));
const probe = () => {{ {script} }};
addEventListener("load", () => setTimeout(() => {{
  let found;
  try {{ found = probe(); }} catch (error) {{ errors.push(String(error)); }}
  parent.postMessage(JSON.stringify({{ found, errors }}), "*");
}}, 50)); }}
"""


@dataclass(frozen=True)
class Seen:
    """What the script returned, what went wrong in the page, and what the browser's console says."""

    found: Any
    errors: list[str]
    console: list[str]


def look(page: str, script: str, folder: Path, width: int = 1280, dark: bool = False) -> Seen:
    """Run ``script``, a function's body, in ``page`` in a frame ``width`` px wide; skip where there is no Chromium."""
    browser = next((path for name in _NAMES if (path := shutil.which(name))), None)
    if browser is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    probe = _PROBE.format(script=script)
    allowed = base64.b64encode(hashlib.sha256(probe.encode()).digest()).decode()
    copy = page.replace("script-src &#x27;", f"script-src &#x27;sha256-{allowed}&#x27; &#x27;", 1)
    (folder / "page.html").write_text(copy.replace("</head>", f"<script>{probe}</script></head>"), encoding="utf-8")
    (folder / "frame.html").write_text(_FRAME.format(name="page.html", width=width))
    more = ["--blink-settings=preferredColorScheme=0"] if dark else []
    command = [browser, *_FLAGS, *more, f"--user-data-dir={folder / 'profile'}", "--enable-logging=stderr", "--v=0"]
    command += [f"--window-size={max(width, 600)},1000", "--virtual-time-budget=5000", "--dump-dom"]
    ran = subprocess.run(
        [*command, (folder / "frame.html").as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    match = re.search(r"<pre id=\"found\">(.+?)</pre>", ran.stdout, re.DOTALL)
    console = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
    assert match, f"the script told nothing: {console} {ran.stderr[-2000:]}"
    told = json.loads(unescape(match[1]))
    return Seen(told.get("found"), told["errors"], console)
