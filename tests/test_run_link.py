# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The headless link: what it reports, that it repeats, and that its parts matter."""

import argparse
import json
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import rounded, start_program, tiny_system
from gnuradio.semcom.base import options
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.blocks import guard, terminal
from gnuradio.semcom.blocks.clip_source import clip_source
from gnuradio.semcom.chain import metrics, reference
from gnuradio.semcom.data.synthetic import SyntheticSet
from gnuradio.semcom.data.text import Sentences
from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.run import records, scenario
from gnuradio.semcom.run.flowgraph import LinkFlowgraph
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.choice import named_weights, weights_for
from gnuradio.semcom.systems.loading import load_system, shared_system
from gnuradio.semcom.systems.registry import task_of
from gnuradio.semcom.tasks import scores
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import shipped

FRAMES = 40
RECORD = {
    "system", "channel", "snr_db", "csi", "detector", "clips", "segments", "accuracy",
    "accuracy_ci95", "accuracy_error_free", "channel_nmse_db", "measured_snr_db", "evm_db",
    "papr_db", "channel_uses_per_segment", "pilot_overhead", "frames_sent", "frames_received",
    "wall_s", "clips_per_s",
}  # fmt: skip


def link(clips, frames=FRAMES, **options):
    """Run a flowgraph; returns it, finished."""
    point = Scenario(**options)
    flowgraph = LinkFlowgraph(point, clip_source(clips, frames=frames), weights_for(point, clips))
    guard.run(flowgraph, timeout_s=90)
    return flowgraph


def accuracy(flowgraph, clips):
    return np.mean(
        [np.mean(clips.labels(n % len(clips)) == d) for n, d in decisions(flowgraph).items()]
    )


def decisions(flowgraph):
    """Class of each second of the frames that arrived, by their numbers."""
    return {n: outcome.decided for n, outcome in flowgraph.sink.outcomes.items()}


def samples(folder, name):
    return np.fromfile(folder / f"{name}.c64", np.complex64)


def test_sweep_writes_the_documented_json_and_a_plot(program, tmp_path):
    done = program(
        "apps/run_link.py", "--snr=0,20", "--channel", "awgn", "rayleigh", "--frames", 20,
        "--json", tmp_path / "link.json", "--plot", tmp_path / "link.png",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "link.json").read_text())
    assert document["schema"] == 2 and document["command"].startswith("run_link.py --snr=0,20")
    assert {"gnuradio", "torch", "numpy", "semcom"} <= set(document["versions"])
    assert len(document["records"]) == 4
    for record in document["records"]:
        assert set(record) >= RECORD
        assert record["clips"] == record["frames_sent"] == record["frames_received"] == 20
        assert record["segments"] == 200
        low, high = record["accuracy_ci95"]
        assert low <= record["accuracy"] <= high
        uses = record["channel_uses"]
        assert record["channel_uses_per_segment"] == pytest.approx(sum(uses.values()))
        assert record["pilot_overhead"] == pytest.approx(
            uses["pilots"] / (uses["payload"] + uses["pilots"])
        )
    assert (tmp_path / "link.png").stat().st_size > 10000


def test_awgn_figures_match_their_closed_forms(clips):
    record = run_point(Scenario(channel="awgn", snr=10.0, frames=100, gain=7.0), clips)
    assert record["measured_snr_db"] == pytest.approx(10.0, abs=0.1)
    # H = I, so each of the M*K entries is estimated with error N0 / P against sum |H|^2 = 2
    assert record["channel_nmse_db"] == pytest.approx(-10 + 10 * np.log10(4 / 2 / 32), abs=0.5)
    # ZF on Y = (H^ + E) X + N: N0 of noise, and K N0 / P of estimation error, per stream
    assert record["evm_db"] == pytest.approx(-10 + 10 * np.log10(1 + 2 / 32), abs=0.2)


def test_equal_seeds_repeat_and_other_seeds_do_not(clips):
    first, again, other = (
        rounded(run_point(Scenario(snr=0.0, frames=FRAMES, seed=seed), clips)) for seed in (1, 1, 2)
    )
    assert first == again
    assert first["evm_db"] != other["evm_db"]


@pytest.mark.parametrize(
    "options",
    [
        {"channel": "rayleigh", "snr": 5.0},
        {"channel": "rician", "snr": 0.0, "csi": "lmmse", "detector": "lmmse"},
        {"channel": "awgn", "snr": -5.0, "csi": "perfect", "sidelink_snr": 3.0, "gain": -4.0},
        {"channel": "rayleigh", "snr": 15.0, "pilot_spacing": 64, "doppler": 1e-3,
         "interpolation": "linear"},
    ],
    ids=lambda o: f"{o['channel']}, {o.get('csi', 'ls')}",
)  # fmt: skip
def test_decisions_equal_the_torch_link(clips, options):
    flowgraph = link(clips, seed=3, **options)
    point = Scenario(seed=3, **options)
    net = shared_system(point.system, weights_for(point, clips), "cpu")
    expected = np.stack(reference.outcomes(point, net, clips, range(FRAMES)))
    got = np.stack([decisions(flowgraph)[n] for n in range(FRAMES)])
    margin = torch.from_numpy(expected).topk(2).values.diff(dim=-1).abs().squeeze(-1).numpy()
    clear = margin > 1e-3  # a batch of another size changes the last bits
    assert clear.mean() > 0.98
    np.testing.assert_array_equal(got[clear], expected.argmax(-1)[clear])


def test_silencing_the_sidelink_changes_what_the_video_terminal_sends(clips, tmp_path):
    folders = [tmp_path / "heard", tmp_path / "silent"]
    for folder, sidelink_snr in zip(folders, (10.0, -80.0), strict=True):
        link(clips, 5, sidelink_snr=sidelink_snr, dump_path=str(folder))
    audio, video = (
        [samples(folder, name) for folder in folders] for name in ("audio_symbols", "video_symbols")
    )
    np.testing.assert_allclose(audio[0], audio[1], atol=1e-5)
    assert np.mean(np.abs(video[0] - video[1]) ** 2) > 0.01


class WrongPilots(LinkFlowgraph):
    """The video terminal's pilots are far weaker than the receiver expects."""

    def _connect_chain(self, antennas):
        video = self.end("video")
        video.disconnect_all()
        model = (video.encoder.system, "video", video.encoder.checkpoint)
        self.ends_of_chain[1] = terminal(*model, pilot_boost_db=-60.0)
        LinkFlowgraph._connect_chain(self, antennas)


def test_wrong_pilots_of_one_stream_ruin_the_decision(clips):
    point = Scenario(snr=20.0, seed=5)
    accuracies = []
    for kind in (LinkFlowgraph, WrongPilots):
        flowgraph = kind(point, clip_source(clips, frames=FRAMES), weights_for(point, clips))
        guard.run(flowgraph, timeout_s=90)
        accuracies.append(accuracy(flowgraph, clips))
    assert accuracies[1] < accuracies[0] - 0.15


def test_dump_holds_every_internal_signal(clips, tmp_path):
    payload = 10 * link(clips, 4, dump_path=str(tmp_path)).end("audio").encoder.net.symbols
    names = {path.name for path in tmp_path.iterdir()}
    c64 = {
        "audio_symbols", "video_symbols", "uplink_audio", "uplink_video", "sidelink_audio",
        "sidelink_0_received", "heard_audio", "antenna_0", "antenna_1", "detected_0",
        "detected_1",
    }  # fmt: skip
    assert names == {f"{name}.c64" for name in c64} | {"outcomes.f32"}
    assert samples(tmp_path, "uplink_audio").size == 4 * (payload + 32)
    sent, detected = samples(tmp_path, "audio_symbols"), samples(tmp_path, "detected_0")
    assert metrics.error_power(sent, detected) > 0 and sent.size == detected.size == 4 * payload


def test_outcomes_of_bytes_are_dumped_as_bytes(tmp_path):
    point = Scenario(system="deepsc", frames=2, channel="none", antennas=1, dump_path=str(tmp_path))
    run_point(point, Sentences("s", ["A man runs.", "A dog sits."], ["s", "s"]))
    assert (tmp_path / "outcomes.u8").read_bytes().startswith(b"A man runs.")
    assert np.fromfile(tmp_path / "text_symbols.c64", np.complex64).size > 2 * 16


def test_weights_are_chosen_by_what_a_set_holds_not_by_its_name():
    clips = SyntheticSet("test")
    clips.name = "media"
    assert Path(weights_for(Scenario(), clips)).name == "pilot_ave_plus-full-synthetic.safetensors"


def test_a_name_of_weights_is_no_folder_and_blocks_take_it(tmp_path, monkeypatch):
    (tmp_path / "ave28").mkdir()
    monkeypatch.chdir(tmp_path)
    assert load_system("pilot_ave", "ave28").header["data"] == "ave28"
    paths = named_weights(["ave28", "own.safetensors"], "span", "sel", SyntheticSet("test"))
    assert [path.name for path in paths] == ["span-sel-ave28.safetensors", "own.safetensors"]
    with pytest.raises(SemcomError, match="the set synthetic: .*shipped ones are for ave28"):
        named_weights([], "span", "sel", SyntheticSet("test"))


def test_until_errors_ends_a_point_early_and_repeats(clips):
    point = Scenario(snr=-10.0, frames=400, until_errors=100)
    first, again = run_point(point, clips), run_point(point, clips)
    assert first["clips"] == again["clips"] < 200
    wrong = round(first["segments"] * (1 - first["accuracy"]))
    assert 100 <= wrong < 110


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_stop_leaves_valid_json_of_what_is_finished(tmp_path, number):
    path = tmp_path / "link.json"
    process = start_program("apps/run_link.py", "--snr=0:30:1", "--frames", 60, "--json", path)
    deadline = time.monotonic() + 90
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(number)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + number
    records = json.loads(path.read_text())["records"]
    assert 1 <= len(records) < 31 and "accuracy" in output
    assert [p.name for p in tmp_path.iterdir()] == ["link.json"]


def test_ctrl_c_before_the_first_point_leaves_nothing(tmp_path):
    process = start_program(
        "apps/run_link.py", "--frames", 100000, "--channel", "awgn",
        "--json", tmp_path / "link.json", "--dump-path", tmp_path / "dump",
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while not (tmp_path / "dump").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 130 and "0 points are finished" in complaint
    assert "Traceback" not in complaint
    assert not (tmp_path / "link.json").exists()


class MixedLengths:
    """The synthetic clips, cut to 10, 4 and 7 segments in turn."""

    def __init__(self, clips):
        self._clips, self.classes, self.name = clips, clips.classes, clips.name
        self.audio, self.visual, self.labels = map(
            self._cut, (clips.audio, clips.visual, clips.labels)
        )

    def __len__(self):
        return 9

    @staticmethod
    def _cut(read):
        return lambda i: read(i)[: (10, 4, 7)[i % 3]]


def test_clips_of_mixed_lengths_share_a_run_and_come_round_again(clips):
    mixed, point = MixedLengths(clips), Scenario(channel="awgn", snr=20.0, frames=30)
    record = run_point(point, mixed)
    assert record["clips"] == record["frames_received"] == 30
    assert record["segments"] == 30 * 7 and record["accuracy"] > 0.5
    decided = decisions(link(mixed, 30, channel="awgn", snr=20.0))
    net = shared_system(point.system, weights_for(point, mixed), "cpu")
    expected = [x.argmax(-1) for x in reference.outcomes(point, net, mixed, range(30))]
    for number, classes in enumerate(expected):
        np.testing.assert_array_equal(decided[number], classes)


def test_a_flowgraph_stopped_in_mid_frame_starts_anew(clips):
    point = Scenario(channel="awgn", snr=20.0)
    flowgraph = LinkFlowgraph(point, clip_source(clips, frames=1000), weights_for(point, clips))
    flowgraph.start()
    while not flowgraph.sink.received:
        time.sleep(0.01)
    flowgraph.stop()
    flowgraph.wait()
    flowgraph.source.frames = FRAMES
    flowgraph.sink.outcomes.clear()
    guard.run(flowgraph, timeout_s=90)
    assert sorted(flowgraph.sink.outcomes) == list(range(FRAMES))


def test_channel_error_is_told_where_the_channel_stands_still(clips):
    options = {"snr": 20.0, "csi": "lmmse", "pilot_spacing": 64}
    still = link(clips, 8, **options).meter.report()["channel_nmse_db"]
    assert still < -20
    assert link(clips, 8, doppler=1e-3, **options).meter.report()["channel_nmse_db"] is None


@pytest.mark.parametrize(
    "options",
    [{"antennas": 2}, {"antennas": 4}, {"variant": "audio_only"}],
    ids=["M=2", "M=4", "K=1"],
)
def test_measured_snr_is_what_was_set(clips, options):
    record = run_point(Scenario(channel="awgn", snr=10.0, frames=150, **options), clips)
    assert record["measured_snr_db"] == pytest.approx(10.0, abs=0.1)


@pytest.mark.parametrize("variant", ["audio_only", "video_only", "no_estimation"])
def test_variants_run(clips, variant):
    csi = "none" if variant == "no_estimation" else "ls"
    record = run_point(Scenario(variant=variant, snr=20.0, frames=FRAMES, csi=csi), clips)
    assert record["clips"] == FRAMES and record["accuracy"] > 0.2
    assert (record["channel_uses"]["sidelink"] > 0) == (variant == "no_estimation")


@pytest.mark.parametrize(
    ("variant", "other"), [("full", "no_estimation"), ("no_estimation", "full")]
)
def test_a_receiver_is_not_run_with_symbols_that_it_was_not_trained_for(clips, variant, other):
    point = Scenario(variant=variant, checkpoint=str(shipped("pilot_ave_plus", other)), frames=1)
    with pytest.raises(SemcomError, match=f"--variant {variant}: .* is trained for {other}"):
        run_point(point, clips)


def test_no_channel_is_nearly_error_free(clips):
    record = run_point(Scenario(channel="none", frames=FRAMES), clips)
    assert record["evm_db"] is None or record["evm_db"] < -80
    assert record["accuracy"] > 0.6


def test_a_frame_longer_than_every_buffer_arrives(clips, tmp_path):
    path = tmp_path / "long.safetensors"
    system = tiny_system(symbols=3000)  # 30000 symbols a frame; buffers hold 8192 by default
    checkpoint.save(path, system, variant="full", data="synthetic")
    record = run_point(Scenario(checkpoint=str(path), channel="none", frames=3), clips)
    assert record["clips"] == 3 and record["channel_uses"]["payload"] == 3000
    assert record["evm_db"] is None or record["evm_db"] < -80


def test_sweep_runs_equal_points_once():
    parser = argparse.ArgumentParser()
    scenario.add_options(parser)
    words = "--variant full no_estimation --csi ls perfect --detector zf lmmse --snr=-10,0"
    points = scenario.sweep(parser.parse_args(words.split()))
    assert len(points) == 2 * (4 + 1)
    assert {(p.csi, p.detector) for p in points if p.variant == "no_estimation"} == {
        ("none", "none")
    }


def test_the_title_of_a_table_has_no_empty_fields():
    shown = dict.fromkeys([column.key for column in tables.columns_of(task_of("pilot_ave"))], 0.5)
    shown["accuracy_ci95"] = [0.4, 0.6]
    record = {"data": "d", "split": None, "system": "pilot_ave", "task": "events",
              "variant": "full", "decoder": "", "channel": "mock:indoor", "csi": None,
              "detector": "zf", "scenario": {}, **shown}  # fmt: skip
    assert tables.table([record]).title == "d: pilot_ave, full, mock:indoor, zf"
    both = tables.table([record, {**record, "split": "test", "decoder": "psp"}])
    assert list(both.columns[0].cells) == ["-", "psp"]


def test_tables_and_plots_tell_points_apart_by_their_attempts(capsys):
    shown = dict.fromkeys([column.key for column in tables.columns_of(task_of("deepsc"))], 0.5)
    shown["bleu_1_ci95"] = [0.4, 0.6]
    record = {"data": "d", "split": None, "system": "deepsc", "task": "text",
              "variant": "full", "decoder": "", "channel": "awgn", "csi": "ls",
              "detector": "zf", **shown}  # fmt: skip
    settings = [{"attempts": 1}, *({"attempts": 3, "ask_below": share} for share in (0.8, 0.9))]
    records = [{**record, "scenario": each} for each in settings]
    table = tables.table(records)
    assert list(table.columns[0].cells) == ["-", "3", "3"]
    assert list(table.columns[1].cells) == ["-", "0.8", "0.9"]
    assert tables.table(records[1:]).title.endswith("zf, 3 attempts")
    assert tables.table(records[:2]).columns[1].header != "ask_below"  # one value
    tables.show(table)
    assert "…" not in (printed := capsys.readouterr().out) and "EVM [dB]" in printed
    (groups,) = plots.curves(records[1:]).values()
    assert list(groups) == ["asked below 0.8", "asked below 0.9"]


def test_tables_and_plots_tell_points_apart_by_all_options_of_a_sweep():
    swept = {n for n, item in options.fields(Scenario).items() if item.metadata.get("sweep")}
    assert swept - {"snr"} <= {*tables.SETTINGS, *tables.SWEPT}
    shown = dict.fromkeys([column.key for column in tables.columns_of(task_of("pilot_ave"))], 0.5)
    record = {"data": "d", "split": None, "system": "pilot_ave_plus", "task": "events",
              "variant": "full", "decoder": "", "channel": "awgn", "csi": "ls",
              "detector": "zf", **shown, "accuracy_ci95": [0.4, 0.6]}  # fmt: skip
    scenarios = [
        {"snr": 5.0 * (i // 2), **({"by_content": 0.3} if i % 2 else {})} for i in range(4)
    ]
    records = [{**record, "snr_db": each["snr"], "scenario": each} for each in scenarios]
    table = tables.table(records)
    assert table.columns[0].header == "by_content"
    assert list(table.columns[0].cells) == ["-", "0.3"] * 2
    assert tables.table(records[1::2]).title.endswith("zf, by content 0.3")
    (groups,) = plots.curves(records).values()
    assert {label: len(points) for label, points in groups.items()} == {
        "pilot_ave_plus": 2, "by content 0.3": 2,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("0:30:10", [0, 10, 20, 30]),
        ("-3:0:1.5", [-3, -1.5, 0]),
        ("5:0:-5", [5, 0]),
        ("-1,7", [-1, 7]),
    ],
)
def test_snr_texts(text, values):
    assert options.numbers(text) == values


def test_clip_bootstrap_covers():
    """Known coverage: intervals of a Bernoulli mean hold it in about 95 % of the trials."""
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(300):
        low, high = scores.clip_bootstrap(rng.random(200) < 0.7, draws=400, seed=trial)
        inside += low <= 0.7 <= high
    assert 0.91 <= inside / 300 <= 0.985


def test_a_mean_of_levels_is_that_of_their_powers():
    assert metrics.mean_db(np.array([0.0, 10.0])) == pytest.approx(10 * np.log10(5.5))


def test_metrics_of_nothing_are_none():
    assert metrics.ratio_db(0.0, 1.0) is None and metrics.ratio_db(np.inf, 1.0) is None
    assert metrics.mean_snr_db([], []) is None and metrics.mean_db(np.zeros(0)) is None
    assert metrics.papr(np.ones((2, 8), np.complex64)) == pytest.approx(1.0)


@pytest.mark.parametrize("uses", [{"payload": 16.0, "feedback": 19.2}, None])
def test_records_of_schema_1_are_read_with_the_names_of_today(tmp_path, uses):
    old = {
        "accuracy": 0.5, "feedback_snr_db": 3.0, "channel_uses": uses, "feedback": {"heard": 4},
        "scenario": {"snr": 10.0, "feedback_snr": 3.0},
    }  # fmt: skip
    path = tmp_path / "old.json"
    path.write_text(json.dumps({"schema": 1, "records": [old]}))
    assert records.read(path) == [
        {
            "task": "events", "accuracy": 0.5, "sidelink_snr_db": 3.0,
            "channel_uses": uses and {"payload": 16.0, "sidelink": 19.2},
            "sidelink": {"heard": 4}, "scenario": {"snr": 10.0, "sidelink_snr": 3.0},
        }
    ]  # fmt: skip
