"""mer bench predict measures every stage, and memory in a process of its own."""

import pytest

from mer.bench.predict import bench_prediction, prediction_table


@pytest.mark.slow
def test_every_stage_and_both_memories_are_measured() -> None:
    rows = bench_prediction(70, 200, 1)
    stages = [row["stage"] for row in rows]
    assert stages[:3] == ["decode", "crop and follow", "curve"]
    assert "annotated video" in stages
    assert stages[-2:] == ["memory of 20 frames", "memory of 200 frames"]
    assert all(float(str(row.get("frames_per_s", 1))) > 0 for row in rows)
    small, large = (float(str(row["peak_mb"])) for row in rows[-2:])
    assert small > 50
    assert large < small + 300
    assert prediction_table(rows).row_count == len(rows)
