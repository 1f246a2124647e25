"""Write docs/licences.md: every package that mer and its extras bring, and its licence; ``make licences``.

Read from what is installed. A licence that is not allowed below, or that a package does not tell, is a failure.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PAGE = Path(__file__).parents[1] / "docs" / "licences.md"
# Apache-2.0 code may be used with each of these; MPL-2.0 asks for changes to its own files alone.
ALLOWED = {
    "0BSD", "Apache-2.0", "Apache-2.0 WITH LLVM-exception", "BSD", "BSD-2-Clause", "BSD-3-Clause", "BSL-1.0", "CC0-1.0",
    "ISC", "MIT", "MIT-CMU", "MPL-2.0", "PSF-2.0", "Zlib",
}  # fmt: skip
# What packages say instead of an SPDX expression.
SPOKEN = {
    "3-Clause BSD License": "BSD-3-Clause",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD License": "BSD",
    "Boost Software License": "BSL-1.0",
    "CC0 1.0 Universal (CC0 1.0) Public Domain Dedication": "CC0-1.0",
    "ISC License (ISCL)": "ISC",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
_NO_ID = ("", "UNKNOWN", "OSI Approved")
_BASE = "mer"


@dataclass(frozen=True)
class Package:
    """An installed package: its name, version, licence, and the extras that bring it; ``mer``: each install does."""

    name: str
    version: str
    licence: str
    needed_by: tuple[str, ...]


def licence_of(found: Distribution) -> str:
    """An SPDX expression, or what the package says; empty where it says nothing."""
    told = found.metadata
    expression = told.get("License-Expression")
    if expression:
        return str(expression)
    words = [name.rpartition(" :: ")[2] for name in told.get_all("Classifier") or () if name.startswith("License")]
    spoken = [word for word in words if word not in _NO_ID] or [str(told.get("License") or "")]
    text = " OR ".join(SPOKEN.get(word, word) for word in spoken)
    return "" if text in _NO_ID else text.splitlines()[0]


def is_allowed(licence: str) -> bool:
    """Whether an expression can be met by licences of ``ALLOWED`` alone."""
    if "(" in licence:  # whichever way it is read
        return all(one in ALLOWED for one in re.split(r" (?:AND|OR) ", re.sub(r"[()]", "", licence)))
    return any(all(one in ALLOWED for one in choice.split(" AND ")) for choice in licence.split(" OR "))


def packages() -> list[Package]:
    """What is installed of all that mer and its extras bring, by name."""
    extras = sorted(distribution(_BASE).metadata.get_all("Provides-Extra") or ())
    needed: dict[str, list[str]] = {}
    for extra in ("", *extras):
        for name in _closure(_BASE, extra):
            if _BASE not in needed.setdefault(name, []):
                needed[name].append(extra or _BASE)
    found = [(distribution(name), tuple(extras)) for name, extras in needed.items() if name != _BASE]
    listed = [Package(canonicalize_name(one.name), one.version, licence_of(one), extras) for one, extras in found]
    return sorted(listed, key=lambda one: one.name)


def refused(listed: Iterable[Package]) -> list[str]:
    """A line for each package whose licence is unknown or not allowed."""
    return [
        f"expected an allowed licence of {one.name} {one.version}; got {one.licence or 'none'}; "
        "allow it in requirements/licences.py, or do without"
        for one in listed
        if not is_allowed(one.licence)
    ]


def page(listed: Iterable[Package]) -> str:
    """The page, its head kept as it is."""
    head, mark, _ = PAGE.read_text(encoding="utf-8").partition("<!-- make licences -->\n")
    rows = [f"| {one.name} | {one.version} | {one.licence} | {', '.join(one.needed_by)} |" for one in listed]
    return "\n".join(
        [head + mark + "", "| package | version | licence | brought by |", "| --- | --- | --- | --- |", *rows, ""]
    )


def _closure(name: str, extra: str) -> set[str]:
    """The names of the installed packages that ``name[extra]`` brings, itself among them."""
    seen: set[tuple[str, str]] = set()
    todo = [(canonicalize_name(name), extra)]
    while todo:
        one = todo.pop()
        if one not in seen:
            seen.add(one)
            todo.extend(_needs(*one))
    return {found for found, _ in seen if _is_installed(found)}


def _needs(name: str, extra: str) -> Iterator[tuple[str, str]]:
    try:
        requires = distribution(name).requires or ()
    except PackageNotFoundError:
        return
    for text in requires:
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": extra}):
            yield from ((canonicalize_name(requirement.name), other) for other in (*requirement.extras, ""))


def _is_installed(name: str) -> bool:
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True


def main() -> int:
    """Write the page; 1 where a licence is refused."""
    listed = packages()
    lines = refused(listed)
    if lines:
        print("\n".join(lines), file=sys.stderr)
        return 1
    PAGE.write_text(page(listed), encoding="utf-8")
    print(f"{len(listed)} packages, all of allowed licences: {PAGE.name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
