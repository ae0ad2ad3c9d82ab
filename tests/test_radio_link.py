# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The link over radios: mock radios in one flowgraph, recordings, one side alone."""

import json
import os
import subprocess

import numpy as np
import pytest
from conftest import ROOT, end_program, rounded, start_program
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.synthetic import SyntheticSet
from gnuradio.semcom.run.replay import told_of_point
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario

AIR = {
    "radio", "bursts_sent", "bursts_heard", "detection_rate", "false_alarms", "frames_lost",
    "frames_duplicated", "gaps", "restarts", "overflows", "cfo_hz", "clock_ppm", "pilot_snr_db",
    "cfo_error_hz", "timing_error_symbols", "measured_snr_db",
}  # fmt: skip
ESTIMATES = ("cfo_hz", "clock_ppm", "pilot_snr_db", "bursts_heard", "gaps", "measured_snr_db")


def over(clips, radio="mock:bench", **options):
    return run_point(Scenario(radio=radio, **{"frames": 5, "snr": 20.0, **options}), clips)


def test_a_mock_radio_carries_what_an_aligned_channel_does(clips):
    record = over(clips)
    assert record.keys() >= AIR
    assert record["accuracy"] > 0.9 and record["frames_received"] == 5
    assert record["bursts_heard"] == record["bursts_sent"] == [5, 5]
    assert record["detection_rate"] == 1.0 and record["false_alarms"] == 0
    # Each stream is heard by one antenna alone, so that ZF adds next to nothing to the noise.
    assert record["evm_db"] == pytest.approx(-20, abs=1.5)
    assert max(record["cfo_error_hz"]) < 10
    assert max(record["timing_error_symbols"]) < 0.02
    assert record["channel_uses"]["overhead"] > record["channel_uses"]["payload"]


def test_equal_seeds_give_equal_records(clips):
    first, second = (over(clips, "mock:bad_day", snr=8.0, seed=3) for _ in range(2))
    assert rounded(first) == rounded(second)
    other = over(clips, "mock:bad_day", snr=8.0, seed=4)
    assert other["cfo_hz"] != first["cfo_hz"]


def test_all_that_walking_does_is_survived(clips):
    record = over(clips, "mock:walking", frames=20, snr=15.0)
    assert record["accuracy"] > 0.85
    assert record["detection_rate"] > 0.95
    assert record["sidelink"]["heard"] + record["sidelink"]["unguided"] >= 20


def test_without_any_sidelink_the_audio_terminal_is_heard_alone(clips):
    record = over(clips, sidelink_snr=-40.0)
    assert record["bursts_heard"] == [5, 0] and record["frames_received"] == 5
    sidelink = record["sidelink"]
    assert (sidelink["heard"], sidelink["unsent"]) == (0, 5)
    # Of the stream that is known alone.
    assert record["evm_db"] < -15
    assert record["gaps"] == [[], [[0, 4]]]


@pytest.mark.parametrize("variant", ["audio_only", "video_only"])
def test_one_terminal_alone_leads(clips, variant):
    record = over(clips, variant=variant)
    assert record["bursts_heard"] == record["bursts_sent"] == [5]
    assert "sidelink" not in record


@pytest.fixture(scope="module")
def recording(tmp_path_factory, clips):
    """(path, record) of a short run over an indoor mock radio."""
    path = tmp_path_factory.mktemp("air") / "run"
    return path, over(clips, "mock:indoor", frames=3, snr=12.0, record=str(path))


def test_a_recording_replays_to_the_same_decisions_and_estimates(clips, recording):
    path, sent = recording
    replayed = run_point(Scenario(radio=f"replay:{path}", frames=3), clips)
    assert replayed["clip_scores"] == sent["clip_scores"]
    assert replayed["frames_received"] == 3 and replayed["frames_sent"] is None
    for name in ESTIMATES:
        np.testing.assert_allclose(replayed[name], sent[name], rtol=1e-6, err_msg=name)


def test_a_recording_is_judged_by_the_clips_that_were_sent_alone(recording):
    path, _ = recording
    with pytest.raises(SemcomError, match="run: was sent from the set synthetic .* --data"):
        run_point(Scenario(radio=f"replay:{path}", frames=3), SyntheticSet("val"))


def damaged(path, folder, change):
    """A copy of a recording with its metadata or data changed."""
    meta = json.loads(path.with_suffix(".sigmf-meta").read_text())
    data = path.with_suffix(".sigmf-data").read_bytes()[:-7] if change == "cut" else b""
    if change == "type":
        meta["global"]["core:datatype"] = "ri8"
    if change == "rate":
        del meta["global"]["core:sample_rate"]
    (folder / "x.sigmf-meta").write_text(json.dumps(meta))
    if change == "cut":
        (folder / "x.sigmf-data").write_bytes(data)
    elif change != "no data":
        os.symlink(path.with_suffix(".sigmf-data"), folder / "x.sigmf-data")
    return folder / "x"


def test_a_recording_tells_no_snr_that_nobody_knew():
    assert "snr" not in told_of_point(Scenario(radio="uhd:"))
    assert told_of_point(Scenario(radio="mock:indoor", snr=7.0))["snr"] == 7.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("cut", "x.sigmf-data"),
        ("type", "ri8"),
        ("rate", "sample_rate"),
        ("no data", "x.sigmf-data"),
    ],
)
def test_foreign_recordings_give_one_line(program, recording, tmp_path, change, said):
    path = damaged(recording[0], tmp_path, change)
    done = program("apps/run_link.py", "--radio", f"replay:{path}")
    assert done.returncode == 2
    errors = [line for line in done.stderr.splitlines() if "error" in line]
    assert len(errors) == 1 and said in errors[0] and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--radio", "fog:1"], "mock:"),
        (["--radio", "mock:fog"], "fog"),
        (["--radio", "mock:indoor", "--antennas", "3"], "--antennas 3"),
        (["--radio", "mock:indoor", "--turnaround", "0.001"], "turnaround"),
        (["--radio", "mock:indoor", "--sps", "1"], "sps"),
        (["--record", "x"], "--radio"),
        (["--radio", "mock:indoor", "--detector", "none"], "zf or lmmse"),
        (["--radio", "mock:indoor", "--copies", "60"], "60 sidelink bursts"),
        (["--radio", "replay:nowhere"], "nowhere"),
        (["--radio", "uhd:serial=NONE"], "USRP 'serial=NONE'"),
        (["--radio", "uhd:a;b;c;d"], "4 devices"),
    ],
)
def test_radios_that_cannot_be_are_refused_in_one_line(program, options, said):
    done = program("apps/run_link.py", "--frames", 1, *options)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert len([line for line in done.stderr.splitlines() if "error" in line]) == 1
    assert "Traceback" not in done.stderr


# --- sides alone ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["audio"], "--radio"),
        (["receiver", "--radio", "mock:bench"], "--radio"),
        (["video", "--radio", "zmq:", "--detector", "zf", "lmmse"], "2 are given"),
        (["audio", "--radio", "zmq:", "--variant", "video_only"], "video_only"),
        (["video", "--radio", "uhd:serial=NONE"], "USRP"),
    ],
)
def test_a_side_without_a_radio_says_so(program, words, said):
    done = program("apps/terminal.py", *words)
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def can_make_namespaces():
    if os.geteuid():
        return False
    name = f"semcom-test-{os.getpid()}"
    try:
        made = subprocess.run(["ip", "netns", "add", name], capture_output=True)
    except FileNotFoundError:
        return False
    subprocess.run(["ip", "netns", "del", name], capture_output=True)
    return made.returncode == 0


def three_hosts(folder, *words):
    """What tools/three_hosts.py counted in a run that it says is whole."""
    out = folder / "hosts.json"
    process = start_program("tools/three_hosts.py", *map(str, words), "--json", str(out))
    try:
        text, error = process.communicate(timeout=180)
    finally:
        end_program(process)
    assert process.returncode == 0, text + error
    return json.loads(out.read_text())


@pytest.mark.alone
@pytest.mark.parametrize("killed", [None, "video"])
def test_three_hosts_lose_nothing_uncounted(tmp_path, killed):
    if not can_make_namespaces():
        pytest.skip("network namespaces need root and iproute2")
    kill = ["--kill", killed] if killed else []
    found = three_hosts(tmp_path, "--frames", 40, "--turnaround", 0.25, *kill)
    assert found["accounted"] and found["heard"]["audio"] == 40
    lost = found["in_gaps"]["video"]
    assert (4 <= lost < 36) if killed else lost <= 8
    assert all(found["counted"][f"{side}_status"] == 0 for side in ("audio", "video", "receiver"))


@pytest.mark.alone
def test_in_a_minute_by_the_clock_no_memory_grows(tmp_path):
    """The short version of ``make soak``."""
    words = ["--minutes", 1, "--one-host", "--sample-rate", 5e5, "--turnaround", 0.3]
    found = three_hosts(tmp_path, *words)
    assert found["accounted"] and max(found["memory_growth"].values()) < 1.03
    assert min(found["heard"].values()) > 0.9 * found["frames"], found


def test_programs_explain_themselves(program):
    for app in ("apps/terminal.py", "apps/run_link.py", "tools/three_hosts.py"):
        done = program(app, "--help")
        assert done.returncode == 0 and "examples" in done.stdout
    assert (ROOT / "docs" / "over-the-air.md").exists()
