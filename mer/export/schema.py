"""JSON from a file that anyone may have written: small, plain, finite, and of the form that was asked for."""

import json
import math
import unicodedata
from collections.abc import Mapping
from typing import Any

from mer.errors import MerError

MOST_CHARACTERS = 1_000_000
_LONGEST_TEXT = 2000
_REMEDY = "get the file from whoever made it, or let `mer export` write it again"

# What a schema may say of a value: a type, float for any finite number; [schema] for a list; {str: schema} for a table
# with any names; {"name": schema, ...} for one with these and no others; Optional(schema); Plain for any plain value.
Schema = Any


class Optional:
    """A value that may be null.

    Args:
        schema: of a value that is not.
    """

    def __init__(self, schema: Schema) -> None:
        self.schema = schema


class Plain:
    """Any value of JSON."""


def parse(text: str, schema: Schema, what: str) -> Any:
    """``text`` as plain values of the form ``schema``.

    Args:
        text: JSON.
        schema: see above.
        what: the text's name in messages.

    Raises:
        MerError: it is too long, no JSON, or of another form; says where.
    """
    if len(text) > MOST_CHARACTERS:
        raise MerError(f"{what} of {MOST_CHARACTERS} characters or fewer", f"{len(text)}", _REMEDY)
    try:
        value = json.loads(text, parse_constant=_refuse, object_pairs_hook=_without_doubles)
        check(value, schema, what)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else " ".join(str(error).split())
        raise MerError(f"{what} as JSON", reason, _REMEDY) from error
    return value


def check(value: Any, schema: Schema, what: str) -> None:
    """Raise unless ``value`` has the form ``schema``.

    Raises:
        MerError: it has not; says where.
    """
    if isinstance(schema, Optional):
        if value is not None:
            check(value, schema.schema, what)
    elif isinstance(schema, list):
        for number, one in enumerate(_require(value, list, what)):
            check(one, schema[0], f"{what}[{number}]")
    elif isinstance(schema, Mapping):
        _check_table(_require(value, dict, what), schema, what)
    elif schema is Plain:
        _check_plain(value, what)
    else:
        _check_leaf(value, schema, what)


def _check_table(table: Mapping[str, Any], schema: Mapping[Any, Schema], what: str) -> None:
    if str in schema:
        for name, one in table.items():
            _check_leaf(name, str, f"a name in {what}")
            check(one, schema[str], f"{what}.{name}")
        return
    if table.keys() != schema.keys():
        raise MerError(f"{what} with {', '.join(schema)}", ", ".join(map(repr, table)) or "nothing", _REMEDY)
    for name, one in table.items():
        check(one, schema[name], f"{what}.{name}")


def _check_plain(value: Any, what: str) -> None:
    if isinstance(value, dict):
        check(value, {str: Plain}, what)
    elif isinstance(value, list):
        check(value, [Plain], what)
    elif value is not None and not isinstance(value, bool):
        _check_leaf(value, str if isinstance(value, str) else float, what)


def _check_leaf(value: Any, kind: type, what: str) -> None:
    if kind is float:
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not _is_finite(value):
            raise MerError(f"{what} to be a number", _shown(value), _REMEDY)
    elif kind is str:
        _check_text(_require(value, str, what), what)
    elif isinstance(value, bool) is not (kind is bool):
        raise MerError(f"{what} to be of type {kind.__name__}", _shown(value), _REMEDY)
    else:
        _require(value, kind, what)


def _check_text(text: str, what: str) -> None:
    # A control character could move the cursor of a terminal that the text is printed on.
    if len(text) > _LONGEST_TEXT or any(unicodedata.category(one) in ("Cc", "Cf", "Cs") for one in text):
        raise MerError(f"{what} to be a short text that can be printed", _shown(text), _REMEDY)


def _require(value: Any, kind: type, what: str) -> Any:
    if not isinstance(value, kind):
        raise MerError(f"{what} to be of type {kind.__name__}", _shown(value), _REMEDY)
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all floats
        return False


def _shown(value: Any) -> str:
    text = ascii(value) if not isinstance(value, (dict, list)) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else f"{text[:60]}..."


def _refuse(constant: str) -> Any:
    raise ValueError(f"{constant}, which JSON does not have")


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name that occurs twice")
    return table
