"""MkDocs hooks: generated pages, the READMEs beside the code, and links between all of them."""

import re
import sys
from os.path import relpath
from pathlib import Path, PurePosixPath
from posixpath import normpath
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

sys.path.insert(0, str(Path(__file__).parent))

from pages import UndocumentedKeysError, api_pages, configuration_pages, experiments_page

ROOT = Path(__file__).parents[2]
_LINK = re.compile(r"(!?\[(?:[^\]\[]|\[[^\]]*\])*\])\(([^)\s#]+)(#[^)\s]*)?\)")
_FOLDERS = ("experiments/*", "mer", "mer/synth", "mer/models/*")
_generated: dict[str, str] = {}


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Make the pages, and add them and the READMEs to the sections of the navigation that wait for them."""
    try:
        _generated.update(configuration_pages(ROOT / "conf") | api_pages())
        _generated.update(experiments_page({path: (ROOT / path).read_text() for path in _experiments()}))
    except UndocumentedKeysError as error:
        raise PluginError(str(error)) from error
    sections: dict[str, list[Any]] = {title: pages for entry in config.nav or () for title, pages in entry.items()}
    for title, prefix in {"Configuration": "configuration/", "Python API": "api/"}.items():
        sections[title] += [page for page in _generated if page.startswith(prefix) and page not in sections[title]]
    sections["Experiments"] += _experiments()
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add what lies outside docs/: generated pages, READMEs, and the pictures beside them."""
    for path, text in _generated.items():
        files.append(File.generated(config, path, content=text))
    for path in _readmes():
        files.append(File.generated(config, path, abs_src_path=str(ROOT / path), inclusion=InclusionLevel.NOT_IN_NAV))
        for picture in sorted((ROOT / path).parent.glob("*.png")):
            files.append(File.generated(config, str(picture.relative_to(ROOT)), abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Point links at pages of the site; a link to a file that the site does not hold becomes its text alone."""
    if page.file.src_uri in _generated:
        return markdown
    kept = page.file.src_uri in _readmes()
    here = PurePosixPath(page.file.src_uri if kept else f"docs/{page.file.src_uri}")

    def link(match: re.Match[str]) -> str:
        text, target, anchor = match[1], match[2], match[3] or ""
        if ":" in target:
            return match[0]
        path = normpath(str(here.parent / target))
        inside = path.removeprefix("docs/") if path.startswith("docs/") else path
        inside = "index.md" if inside == "README.md" else inside
        if files.get_file_from_path(inside):
            return f"{text}({relpath(inside, PurePosixPath(page.file.src_uri).parent)}{anchor})"
        return text[1:-1] if (ROOT / path).exists() else match[0]

    return _LINK.sub(link, markdown)


def _experiments() -> list[str]:
    return [path for path in _readmes() if path.startswith("experiments/")]


def _readmes() -> list[str]:
    found = [path for folder in _FOLDERS for path in sorted(ROOT.glob(f"{folder}/README.md"))]
    return ["CONTRIBUTING.md", "CHANGELOG.md", *(str(path.relative_to(ROOT)) for path in found)]
