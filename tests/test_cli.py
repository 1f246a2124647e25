"""The command line's front: verbs, and bad input in one line with exit code 2."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mer.cli import VERBS, main
from tests.fakes import write_flow_images
from tests.runner import run_mer, train_words


def test_mer_alone_lists_every_verb_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys)
    assert result.code == 0
    assert all(f"{verb} " in result.out for verb in VERBS)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["nosuch"], "a verb"),
        (["score", "none.csv"], "none.csv"),
        (["train", "dataset=nosuch"], "dataset/nosuch"),
        (["train", "trainer.nosuch=1"], "trainer.nosuch"),
        (["train", "broken=override=["], "broken"),
        (["train", ""], "an empty word"),
        (["train", "dataset.root=none", "hydra.nosuch=1"], "nosuch"),
        (["check", "dataset=casme2"], "dataset.root=DIR"),
        (["check", "dataset=casme2", "dataset.root=none"], "none"),
        (["prepare", "dataset=flow_images"], "dataset.roots"),
        (["synth", "dataset=casme2"], "out=DIR"),
        (["synth", "dataset=flow_images", "out=x"], "synth/flow_images"),
        (["compare", "none"], "none"),
        (["report", "none"], "none"),
    ],
)
def test_bad_input_ends_in_one_line_and_exit_code_2(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_mer(capsys, *words)
    assert result.code == 2
    assert result.err.startswith("mer: ")
    assert result.err.count("\n") == 1
    assert says in result.err
    assert result.out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("override", "says"),
    [
        ("model.depth=17", "model.depth"),
        ("model.depth=2.5", "model.depth"),
        ("model.fusion=median", "model.fusion"),
        ("model.widths=[4,4,4,4,4]", "model.widths"),
        ("batch_size=0", "batch_size"),
        ("features.branch_a=[u,w]", "features.branch_a"),
        ("features.normalize=twice", "features.normalize"),
        ("augment.flip=1.5", "augment.flip"),
        ("recognition.label_smoothing=2", "label_smoothing"),
        ("trainer.precision=7", "precision"),
        ("dataset.zero=left", "dataset.zero"),
    ],
)
def test_bad_value_names_its_key(override: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    write_flow_images(tmp_path / "data")
    result = run_mer(capsys, *train_words(tmp_path / "data", tmp_path / "outputs", override))
    assert result.code == 2, result.err
    last = result.err.strip().splitlines()[-1]
    assert last.startswith("mer: ")
    assert says in last


def test_debug_shows_the_traceback(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MER_DEBUG", "1")
    with pytest.raises(Exception, match="predictions"):
        run_mer(capsys, "score", "none.csv")


# bench's parser asks torch for its default device.
@pytest.mark.parametrize(
    "words", [["--help"], *([verb, "--help"] for verb in VERBS if verb != "bench"), ["train", "--cfg", "job"]]
)
def test_help_and_composing_import_no_torch(words: list[str]) -> None:
    script = (
        "import sys\n"
        "from mer.cli import main\n"
        "try:\n    code = main(sys.argv[1:])\n"
        "except SystemExit as stop:\n    code = stop.code\n"
        "heavy = {'torch', 'pytorch_lightning', 'matplotlib'} & set(sys.modules)\n"
        "sys.exit(code or ', '.join(sorted(heavy)) or 0)\n"
    )
    ran = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout) > 100


def test_help_of_a_verb_shows_its_groups_and_settings(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "train", "--help")
    assert result.code == 0
    assert "protocol: inner, leave_one_dataset_out, loso" in result.out
    assert "lambda_c: 16" in result.out


def test_ctrl_c_once_more_ends_a_command_at_once_and_is_no_matter_of_who_calls_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(verb: str, words: list[str]) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("mer.cli._run", interrupted)
    monkeypatch.setattr(sys, "argv", ["mer", "check"])
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        assert main(["check"]) == 130
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
        assert main() == 130
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)
    assert capsys.readouterr().err == 2 * "stopped; start the same command again to go on\n"


@pytest.mark.parametrize("words", [(), ("train", "--help"), ("score", "predictions.csv")])
def test_reader_that_goes_away_is_no_error(words: tuple[str, ...], tmp_path: Path) -> None:
    """As `mer score FILE | head -1`, whose head ends first."""
    lines = ["dataset,subject,clip,target,prediction", *(f"smic,s{n},c{n},happiness,happiness" for n in range(400))]
    (tmp_path / "predictions.csv").write_text("\n".join(lines) + "\n")
    command = [sys.executable, "-c", "import sys; from mer.cli import main; sys.exit(main())", *words]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        told = process.stderr.read()
        code = process.wait()
    assert (told, code) == ("", 1)
