"""The reference of every configuration key: complete, and made of what the YAMLs and the classes say."""

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from mer.hydra_app import conf_dir
from tests.docs.commands import ROOT


@pytest.fixture(scope="module")
def keys() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "docs" / "generate"))
    import keys

    yield keys
    sys.path.remove(str(ROOT / "docs" / "generate"))
    for name in ("keys", "pages"):
        sys.modules.pop(name, None)


def written(folder: Path, group: str, name: str, text: str) -> Path:
    (folder / group).mkdir(parents=True, exist_ok=True)
    (folder / group / f"{name}.yaml").write_text(text)
    return folder


def test_something_is_said_of_every_key(keys: ModuleType) -> None:
    assert keys.undocumented(keys.read_conf(conf_dir())) == []


def test_a_key_is_explained_by_its_comment_else_by_its_class(keys: ModuleType, tmp_path: Path) -> None:
    text = "# What it is.\n# mer train x=1\n_target_: mer.align.EyeCrop\nsize_px: 224\neye_distance: 0.4  # a comment\n"
    (crop,) = keys.read_conf(written(tmp_path, "align", "mine", text)).values()
    assert (crop.header, crop.commands, crop.target) == ("What it is.", ["mer train x=1"], "mer.align.EyeCrop")
    assert [(key.path, key.value, key.said) for key in crop.keys] == [
        ("size_px", "224", "side S of the crop."),
        ("eye_distance", "0.4", "a comment"),
    ]


def test_a_comment_is_told_from_a_sign_in_a_value(keys: ModuleType, tmp_path: Path) -> None:
    text = "# Top.\na: '#1'\nb: [x, '# y']   # both\nc:            # of c\n  _target_: other.Thing\n  d: 1\n"
    text += "# of e\ne:\n  f: 1\n"
    (one,) = keys.read_conf(written(tmp_path, "align", "mine", text)).values()
    assert [(key.path, key.value, key.said) for key in one.keys] == [
        ("a", "'#1'", ""),
        ("b", "[x, '# y']", "both"),
        ("c", "other.Thing", "of c"),
        ("c.d", "1", ""),
        ("e", "...", "of e"),
    ]


def test_keys_of_a_base_and_of_equal_choices_explain_their_like(keys: ModuleType, tmp_path: Path) -> None:
    base = "_target_: torch.optim.SGD\nlr: 1  # a rate\nstep: 2\n"
    written(tmp_path, "group", "base", base)
    written(tmp_path, "group", "derived", "defaults:\n  - base\n  - _self_\n\nlr: 3\n")
    files = keys.read_conf(tmp_path)
    assert [key.said for key in files["group", "derived"].keys] == ["a rate"]
    assert keys.undocumented(files) == ["group/base.yaml: step"]


def test_sentences_of_other_projects_are_not_taken(keys: ModuleType) -> None:
    assert keys.arguments("torch.optim.SGD") == {}
    assert keys.arguments("mer.magnify.IIRHz")  # a class whose arguments its parent explains


def test_pages_name_defaults_and_link_classes(keys: ModuleType) -> None:
    import pages

    made = pages.configuration_pages(conf_dir()) | pages.api_pages()
    assert "## align=fan (default) { #fan }" in made["configuration/align.md"]
    assert "[`mer.align.EyeCrop`](../api/align.md#mer.align.crop.EyeCrop)" in made["configuration/align.md"]
    assert made["configuration/align.md"].index("align=fan") < made["configuration/align.md"].index("align=dlib")
    assert "| `batch_size` | `16` | clips a training step |" in made["configuration/index.md"]
    assert "mer train experiment=demo" in made["configuration/experiment.md"]
    assert "::: mer.align.crop.EyeCrop\n" in made["api/align.md"]


def test_an_unexplained_key_fails_the_build(keys: ModuleType, tmp_path: Path) -> None:
    import pages

    written(tmp_path, "", "train", "defaults:\n  - align: mine\n\nseed: 0\n")
    with pytest.raises(pages.UndocumentedKeysError, match=r"train\.yaml: seed"):
        pages.configuration_pages(tmp_path)
