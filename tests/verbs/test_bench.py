"""`mer bench` measures two ways to the same frames."""

import json

import pytest

from tests.runner import run_mer


def test_bench_reports_both_times_and_their_ratio(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_mer(capsys, "bench", "--frames", "4", "--size", "32", "--repeats", "1", "--device", "cpu", "--json")
    for row in json.loads(result.out):
        assert row["ratio"] == pytest.approx(row["instead_s"] / row["mer_s"])
        assert row["mer_s"] > 0
