"""Any bytes in the place of a table, a model or a setting: a result, or one printable line and exit code 2.

``MER_FUZZ`` is how many examples each test tries (25).
"""

import contextlib
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mer.align.given import GivenLandmarks
from mer.align.landmarks_csv import X, Y
from mer.datasets import FlowImages, Folder
from mer.errors import MerError
from mer.export import ReleasedModel, load_model, write_model
from mer.files import safe_name
from mer.hydra_app import _OVERRIDE
from mer.progress import say
from mer.report.html import render_report
from mer.runs import read_run
from mer.store import Store
from mer.trained import load_run
from tests.fakes.runs import fake_predictions, write_run
from tests.fakes.trained import write_trained_run
from tests.hostile.outcomes import fewer, fuzz, in_one_line, run_quietly

JUNK = (
    *("", "1", "0.5", "s01", "nan", "-inf", "1e400", "9" * 400, "=1+1", "../../x", "/etc/passwd", "a" * 5000),
    *('"', "'", ",", "\0", "\x1b[2J", "\r", "\n", "<script>", "[red]", "${oc.env:HOME}", "\u202e", "\u0661"),
)
CELLS = st.one_of(st.sampled_from(JUNK), st.text(max_size=8))
LANDMARKS = ["subject", "clip", "frame", *X, *Y]
FLOWS = ["dataset", "subject", "clip", "label", "file"]
CLIPS = ["dataset", "subject", "clip", "path", "fps", "onset", "apex", "offset", "label"]
SCORED = ["dataset", "subject", "clip", "target", "prediction", "prob_a"]


@st.composite
def tables(draw: st.DrawFn, columns: list[str]) -> bytes:
    """A CSV of these columns, some missing, with any cells, too few or too many, and some bytes changed."""
    header = draw(st.one_of(st.just(columns), st.lists(st.sampled_from(columns), max_size=len(columns))))
    count = st.one_of(st.just(len(header)), st.integers(0, len(header) + 2))
    rows = [[draw(CELLS) for _ in range(draw(count))] for _ in range(draw(st.integers(0, 4)))]
    text = draw(st.sampled_from(["\n", "\r\n", "\r"])).join(",".join(row) for row in [header, *rows])
    return changed(draw, text.encode("utf-8", "surrogatepass"), 2)


def changed(draw: st.DrawFn, data: bytes, most: int) -> bytes:
    """``data`` with up to so many bytes replaced."""
    spoilt = bytearray(data)
    for _ in range(draw(st.integers(0, most)) if data else 0):
        spoilt[draw(st.integers(0, len(spoilt) - 1))] = draw(st.integers(0, 255))
    return bytes(spoilt)


@fuzz
@given(tables(SCORED))
def test_any_predictions_are_scored_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "predictions.csv"
    file.write_bytes(data)
    code, out, err = run_quietly("predictions.csv in score", "score", str(file), "--draws", "3")
    assert code in (0, 2)
    assert code == 0 or (out == "" and err.count("\n") == 1)
    assert not {"\x1b", "\0", "\x07"} & {*out, *err}


@fuzz
@given(tables(LANDMARKS))
def test_any_landmarks_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "landmarks.csv"
    file.write_bytes(data)
    in_one_line("landmarks CSV", lambda: GivenLandmarks(file)._table)


@fuzz
@given(tables(["subject", "clip", "frame"]))
def test_any_frame_number_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    file = tmp_path_factory.getbasetemp() / "frames.csv"
    file.write_bytes(data)
    in_one_line("landmarks CSV", lambda: GivenLandmarks(file)._table)


@fuzz
@given(tables(FLOWS))
def test_any_labels_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    (tmp_path_factory.getbasetemp() / "labels.csv").write_bytes(data)
    dataset = FlowImages(str(tmp_path_factory.getbasetemp()))
    in_one_line("labels.csv", lambda: dataset.flow_maps(dataset.load().clips))


@fuzz
@given(tables(CLIPS))
def test_any_list_of_clips_is_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    (tmp_path_factory.getbasetemp() / "clips.csv").write_bytes(data)
    in_one_line("clips.csv", Folder(str(tmp_path_factory.getbasetemp())).load)


@pytest.fixture(scope="module")
def model_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("model")
    model = ReleasedModel.from_run(load_run(write_trained_run(folder / "run")))
    write_model(model, folder / "model.safetensors")
    return (folder / "model.safetensors").read_bytes()


@fuzz
@given(st.data())
def test_any_model_file_is_loaded_or_refused(
    tmp_path_factory: pytest.TempPathFactory, model_bytes: bytes, data: st.DataObject
) -> None:
    header = 8 + int.from_bytes(model_bytes[:8], "little")
    spoilt = bytearray(model_bytes)
    for _ in range(data.draw(st.integers(1, 3))):  # the header rather than the weights, of which most bytes are
        spoilt[data.draw(st.one_of(st.integers(0, header), st.integers(0, len(spoilt) - 1)))] = data.draw(
            st.integers(0, 255)
        )
    file = tmp_path_factory.getbasetemp() / "model.safetensors"
    file.write_bytes(bytes(spoilt[: data.draw(st.one_of(st.just(len(spoilt)), st.integers(0, len(spoilt))))]))
    in_one_line("exported model", lambda: load_model(file))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "run")


@pytest.mark.parametrize("name", ["config.yaml", "metrics.json"])
@fuzz
@given(data=st.data())
def test_any_run_folder_is_reported_or_refused(run: Path, name: str, data: st.DataObject) -> None:
    kept = (run / name).read_bytes()

    @st.composite
    def spoilt(draw: st.DrawFn) -> bytes:
        return changed(draw, kept, 4)

    (run / name).write_bytes(data.draw(spoilt()))
    try:
        in_one_line(f"{name} of a run", lambda: render_report([read_run(run)], "title"))
    finally:
        (run / name).write_bytes(kept)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("compared")
    settings = ({"model": {"depth": 1}}, {"model": {"depth": 2}})
    return [write_run(folder / f"run{number}", one) for number, one in enumerate(settings)]


@pytest.mark.slow
@fewer(5)
@given(data=st.data())
def test_any_predictions_of_a_run_are_compared_and_reported_or_refused(runs: list[Path], data: st.DataObject) -> None:
    file = runs[1] / "predictions.csv"
    kept = file.read_bytes()
    columns = kept.decode().splitlines()[0].split(",")

    @st.composite
    def spoilt(draw: st.DrawFn) -> bytes:
        return draw(tables(columns)) if draw(st.booleans()) else changed(draw, kept, 4)

    file.write_bytes(data.draw(spoilt()))
    try:
        folder = str(runs[0].parent)
        for verb, *more in (("compare", "--json"), ("report", "--out", f"{folder}/report.html")):
            code, out, err = run_quietly(f"predictions.csv in {verb}", verb, folder, *more)
            assert code in (0, 2)
            assert code == 0 or (out == "" and err.count("\n") == 1)
            assert not {"\x1b", "\0", "\x07"} & {*out, *err}
    finally:
        file.write_bytes(kept)


WORDS = st.lists(
    st.one_of(st.sampled_from(("model.depth=", "+x=", "~align", "flow=ptlflow:", "model=", "seed=", *JUNK)), CELLS),
    min_size=1,
    max_size=3,
).map("".join)


@pytest.mark.slow
@fewer(5)
@given(WORDS)
def test_any_override_composes_or_is_refused(tmp_path_factory: pytest.TempPathFactory, word: str) -> None:
    if not _OVERRIDE.match(word):  # no setting: Hydra's parser prints its usage
        return
    empty = tmp_path_factory.getbasetemp() / "empty"
    empty.mkdir(exist_ok=True)
    with contextlib.chdir(empty):
        code, _, err = run_quietly("any word beside a verb", "train", word, "--cfg", "job")
    assert code in (0, 2)
    assert code == 0 or err.count("\n") == 1
    assert list(empty.iterdir()) == []


@fuzz
@given(st.text(max_size=400))
def test_any_name_is_one_component_inside_its_folder(tmp_path_factory: pytest.TempPathFactory, name: str) -> None:
    root = tmp_path_factory.getbasetemp()
    path = Store(root).path((name, name, name), "flow", "key")
    assert path.resolve().relative_to(root.resolve()).parts[3:] == ("flow-key.safetensors",)
    assert (root / safe_name(name)).parent == root
    assert not (root / safe_name(name)).exists()  # which would raise where no file can have such a name


@pytest.mark.parametrize("name", ["..", ".", "", "/etc", "../../x", "a/../../b", "\0", "a" * 300, "CON", "-rf", "~"])
def test_names_that_lead_elsewhere_do_not(name: str) -> None:
    safe = safe_name(name)
    assert "/" not in safe
    assert safe not in ("", ".", "..")
    assert len(safe.encode()) < 255


class _Tags(HTMLParser):
    """Counts tags and lists attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [tag, *(name for name, _ in attrs)]


ATTACKS = ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "' onmouseover='alert(1)", '"><svg onload=a()>')


@pytest.mark.parametrize("attack", ATTACKS)
def test_names_cannot_bring_markup_into_a_report(attack: str, tmp_path: Path) -> None:
    table = fake_predictions()
    table["subject"] = attack.replace("/", "") + table["subject"]
    plain = write_run(tmp_path / "plain")
    hostile = write_run(tmp_path / "hostile", {"name": attack, "model": {attack: attack}}, table)
    counted = []
    for run in (plain, hostile):
        tags = _Tags()
        tags.feed(render_report([read_run(run)], "title"))
        counted.append(sorted({*tags.found} - {"wbr"}))  # long names may break
    assert counted[0] == counted[1]


def test_messages_move_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    say("clip \x1b[2J\u202e\nrepaired")
    assert capsys.readouterr().err == "clip \\x1b[2J\\u202e repaired\n"
    assert str(MerError("a\nb", "\x07", "\ud800")) == "expected a b; got \\x07; \\ud800"
