"""Tables of runs for papers and programs."""

from pathlib import Path

from mer.comparison import group_seeds, paired_tests
from mer.report.run_tables import flat_records, latex, markdown, run_records, seed_records, table_cells
from mer.runs import Run, read_run
from tests.fakes.runs import fake_predictions, write_run


def runs(folder: Path) -> list[Run]:
    names = ("a_1", "b|2")
    return [
        read_run(write_run(folder / name, {"model": {"depth": n}}, fake_predictions(seed=n)))
        for n, name in enumerate(names)
    ]


def test_markdown_has_a_row_a_run_and_escapes_bars(tmp_path: Path) -> None:
    found = runs(tmp_path)
    lines = markdown(*table_cells(run_records(found))).splitlines()
    assert len(lines) == 4
    assert lines[0] == "| run | settings that differ | clips | accuracy | UF1 | UAR |"
    assert lines[3].startswith("| b\\|2 | model.depth=1 | 30 | ")
    low, high = found[0].metrics["intervals"]["uf1"]
    assert f"{found[0].metrics['uf1']:.4f} ({low:.3f}-{high:.3f})".replace("0.", ".")[1:] in lines[2].replace("0.", ".")


def test_of_many_settings_what_was_chosen_is_told_first_and_how_many_are_left_out(tmp_path: Path) -> None:
    made = [{"model": {f"s{one}": n for one in range(9)} | {"_target_": f"a.Net{n}"}, "labels": n} for n in range(2)]
    found = [read_run(write_run(tmp_path / str(n), made[n], fake_predictions(seed=n))) for n in range(2)]
    records = run_records(found)
    _, (first, second) = table_cells(records)
    assert first[1] == ("labels=0 model=Net0 model.s0=0 model.s1=0 model.s2=0 model.s3=0 and 5 more",)
    assert second[1] == ("labels=1 model=Net1 model.s0=1 model.s1=1 model.s2=1 model.s3=1 and 5 more",)
    assert {"labels", "model", *(f"model.s{one}" for one in range(9))} <= set(flat_records(records)[0])


def test_as_many_settings_as_a_cell_takes_keep_their_order(tmp_path: Path) -> None:
    made = [{"model": {f"s{one}": n for one in range(5)}, "zero": n} for n in range(2)]
    found = [read_run(write_run(tmp_path / str(n), made[n], fake_predictions(seed=n))) for n in range(2)]
    _, (first, _) = table_cells(run_records(found))
    assert first[1] == ("model.s0=0 model.s1=0 model.s2=0 model.s3=0 model.s4=0 zero=0",)


def test_latex_is_a_tabular_without_bare_special_signs(tmp_path: Path) -> None:
    found = runs(tmp_path)
    text = latex(*table_cells(run_records(found, paired_tests(found, found[0]))))
    lines = text.splitlines()
    assert lines[0] == r"\begin{tabular}{llrrrrrrrr}"
    assert lines[-1] == r"\end{tabular}"
    assert lines[2].count("&") == 9
    assert r"$\Delta$ UF1 (p)" in lines[2]
    assert r"a\_1" in lines[4]
    assert all(line.count("&") == 9 for line in lines[4:-2])
    assert "_" not in text.replace(r"\_", "")
    assert latex(["a", "b"], [[(r"\^~{}",), ("±",)]]).splitlines()[4] == (
        r"\textbackslash{}\textasciicircum{}\textasciitilde{}\{\} & $\pm$ \\"
    )


def test_seeds_are_shown_with_mean_sd_and_number(tmp_path: Path) -> None:
    found = [read_run(write_run(tmp_path / str(n), {"seed": n}, fake_predictions(seed=n))) for n in range(3)]
    records = seed_records(group_seeds(found))
    _, ((name, settings, clips, _, uf1, _),) = table_cells(records)
    assert (name, settings, clips) == (("3 seeds", "0, 1, 2"), ("-",), ("30",))
    assert uf1 == (f"{records[0]['uf1']:.4f}", f"±{records[0]['sd']['uf1']:.4f}")
    (flat,) = flat_records(records)
    assert flat["n_seeds"] == 3
    assert flat["uf1_sd"] == records[0]["sd"]["uf1"]


def test_p_is_named_holms_where_several_are_tested(tmp_path: Path) -> None:
    found = [*runs(tmp_path), read_run(write_run(tmp_path / "c", {"model": {"depth": 9}}, fake_predictions(seed=9)))]
    header, rows = table_cells(run_records(found, paired_tests(found, found[0])))
    assert header[-1] == "McNemar Holm p"
    assert rows[0][-4:] == [("-",)] * 4
    assert all(cell != ("-",) for row in rows[1:] for cell in row[-4:])
