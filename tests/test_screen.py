# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names on screens, in figures and tables stand as they are, whatever a language means by them."""

import io

import numpy as np
import pytest
from gnuradio.semcom.base import screen
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.evaluation import latex
from gnuradio.semcom.report.localisation import confusion
from gnuradio.semcom.run import films
from gnuradio.semcom.systems.registry import task_of

NAME = r"[bold]film [id-1] :dog: \[x] 12:30.mp4"


def text_of(shown, **more) -> str:
    """What a console prints, as one line."""
    file = io.StringIO()
    screen.console(file=file, width=300, **more).print(shown)
    return file.getvalue()


def a_record(**own) -> dict:
    keys = [column.key for column in tables.columns_of(task_of("pilot_ave"))]
    figures = {**dict.fromkeys(keys, 0.5), "accuracy_ci95": [0.4, 0.6], "snr_db": 3.0}
    return {"data": NAME, "split": "test", "system": "pilot_ave", "task": "events",
            "variant": "full", "decoder": "", "channel": "awgn", "csi": "ls", "detector": "zf",
            "scenario": {}, **figures, **own}  # fmt: skip


def test_a_console_prints_names_as_they_are():
    assert text_of(NAME) == NAME + "\n"


def test_tables_show_whole_names():
    told = np.array([[0.9, 0.1]], np.float32)
    window = films.Understood(f"in/{NAME}", 0, ("[red]Bark", "background"), told, None, [])
    shown = text_of(films.table([window], f"title {NAME}"))
    assert shown.count(NAME) == 2 and "[red]Bark" in shown
    shown = text_of(tables.table([a_record(), a_record(channel=f"replay:{NAME}")]))
    assert f"{NAME} (test)" in shown and f"replay:{NAME}" in shown and "SNR [dB]" in shown


def test_bars_show_whole_names(capsys):
    with screen.bar("frames") as bar:
        bar.add_task(NAME, total=2, completed=1)
    assert NAME in capsys.readouterr().err.replace("\n", "")


@pytest.mark.parametrize("name", ["a$b$c", "$x_$", r"\$", "$", "50 % & more_{1}^2 #~"])
def test_figures_draw_names_that_look_like_formulas(tmp_path, name):
    plots.plot(tmp_path / "plot.pdf", [a_record(data=name, channel=f"replay:{name}")])
    figure = confusion(np.eye(2), [name, "background"], name)
    figure.savefig(tmp_path / "confusion.pdf")
    assert figure.axes[0].get_title() == screen.plain(name)


def test_latex_and_markdown_keep_their_columns():
    name = r"50 % & a_b {c} #1 ~ ^ \ $d$ ±"
    row = latex(["a", "b"], [[name, "1"]])[4]
    written = r"50 \% \& a\_b \{c\} \#1 \textasciitilde{} \textasciicircum{} \textbackslash{} "
    assert row == written + r"\$d\$ $\pm$ & 1 \\"
    assert tables.markdown(["a", "b"], [["x|y", "1"]])[2] == r"| x\|y | 1 |"
