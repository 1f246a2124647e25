"""Takes keys, tokens and the name of the home folder out of what leaves the machine."""

import netrc
import os
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

MASK = "***"
_SECRET_NAME = re.compile(r"api_?key|access_?key|private_?key|token|secret|passw|credential", re.IGNORECASE)
_USER_IN_URL = re.compile(r"(?<=://)[^/\s@]+(?=@)")
_SHORTEST = 8  # characters; a shorter value would mask words that are none


def known_secrets() -> set[str]:
    """Values that must not leave the machine: variables named like keys, and the passwords in ``.netrc``."""
    values = {value for name, value in os.environ.items() if _SECRET_NAME.search(name)}
    return {value for value in values | _netrc_passwords() if len(value) >= _SHORTEST}


def masked(value: Any, secrets: Collection[str]) -> Any:
    """``value`` (plain, nested) with ``secrets``, values of keys named like one, and users in URLs as ``***``.

    The home folder becomes ``~``: its name is often the user's.

    >>> masked({"depth": 16, "api_key": "abc", "url": "https://me:pw@host/x"}, ())
    {'depth': 16, 'api_key': '***', 'url': 'https://***@host/x'}
    """
    if isinstance(value, Mapping):
        return {key: _masked_entry(str(key), entry, secrets) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [masked(entry, secrets) for entry in value]
    return _masked_text(value, secrets) if isinstance(value, str) else value


def netrc_login(host: str) -> bool:
    """True where ``.netrc`` holds a login for ``host``."""
    return host in _netrc_hosts()


def _masked_entry(key: str, entry: Any, secrets: Collection[str]) -> Any:
    return MASK if isinstance(entry, str) and entry and _SECRET_NAME.search(key) else masked(entry, secrets)


def _masked_text(text: str, secrets: Collection[str]) -> str:
    for secret in sorted(secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(secret, MASK)
    text = _USER_IN_URL.sub(MASK, text)
    home = str(Path.home())
    return re.sub(rf"{re.escape(home)}(?=/|$)", "~", text) if home != "/" else text


def _netrc_passwords() -> set[str]:
    return {password for _, _, password in _netrc_hosts().values() if password}


def _netrc_hosts() -> Mapping[str, tuple[str, str | None, str | None]]:
    try:
        return netrc.netrc(os.environ.get("NETRC")).hosts
    except (OSError, netrc.NetrcParseError):
        return {}
