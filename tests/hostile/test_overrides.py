"""Any value of any setting of `mer train`: a run, or one line and exit code 2."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import DictConfig

from tests.fakes import write_casme2, write_flow_images
from tests.hostile.outcomes import fewer, run_quietly
from tests.runner import TINY
from tests.test_conf import composed

CLIPS = (
    *("dataset=casme2", "labels=raw", "align=none", "align.size_px=32", "flow=dis"),
    *(word for word in TINY if not word.startswith("dataset=")),
)
VALUES = (
    *("inf", "-inf", "nan", "1e400", "-1", "0", "1", "2", "0.5", "1e-300", "-0.0", "65536", "2147483648", "9" * 400),
    *("null", "true", "false", "''", "' '", "a", "a" * 300, "../../x", "/etc/passwd", "/dev/null", "0x10", "1_0"),
    *("[]", "{}", "[[]]", "[0]", "[-1]", "[1,2]", "[nan]", "[a,b]", "[100000]", "[99999999999]", "[[1],[2]]", "{a:1}"),
    *("'\x1b[2J'", "\u202e", "\u0661", "${seed}", "${nothing}", "'${oc.env:HOME}'"),
)
# What may take as long as it says, and where results go.
LEFT_OUT = ("hydra", "trainer.max_epochs", "outputs", "run_dir", "store", "dataset.root")


def keys(cfg: DictConfig, prefix: str = "") -> list[str]:
    """Every setting of ``cfg``, groups too."""
    found = []
    for name in cfg:
        key = f"{prefix}{name}"
        node = cfg._get_node(name)
        found += [key, *(keys(node, f"{key}.") if isinstance(node, DictConfig) else ())]
    return [key for key in found if not key.startswith(LEFT_OUT)]


@pytest.fixture(scope="module", params=["flow images", "clips"])
def base(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The words of a run of a second, but for where its results go."""
    root = tmp_path_factory.mktemp("data")
    if request.param == "clips":
        write_casme2(root)
        return [*CLIPS, f"dataset.root={root}", "trainer.max_epochs=1", "name=tiny"]
    write_flow_images(root)
    return [*TINY, f"dataset.roots=[{root}]", "trainer.max_epochs=1", "name=tiny"]


@pytest.mark.slow
def test_run_that_values_are_changed_in_is_taken(base: list[str], tmp_path: Path) -> None:
    """Else all of the examples below would be refused for the same reason."""
    places = (f"outputs={tmp_path / 'outputs'}", f"store={tmp_path / 'store'}")
    code, _, err = run_quietly("run without a change", "train", *base, *places)
    assert code == 0, err


@pytest.mark.slow
@fewer(2)
@given(data=st.data())
def test_any_value_of_any_setting_trains_or_is_refused(
    base: list[str], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("run")
    words = [
        data.draw(st.sampled_from(["{}={}", "{}={}", "++{}={}", "~{}"])).format(key, data.draw(st.sampled_from(VALUES)))
        for key in data.draw(st.lists(st.sampled_from(keys(composed("train", *base))), min_size=1, max_size=2))
    ]
    places = (f"outputs={folder / 'outputs'}", f"store={folder / 'store'}")
    with contextlib.chdir(folder):
        code, _, err = run_quietly("setting of train", "train", *base, *places, *words)
    assert code in (0, 2), words
    told = [line for line in err.splitlines() if line.startswith("mer: ")]
    assert len(told) == (code == 2), words
    assert {path.name for path in Path(folder).iterdir()} <= {"outputs", "store"}, words
