# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Every block has an example: it opens in GNU Radio Companion, compiles, runs, and can be seen."""

import os
import re
import shutil
import subprocess
import sys
import wave

import cv2
import numpy as np
import pytest
import yaml
from conftest import ROOT
from gnuradio import analog, blocks, gr, zeromq
from gnuradio.semcom.data.composition import compose, random_script, write_clip
from gnuradio.semcom.data.material_drawn import DrawnMaterial

EXAMPLES = {path.stem: path for path in sorted((ROOT / "examples").glob("*.grc"))}
BLOCKS = sorted(path.name.split(".")[0] for path in (ROOT / "grc").glob("semcom_*.block.yml"))
SHARED = {"return_link": "repeater"}  # alone it makes no sense
WITHOUT_DEVICE = ("usrp_antennas", "usrp_transmitter")
SHOOT = [sys.executable, "tests/show_examples.py"]


def content(name: str) -> dict:
    return yaml.load(EXAMPLES[name].read_text(encoding="utf-8"), yaml.CSafeLoader)


def environment(folder) -> dict:
    """Of GNU Radio's programs, whose preferences go into a folder; no screen."""
    kept = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    own = {"HOME": folder, "XDG_CONFIG_HOME": folder, "XDG_RUNTIME_DIR": folder}
    own |= {"GRC_BLOCKS_PATH": ROOT / "grc", "QT_QPA_PLATFORM": "offscreen"}
    return kept | {name: str(value) for name, value in own.items()}


def finished(command, folder, timeout=900) -> str:
    """Run a program that has to succeed -> what it printed."""
    done = subprocess.run(
        list(map(str, command)),
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=ROOT,
        env=environment(folder),
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    wrong = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert not wrong, wrong
    return done.stdout


def colours(path) -> int:
    """Number of colours in a picture, lines between letters and paper among them."""
    return len(np.unique(cv2.imread(str(path)).astype(np.int32) @ (1, 1 << 8, 1 << 16)))


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_has_an_example_that_says_what_to_look_at(block):
    name = block.removeprefix("semcom_")
    example = content(SHARED.get(name, name))
    assert block in {each["id"] for each in example["blocks"]}
    (note,) = [each["parameters"] for each in example["blocks"] if each["id"] == "note"]
    assert len(note["comment"].split()) > 15
    assert max(map(len, note["comment"].splitlines())) < 95  # drawn as it stands
    named = re.findall(r"(?:apps|docs|examples)/[\w./-]+\.\w+", note["comment"])
    assert not [path for path in named if not (ROOT / path).exists()]
    assert example["options"]["parameters"]["id"] == f"example_{SHARED.get(name, name)}"


def test_every_example_is_of_a_block():
    assert {f"semcom_{name}" for name in EXAMPLES} <= set(BLOCKS)


def test_companion_opens_and_draws_every_example(tmp_path):
    screen = ["xvfb-run", "-a", *SHOOT, "companion", tmp_path, *EXAMPLES.values()]
    printed = finished(screen, tmp_path)
    assert re.findall("== (.*)", printed) == list(EXAMPLES)
    assert all(colours(tmp_path / f"{name}.png") > 100 for name in EXAMPLES)


@pytest.fixture
def antennas(tmp_path):
    """Address of a socket that gives the noise of two antennas."""
    top, address = gr.top_block(), f"ipc://{tmp_path}/antennas"
    noise = analog.noise_source_c(analog.GR_GAUSSIAN, 0.1, 1)
    throttle = blocks.throttle(gr.sizeof_gr_complex, 1e5)
    pair = blocks.stream_to_vector(gr.sizeof_gr_complex, 2)
    top.connect(noise, throttle, pair, zeromq.pub_sink(2 * gr.sizeof_gr_complex, 1, address, 20, 1))
    top.start()
    yield address
    top.stop()
    top.wait()


def test_every_example_runs(tmp_path, antennas, tiny_generative):
    pytest.importorskip("gnuradio.uhd")
    grcc = [sys.executable, shutil.which("grcc"), "-o", tmp_path]
    finished([*grcc, *EXAMPLES.values()], tmp_path)
    clip, film, air = tmp_path / "clip.mp4", tmp_path / "film.mp4", tmp_path / "air"
    sound = tmp_path / "sound.wav"
    material, rng = DrawnMaterial(), np.random.default_rng(8)
    write_clip(clip, *compose(rng, material, random_script(rng, material.events(), 3)), seconds=3)
    options = {
        **dict.fromkeys(("media_source", "media_display"), ["--media", clip]),
        **dict.fromkeys(
            ("media_encoder", "media_decoder", "media_sink", "media_sound",
             "generative_display", "m3e_vsc_settings"),
            ["--media", clip, "--weights", tiny_generative],
        ),
        **dict.fromkeys(("sigmf_sink", "sigmf_source"), ["--recording", air]),
        **dict.fromkeys(WITHOUT_DEVICE, ["--device", "serial=none"]),
        "zmq_transmitter": ["--address", f"ipc://{tmp_path}/samples"],
        "zmq_antennas": ["--address", antennas],
    }  # fmt: skip
    options["media_sink"] = [*options["media_sink"], "--film", film]
    options["media_sound"] = [*options["media_sound"], "--sound", sound]
    words = []
    for name in EXAMPLES:  # sigmf_sink comes before sigmf_source
        words += [",", tmp_path / f"example_{name}.py", *options.get(name, ())]
    parts = re.split("== .*\n", finished([*SHOOT, "run", tmp_path, *words[1:]], tmp_path))
    printed = dict(zip(EXAMPLES, parts, strict=False))
    assert len(parts) == len(EXAMPLES) + 1
    for name, path in EXAMPLES.items():
        if name in WITHOUT_DEVICE:
            assert "error: USRP 'serial=none': " in printed[name]
        elif "generate_options: qt_gui" in path.read_text():
            assert colours(tmp_path / f"{name}.png") > 100, name
    told = {
        "ldpc_decoder": r"50 frames, [0-5] of 350 blocks lost",  # bits are new each time
        "digital_receiver": r"50 frames, \d+ of 350 blocks lost",
        "semantic_decoder": r"20 clips received, segment accuracy (0\.9\d+|1\.0)",
        "outcome_sink": r"20 clips received, segment accuracy 0\.[89]",
        "radio_receiver": r"4 clips received, segment accuracy (?s:.*)4 frames heard, 0 lost",
        "link_meter": r"'channel_nmse_db': -2[0-9.]+",  # -10 - 10 log10(32) at 10 dB
        "repeater": r"20 sentences, [1-9]\d* frames sent again",
        "sentence_source": r"Four boys in black shirts are running in a field\.",
        "sigmf_source": r"2 frames heard, 0 lost",
        "media_decoder": r"1 windows shown",
    }
    for name, pattern in told.items():
        assert re.search(pattern, printed[name]), (name, printed[name][-500:])
    assert film.stat().st_size > 1000
    with wave.open(str(sound)) as heard:
        assert (heard.getframerate(), heard.getnframes()) == (16_000, 48_000)
