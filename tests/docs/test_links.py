"""Every relative link of a Markdown file leads to a file that is there, and every anchor to a heading."""

import re
import unicodedata
from pathlib import Path

import pytest
import yaml

from tests.docs.commands import ROOT, pages

_FENCE = re.compile(r"^ *```.*?^ *```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ +(.+?) *#*$", re.MULTILINE)
GENERATED = ("docs/configuration/", "docs/api/")  # made when the site is built, which looks at links to them
PAGES = [ROOT / "CHANGELOG.md", *pages()]


def anchors(markdown: str) -> set[str]:
    """The anchors of a page's headings, as Python-Markdown and GitHub both make them of plain words."""
    return {slug(heading) for heading in _HEADING.findall(_FENCE.sub("", markdown))}


def slug(heading: str) -> str:
    text = unicodedata.normalize("NFKD", heading).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", text).strip())


def broken(markdown: str, page: Path) -> list[str]:
    """The links of ``markdown`` that lead nowhere."""
    found = []
    for target in _LINK.findall(_FENCE.sub("", markdown)):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if ":" in target or str(file).startswith(tuple(str(ROOT / part) for part in GENERATED)):
            continue
        text = markdown if not path else file.read_text(encoding="utf-8") if anchor and file.is_file() else ""
        if (path and not file.exists()) or (anchor and anchor not in anchors(text)):
            found.append(target)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    assert broken(page.read_text(encoding="utf-8"), page) == []


def test_links_that_lead_nowhere_are_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    (tmp_path / "other.md").write_text("# Here it is\n\n```sh\n# not a heading\n```\n")
    text = (
        "[a](other.md) [b](other.md#here-it-is) [c](#top) [d](gone.md) [e](other.md#not-a-heading) [f](https://x.y)\n"
    )
    assert broken(f"# Top\n{text}", page) == ["gone.md", "other.md#not-a-heading"]


def test_every_page_of_the_site_is_in_its_navigation() -> None:
    nav = yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]
    named = {page for section in nav for pages_of in section.values() for page in pages_of}
    written = {str(path.relative_to(ROOT / "docs")) for path in (ROOT / "docs").rglob("*.md")}
    assert named - {"configuration/index.md", "api/index.md", "experiments/index.md"} == written
