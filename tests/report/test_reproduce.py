"""How to reproduce a run: its words, and nothing that is secret."""

from pathlib import Path

import pytest

from mer.report.reproduce import command_of, commit_of, reproduction, versions_of
from mer.runs import Run

METRICS = {"versions": {"mer": "1", "none": None}, "git_commit": "abc-dirty"}


def run_with(words: object = None, **config: object) -> Run:
    return Run(Path("run"), config, METRICS | {"command": words})


def test_words_are_quoted_for_a_shell() -> None:
    assert command_of(run_with(["mer", "train", "features.branch_a=[u,v]", "name=a b"])) == (
        "mer train 'features.branch_a=[u,v]' 'name=a b'"
    )


@pytest.mark.parametrize("words", [None, [], "mer train"])
def test_runs_that_kept_no_words_say_so(words: object) -> None:
    assert command_of(run_with(words)) is None
    assert "The command line was not kept" in reproduction(run_with(words))


def test_secrets_and_the_home_folder_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setenv("SOME_TOKEN", "a-long-token-value")
    words = ["mer", "train", "dataset.root=/home/somebody/data", "logger.api_key=abc", "x=a-long-token-value"]
    run = run_with(words, logger={"api_key": "abcdef"}, root="/home/somebody/data", x="a-long-token-value")
    page = reproduction(run)
    assert "root=~/data" in page.replace("&#x27;", "")
    for secret in ("somebody", "abc<", "abcdef", "a-long-token-value", "api_key=abc"):
        assert secret not in page


def test_commit_says_whether_something_was_changed() -> None:
    assert commit_of(run_with()) == "git commit abc with changes that were not committed"
    assert versions_of(run_with()) == "mer 1"
