# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A replay is judged by what its recording tells, and by nothing else."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from conftest import tiny_system
from gnuradio.semcom.base import options
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.grammar import GrammarSentences
from gnuradio.semcom.data.synthetic import SyntheticSet
from gnuradio.semcom.protocol.recording import Recording, describe, record
from gnuradio.semcom.run import replay, runner
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.weights import store

RUN, FRAMES = "apps/run_link.py", 4
SENDERS = (  # figures of a record that only they know
    "radio", "channel", "scenario", "frames_sent", "bursts_sent", "detection_rate", "evm_db",
    "papr_db", "cfo_error_hz", "timing_error_symbols", "sidelink", "wall_s", "clips_per_s",
)  # fmt: skip


@pytest.fixture(scope="module")
def val():
    return SyntheticSet("val")


@pytest.fixture(scope="module")
def air(tmp_path_factory, val):
    """(path, record) of a run over a mock radio whose options are not the usual ones."""
    path = str(tmp_path_factory.mktemp("air") / "run")
    point = Scenario(radio="mock:indoor", split="val", snr=3.0, seed=5, frames=FRAMES, record=path,
                     copies=3, detector="lmmse")  # fmt: skip
    return path, run_point(point, val)


def altered(path, folder, samples=None, **fields):
    """A copy of a recording with other samples, and other fields; None: without the field."""
    meta = json.loads(Path(f"{path}.sigmf-meta").read_text())
    told = {f"semcom:{name}": value for name, value in fields.items()}
    told = {n: v for n, v in (meta["global"] | told).items() if v is not None}
    data = np.fromfile(f"{path}.sigmf-data", np.complex64) if samples is None else samples
    meta["global"] = {n: v for n, v in told.items() if n != "core:sha512"}
    data.astype(np.complex64).tofile(folder / "x.sigmf-data")
    (folder / "x.sigmf-meta").write_text(json.dumps(meta))
    return str(folder / "x")


def assert_same_but_for_the_senders(again, sent):
    assert again.keys() >= sent.keys() - {"sidelink"}
    for name in sent.keys() - set(SENDERS):
        if isinstance(sent[name], float):
            assert again[name] == pytest.approx(sent[name], rel=1e-5), name
        else:
            assert json.dumps(again[name])[:80] == json.dumps(sent[name])[:80], name


def test_without_any_option_it_is_what_was_recorded(air, val):
    path, sent = air
    again = run_point(Scenario(radio=f"replay:{path}"), val)
    assert_same_but_for_the_senders(again, sent)
    assert (again["snr_db"], again["split"], again["seed"]) == (3.0, "val", 5)
    told = {"frames": FRAMES, "copies": 3, "detector": "lmmse", "split": "val"}
    assert told.items() <= again["scenario"].items() and "snr" not in again["scenario"]


def test_another_detector_may_be_chosen(air):
    told, given = replay.told_by(air[0]), {"radio": f"replay:{air[0]}", "detector": ["zf", "lmmse"]}
    assert told.recalled(given)["detector"] == ["zf", "lmmse"]
    assert told.recalled({"radio": given["radio"]})["detector"] == "lmmse"


def test_the_program_takes_from_it_what_is_not_on_the_line(program, air, tmp_path):
    path, sent = air
    out = tmp_path / "again.json"
    done = program(RUN, "--radio", f"replay:{path}", "--json", out)
    assert done.returncode == 0, done.stderr
    (again,) = json.loads(out.read_text())["records"]
    assert again["accuracy"] == sent["accuracy"] and again["split"] == "val"
    assert "synthetic (val)" in done.stdout and "SNR [dB]" in done.stdout
    assert f"{FRAMES}/{FRAMES} frames" in done.stderr


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"split": "test"}, "--split test: .*run was recorded with val; leave it out"),
        ({"variant": "audio_only"}, "--variant audio_only: .* with full"),
        ({"system": ["pilot_ave_plus", "pilot_ave"]}, "--system pilot_ave: .* with pilot_ave_plus"),
        ({"frames": 3}, f"--frames 3: .* with {FRAMES}"),
        ({"sps": 8}, "--sps 8: .* with 4"),
        ({"seed": 0}, "--seed 0: .* with 5"),
        ({"antennas": 3}, "--antennas 3: .* with 2"),
    ],
    ids=str,
)
def test_what_contradicts_it_is_an_error(air, given, says):
    told = replay.told_by(air[0])
    with pytest.raises(SemcomError, match=says):
        told.recalled({"radio": f"replay:{air[0]}", **given})


def test_other_clips_and_other_weights_are_refused(air, val, tmp_path):
    point = Scenario(radio=f"replay:{air[0]}")
    with pytest.raises(SemcomError, match=r"the set synthetic \(val\), which holds other clips"):
        run_point(point, SyntheticSet("test"))
    other = tmp_path / "other.safetensors"
    store.save(other, tiny_system(symbols=16), variant="full", data="synthetic")
    point = Scenario(radio=f"replay:{air[0]}", checkpoint=str(other))
    with pytest.raises(SemcomError, match="pilot_ave_plus-full-synthetic.safetensors .SHA-256 "):
        run_point(point, val)


def test_weights_that_ship_are_found_by_their_name(val, tmp_path):
    path = str(tmp_path / "air")
    point = Scenario(radio="mock:bench", system="pilot_ave", decoder="vscg", snr=20.0, frames=2,
                     record=path)  # fmt: skip
    sent = run_point(point, SyntheticSet("test"))
    again = run_point(Scenario(radio=f"replay:{path}"), SyntheticSet("test"))
    assert again["decoder"] == "vscg" and again["clip_scores"] == sent["clip_scores"]


def test_what_it_does_not_tell_is_not_known(air, val, tmp_path):
    nothing = dict.fromkeys(Recording(air[0]).settings)
    path = altered(air[0], tmp_path, **nothing)
    again = run_point(Scenario(radio=f"replay:{path}", split="val"), val)
    assert again["snr_db"] is None and again["sidelink_snr_db"] is None
    assert again["clips"] == again["frames_received"] == FRAMES  # not the whole split
    assert again["frames_lost"] == 0 and again["scenario"]["detector"] == "zf"


def test_a_run_that_was_cut_short_tells_how_far_it_came(tmp_path):
    path, clips = str(tmp_path / "air"), SyntheticSet("test")
    sent = run_point(Scenario(radio="mock:indoor", snr=-4.0, until_errors=20, record=path), clips)
    told = replay.told_by(path)
    assert 0 < told.options["frames"] < 40
    again = run_point(Scenario(radio=f"replay:{path}"), clips)
    assert_same_but_for_the_senders(again, sent)
    assert max([last for gaps in sent["gaps"] for _, last in gaps], default=0) < 40


def test_attempts_are_combined_as_they_were(tmp_path):
    path, clips = str(tmp_path / "air"), GrammarSentences("test", 6)
    point = Scenario(system="deepsc", radio="mock:indoor", snr=-3.0, attempts=4, ask_below=0.95,
                     return_snr=20.0, record=path)  # fmt: skip
    sent = run_point(point, clips)
    assert sent["attempts"]["mean"] > 1
    again = run_point(Scenario(radio=f"replay:{path}"), clips)
    assert again["sentence_scores"] == sent["sentence_scores"]
    assert again["bleu_1"] == sent["bleu_1"] and again["frames_received"] == 6
    assert again["channel_uses_per_word"] is None  # what was asked again and lost, nobody knows


def test_a_classical_link_has_the_settings_that_it_was_sent_with(tmp_path):
    path, clips = str(tmp_path / "air"), open_set(None, "test", media=True)
    point = Scenario(system="digital", task="media", variant="video_only", source="jpeg", size=32,
                     code="1/2", uses=40000, radio="mock:bench", snr=20.0, frames=1,
                     record=path)  # fmt: skip
    sent = run_point(point, clips)
    told = replay.told_by(path)
    assert "code=1/2" in told.fields["settings"] and "payload=" in told.fields["settings"]
    again = run_point(Scenario(radio=f"replay:{path}"), clips)
    assert again["task"] == "media" and again["ssim"] == sent["ssim"] > 0.3
    with pytest.raises(SemcomError, match="--size 64: .* recorded with 32"):
        told.recalled({"radio": f"replay:{path}", "size": [64]})


# --- nothing heard --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (lambda x: 0 * x, "silence; silence; check"),
        (lambda x: np.full_like(x, np.nan), "nothing finite; nothing finite"),
        (lambda x: noise(x.shape), "-57.0 dB relative to full scale; -57.0 dB"),
        (lambda x: 1e-5 * x + noise(x.shape), "-57.0 dB relative to full scale; -57.0"),
        (lambda x: noise(x.shape) + 0.1, r"-20.0 dB relative to full scale, 100 % DC; -20.0"),
    ],
    ids=["silence", "not finite", "noise", "far too weak", "a strong offset"],
)
def test_a_recording_without_bursts_says_what_was_heard(air, val, tmp_path, make, says):
    samples = np.fromfile(f"{air[0]}.sigmf-data", np.complex64)[:1_000_000]
    path = altered(air[0], tmp_path, make(samples))
    with pytest.raises(SemcomError, match=f"0.125 s; the antennas' levels: {says}") as caught:
        run_point(Scenario(radio=f"replay:{path}"), val)
    assert "\n" not in str(caught.value)


def noise(shape):
    """Of a mean power of -57 dB."""
    parts = np.random.default_rng(0).standard_normal((2, *shape)) * 1e-3
    return (parts[0] + 1j * parts[1]).astype(np.complex64)


def test_the_program_fails_where_nothing_was_heard(program, air, tmp_path):
    path = altered(air[0], tmp_path, np.zeros(1_000_000))
    done = program(RUN, "--radio", f"replay:{path}", "--json", tmp_path / "out.json")
    assert done.returncode == 2 and "no burst was found" in done.stderr.splitlines()[-1]
    assert not (tmp_path / "out.json").exists()


def test_levels_are_what_they_are_said_to_be(tmp_path):
    rng = np.random.default_rng(1)
    plain = (rng.standard_normal((2, 50_000)) * np.sqrt(0.5)).astype(np.float32)
    loud = 0.1 * (plain[0] + 1j * plain[1])
    offset = loud + np.complex64(0.3)  # power 0.01 + 0.09
    clipped = np.clip(plain[0], -1, 1) + 1j * np.clip(plain[1], -1, 1)
    lost = np.where(np.arange(50_000) % 4 == 0, np.nan, loud)
    with record(tmp_path / "x", describe(4, 1e6)) as recorder:
        recorder.append([loud, offset, clipped, lost])
    of = Recording(tmp_path / "x").levels()
    assert [level.power_db for level in of] == pytest.approx(
        [-20, -10, 10 * np.log10(np.mean(abs(clipped) ** 2)), -20 + 10 * np.log10(0.75)], abs=0.05
    )
    assert [level.offset for level in of] == pytest.approx([0, 0.9, 0, 0], abs=0.005)
    share = np.mean((abs(clipped.real) == 1) | (abs(clipped.imag) == 1))
    assert [level.clipped for level in of] == pytest.approx([0, 0, share, 0], abs=1e-3)
    assert [level.lost for level in of] == [0, 0, 0, 0.25]


# --- fields that mean nothing ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("sps", "four", "'four', expected a whole number"),
        ("sps", 1, "'1' is not a whole number of at least 2"),
        ("frames", -3, "'-3' is not a whole number of at least 0"),
        ("frames", True, "True, expected a whole number"),
        ("snr", "3", "'3', expected a number"),
        ("snr", 1e999, "inf, expected a number"),
        ("system", {"a": 1}, "{'a': 1}, expected a text"),
        ("split", "tset", "'tset', expected one of train, val, test"),
        ("weights_sha256", 7, "7, expected str"),
        ("count", "many", "'many', expected int"),
        ("settings", 5, "5, expected str"),
    ],
)
def test_a_field_of_another_kind_is_named(air, tmp_path, field, value, says):
    path = altered(air[0], tmp_path)
    meta = json.loads(Path(f"{path}.sigmf-meta").read_text())
    meta["global"][f"semcom:{field}"] = value
    text = json.dumps(meta).replace("Infinity", "1e999")
    (tmp_path / "x.sigmf-meta").write_text(text)
    with pytest.raises(SemcomError, match=f"x: semcom:{field}: {says}; mend the metadata"):
        replay.told_by(path)


def test_fields_that_do_not_go_together_are_told(air, tmp_path):
    for fields, says in (
        ({"system": "telepathy"}, "system 'telepathy': unknown"),
        ({"variant": "mute"}, "--variant mute"),
        ({"turnaround": 1e-9}, "turnaround 1e-09 s"),
    ):
        with pytest.raises(SemcomError, match=f"x: its semcom: fields together: {says}"):
            replay.told_by(altered(air[0], tmp_path, **fields))


def test_more_frames_than_there_are_samples_are_refused_at_once(air, val, tmp_path):
    path = altered(air[0], tmp_path, frames=10**9)
    with pytest.raises(SemcomError, match="1000000000 frames are expected, its .* at most"):
        run_point(Scenario(radio=f"replay:{path}"), val)


def test_an_earlier_version_is_read(air, tmp_path):
    own = Recording(air[0]).settings
    new = ("snr", "burst_pilots", "burst_spacing", "max_peak", "split", "weights", "count")
    old = {"snr_db": 3.0, "pilot_length": 16, "pilot_spacing": 64, "max_peak_db": None}
    told = replay.told_by(altered(air[0], tmp_path, **dict.fromkeys(new), **old))
    assert told.options["snr"] == own["snr"] and told.options["burst_pilots"] == 16
    assert "split" not in told.options and told.options["copies"] == 3


def test_values_of_files_are_checked_as_typed_ones_are():
    of = lambda name, value: options.from_file(Scenario, name, value)  # noqa: E731
    assert of("snr", 3) == 3.0 and isinstance(of("snr", 3), float)
    assert of("max_peak", None) is None and of("max_peak", 6) == 6.0
    assert of("media", ["a", "b"]) == ("a", "b") and of("task", "") == ""
    for name, value in (("copies", 2.0), ("copies", 0), ("media", [1]), ("ask_below", 1.5)):
        with pytest.raises(ValueError, match="expected|is not"):
            of(name, value)


def test_a_run_that_is_stopped_before_anything_is_heard_tells_no_number_of_frames():
    """Not the one that was asked for: more than the samples hold."""
    point, clips = Scenario(radio="mock:indoor", frames=2000), SyntheticSet("test")
    log = SimpleNamespace(update=lambda: None, highest=-1)
    sender = SimpleNamespace(source=SimpleNamespace(sent=9))
    run = SimpleNamespace(
        point=point, clips=clips, weights=runner.model_for(point, clips), log=log, cut=True,
        flowgraph=sender,
    )  # fmt: skip
    assert runner.told_of_run(run)["frames"] is None
    log.highest = 4
    assert runner.told_of_run(run)["frames"] == 5
