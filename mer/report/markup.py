"""HTML in which text is escaped by construction: only ``Markup`` stands as it is."""

import re
from collections.abc import Iterable
from html import escape

# Elements that have no end.
_VOID = ("img", "meta", "wbr")
_BREAKS = re.compile(r"(?<=[,/=&_])")


class Markup(str):
    """HTML that is safe as it stands; :func:`element` alone makes it, from text that it escapes."""

    __slots__ = ()


def element(name: str, /, *children: str, **attributes: str | float) -> Markup:
    """An HTML element; children and attributes that are no ``Markup`` are escaped.

    Args:
        name: of the element, as ``td``.
        children: texts, and ``Markup``.
        attributes: ``class_`` stands for class, ``data_value`` for data-value; True for one without a value, False for
            none.

    >>> element("td", "a<b", data_value=3)
    '<td data-value="3">a&lt;b</td>'
    """
    given = "".join(_attribute(key, value) for key, value in attributes.items() if value is not False)
    if name in _VOID:
        return Markup(f"<{name}{given}>")
    return Markup(f"<{name}{given}>{joined(children)}</{name}>")


def joined(parts: Iterable[str]) -> Markup:
    """Parts one after the other, escaped where they are no ``Markup``."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts))


def breakable(text: str) -> Markup:
    """``text``, where a line may end after the signs that names of runs and clips are put together by."""
    parts = _BREAKS.split(text)
    return joined(joined([element("wbr")] * (number > 0) + [part]) for number, part in enumerate(parts))


def shortened(text: str, longest: int) -> str:
    """``text``, cut to ``longest`` letters, the last an ellipsis."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _attribute(key: str, value: str | float) -> str:
    name = key.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
