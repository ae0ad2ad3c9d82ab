# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The experiments: what they are made of, that nothing runs twice, and what they write."""

import gc
import json
import signal
import struct
import time
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT, start_program
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run import runner as run
from gnuradio.semcom.run import scenario
from gnuradio.semcom.run.scenario import Scenario

from studies import experiment_tables, experiments, points
from studies.experiment import published_at

SYSTEM = "pilot_ave"  # has a checkpoint of every variant for the synthetic set
DEFINED = experiments.definitions(SYSTEM)
APP = ("-m", "studies", "experiments")


def figures(accuracy=0.5, **more):
    """What the figures of a record hold, without running anything."""
    record = {
        "accuracy": accuracy,
        "accuracy_ci95": [accuracy - 0.02, accuracy + 0.02],
        "accuracy_error_free": 0.8,
        "channel_nmse_db": -20.0,
        "channel_uses": {"payload": 16.0, "pilots": 3.2, "sidelink": 19.2},
        "channel_uses_per_segment": 38.4,
        "segments": 100,
        "clips": 10,
        "clip_scores": [accuracy] * 10,
        "data": "synthetic",
    }
    return {**record, **more}


@pytest.fixture
def counted(monkeypatch):
    """Points that were run, by a stub that takes no time."""
    ran = []

    def stub(point, clips):
        ran.append(point)
        return {**figures(), **run.identity(point, clips, point.checkpoint)}

    monkeypatch.setattr(points, "run_point", stub)
    return ran


@pytest.mark.parametrize("experiment", DEFINED.values(), ids=lambda e: e.name)
def test_every_point_can_run_and_stands_once(experiment):
    every = experiment.points()
    assert every and len(set(every)) == len(every)
    for point in every:
        scenario.check(point)
        assert isinstance(point.snr, float)  # as on the command line: equal points, equal keys


def test_the_paper_figures_are_those_of_its_text():
    """'above 0.55 even at low SNR' on AWGN and Rayleigh; Table I's losses give the shares."""
    assert published_at("accuracy", "awgn", 0.0) == pytest.approx(0.588, abs=5e-4)
    assert published_at("accuracy", "rician", 30.0) == pytest.approx(0.719, abs=1e-3)
    assert published_at("accuracy", "rayleigh", -5.0) is None


def test_a_second_run_runs_nothing(counted, tmp_path):
    setup = points.Setup(frames=2)
    first = points.run_all([DEFINED["snr"]], setup, points.store(tmp_path))
    assert len(counted) == len(DEFINED["snr"].points())
    again = points.run_all([DEFINED["snr"]], setup, points.store(tmp_path))
    assert len(counted) == len(first) and again == first


def test_shared_points_run_once(counted, tmp_path):
    chosen = [DEFINED[name] for name in ("snr", "sidelink", "estimators", "pilots")]
    points.run_all(chosen, points.Setup(frames=2), points.store(tmp_path))
    settings = [str(sorted(scenario.settings(p).items())) for p in counted]
    assert len(set(settings)) == len(settings) < sum(len(e.points()) for e in chosen)


def test_other_settings_and_checkpoints_run_anew(counted, tmp_path):
    store, chosen = points.store(tmp_path), [DEFINED["sidelink"]]
    for setup in (points.Setup(frames=2), points.Setup(frames=3), points.Setup(frames=2, seed=1)):
        points.run_all(chosen, setup, store)
    assert len(counted) == 3 * len(chosen[0].points())


def test_a_point_stays_known_when_options_are_added(tmp_path):
    point = Scenario(snr=5.0)
    record = {"scenario": scenario.settings(point), "data": "d", "checkpoint_sha256": "c",
              "error_free_sha256": None}  # fmt: skip
    old = {**record, "scenario": {**record["scenario"]}}
    del old["scenario"]["pilot_boost"]
    assert points.key(old) == points.key(record)


def test_spread_over_seeds_is_that_of_a_sample():
    values = [0.61, 0.66, 0.63]
    mean, low, high = tables.estimate([figures(v) for v in values])
    assert mean == pytest.approx(np.mean(values))
    assert (high - low) / 2 == pytest.approx(np.std(values, ddof=1))
    assert tables.estimate([figures(0.6)]) == pytest.approx((0.6, 0.58, 0.62))
    assert tables.estimate([figures()], "channel_nmse_db").text(".1f") == "-20.0"
    assert tables.estimate([figures(channel_nmse_db=None)], "channel_nmse_db").text(".1f") == "-"


def test_loss_is_taken_seed_by_seed():
    lost = experiment_tables.loss([figures(0.8), figures(0.5)], [figures(0.4), figures(0.4)])
    assert lost.mean == pytest.approx(35.0)
    assert (lost.high - lost.low) / 2 == pytest.approx(np.std([50.0, 20.0], ddof=1))


def results_of(experiment, seeds=2):
    return {p: [figures(0.5 + 0.1 * s) for s in range(seeds)] for p in experiment.points()}


@pytest.mark.parametrize("experiment", DEFINED.values(), ids=lambda e: e.name)
def test_tables_and_figure(experiment, tmp_path):
    setup = points.Setup(models=[tmp_path / "a", tmp_path / "b"])
    experiment_tables.write(experiment, results_of(experiment), setup, tmp_path)
    text = (tmp_path / f"{experiment.name}.md").read_text()
    seeds = experiment.seeds or 2
    spread = "one training seed" if seeds == 1 else "over 2 training seeds"
    assert spread in text and ("0.500 ± " if seeds == 1 else "0.550 ± 0.071") in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len(rows) > 4 and all(row.count("|") > 2 for row in rows)
    assert len(json.loads((tmp_path / f"{experiment.name}.json").read_text())["records"]) == (
        seeds * len(experiment.points())
    )
    header = (tmp_path / f"{experiment.name}.png").read_bytes()[:24]
    width, height = struct.unpack(">II", header[16:])
    assert header[1:4] == b"PNG"
    page = plots.COLUMN if len(experiment.panels) == 1 else plots.PAGE
    assert width == pytest.approx(page * plots.DPI, abs=1)
    assert 2 * plots.DPI < height < 9.5 * plots.DPI


def test_markdown_table_lines():
    assert tables.markdown(["a", "b"], [["1", "2"]]) == ["| a | b |", "| --- | ---: |", "| 1 | 2 |"]


def test_a_missing_checkpoint_is_one_line_with_its_command(program, tmp_path):
    done = program(*APP, "no_estimation", "--models", tmp_path, "--out", tmp_path / "out")
    assert done.returncode == 2
    (line,) = [line for line in done.stderr.splitlines() if line.strip()]
    assert "-full-synthetic.safetensors: is missing" in line
    assert "apps/train.py --system" in line and "--variant full" in line


def test_side_experiments_take_one_training_seed():
    side, main = DEFINED["pilots"], DEFINED["narrow"]
    assert (side.seeds, main.seeds) == (1, None)
    assert set(side.points()) <= set(points.points_of([side, main], 0))
    assert points.points_of([side, main], 1) == main.points()
    both = experiments.definitions()["snr"]
    later = {point.system for point in both.points(1)}
    assert {point.system for point in both.points(0)} == {"pilot_ave", "pilot_ave_plus"}
    assert later == {"pilot_ave_plus"}
    results = {point: ["seed 0", "seed 1"] for point in side.points()}
    assert set(map(tuple, experiment_tables.of_experiment(side, results).values())) == {("seed 0",)}


def test_sizes_have_files_of_their_own(tmp_path):
    point = Scenario(system=SYSTEM, symbols=8)
    path = points.checkpoint_path(point, tmp_path, "ave28")
    assert path.name == f"{SYSTEM}-full-ave28-8.safetensors"
    command = points.training_command(point, path, points.Setup(data="ave28"), "ave28")
    assert command == (
        f"apps/train.py --system {SYSTEM} --variant full --data ave28 --symbols 8 "
        f"--out runs/{SYSTEM}-full-ave28-8"
    )
    usual = Scenario(system=SYSTEM, symbols=64)
    assert points.checkpoint_path(usual, tmp_path, "ave28").stem == f"{SYSTEM}-full-ave28"


def test_an_experiment_end_to_end(program, tmp_path):
    words = (*APP, "sidelink", "--system", SYSTEM, "--frames", 2, "--out", tmp_path)
    done = program(*words)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {
        "points.json", "sidelink.json", "sidelink.md", "sidelink.png",
    }  # fmt: skip
    document = json.loads((tmp_path / "sidelink.json").read_text())
    assert document["schema"] == 2 and len(document["records"]) == 2 * len(experiments.SNRS)
    heard = {record["scenario"]["sidelink_snr"] for record in document["records"]}
    assert heard == set(experiments.SNRS)
    before = (tmp_path / "points.json").read_bytes()
    assert program(*words).returncode == 0
    assert (tmp_path / "points.json").read_bytes() == before


def test_ctrl_c_loses_nothing_that_is_finished(tmp_path):
    process = start_program(*APP, "sidelink", "--system", SYSTEM, "--frames", 30, "--out", tmp_path)
    deadline = time.monotonic() + 90
    while not (tmp_path / "points.json").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 130 and "Traceback" not in complaint
    assert 1 <= len(points.store(tmp_path)) < 2 * len(experiments.SNRS)


def test_help_teaches_every_experiment(program):
    text = program(*APP, "--help").stdout
    assert all(f"{e.name} " in text and e.help in text for e in DEFINED.values())
    assert str(ROOT) not in text


def test_flowgraphs_leave_no_buffers_behind(clips):
    """Buffers that stayed would exhaust the system's shared memory after some 180 points."""

    def buffers():
        gc.collect()
        return Path("/proc/self/maps").read_text().count("SYSV")

    point = Scenario(frames=1)
    run.run_point(point, clips)
    before = buffers()
    for _ in range(4):
        run.run_point(point, clips)
    assert buffers() == before
