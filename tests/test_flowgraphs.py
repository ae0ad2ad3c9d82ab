# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Every flowgraph compiles with grcc; those without a window run to their end."""

import dataclasses
import inspect
import os
import re
import shutil
import subprocess
import sys

import av
import h5py
import numpy as np
import pytest
import yaml
from conftest import ROOT
from gnuradio import semcom
from gnuradio.semcom import blocks
from gnuradio.semcom.base.options import fields
from gnuradio.semcom.data import synthetic
from gnuradio.semcom.data.composition import compose, random_script, write_clip
from gnuradio.semcom.data.material_drawn import DrawnMaterial
from gnuradio.semcom.media.store import HANDLE_ITEM
from gnuradio.semcom.perception.names import AUTO
from gnuradio.semcom.phy.coding import BlockCode
from gnuradio.semcom.protocol.burst import BurstFormat
from gnuradio.semcom.run.options import MockServerOptions
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.digital import DigitalSettings
from gnuradio.semcom.systems.loading import parted, read_settings
from gnuradio.semcom.systems.m3e_vsc import M3ESettings
from gnuradio.semcom.systems.registry import system
from gnuradio.semcom.windows import displays
from gnuradio.semcom.windows.block_error_display import block_error_display
from gnuradio.semcom.windows.burst_display import burst_display
from gnuradio.semcom.windows.checkpoint_chooser import checkpoint_chooser
from gnuradio.semcom.windows.generative_display import generative_display
from gnuradio.semcom.windows.media_comparison import media_comparison
from gnuradio.semcom.windows.media_display import media_display

FLOWGRAPHS = sorted((ROOT / "apps" / "flowgraphs").glob("*.grc"))
DEFINITIONS = sorted((ROOT / "grc").glob("*.block.yml"))
BLOCKS = {  # those with windows
    "block_error_display": block_error_display,
    "burst_display": burst_display,
    "channel_display": displays.channel_display,
    "checkpoint_chooser": checkpoint_chooser,
    "constellation": displays.constellation,
    "event_timeline": displays.event_timeline,
    "generative_display": generative_display,
    "media_comparison": media_comparison,
    "media_display": media_display,
}


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """Folder with the Python program of every flowgraph."""
    folder = tmp_path_factory.mktemp("compiled")
    environment = {**os.environ, "GRC_BLOCKS_PATH": str(ROOT / "grc"), "HOME": str(folder)}
    environment.pop("DISPLAY", None)
    done = subprocess.run(
        [sys.executable, shutil.which("grcc"), "-o", str(folder), *map(str, FLOWGRAPHS)],
        capture_output=True,
        text=True,
        timeout=300,
        env=environment,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def test_every_flowgraph_compiles(compiled):
    assert FLOWGRAPHS
    for flowgraph in FLOWGRAPHS:
        assert (compiled / f"{flowgraph.stem}.py").exists()


def test_media_link_runs(compiled, program, tmp_path):
    material, rng = DrawnMaterial(), np.random.default_rng(8)
    script = random_script(rng, material.events(), seconds=3)
    write_clip(tmp_path / "clip.mp4", *compose(rng, material, script), seconds=3)
    done = program(compiled / "media_link.py", "--media", tmp_path / "clip.mp4")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stdout.splitlines() if "clip.mp4 second 2: " in line]
    bad = program(compiled / "media_link.py", "--media", "README.md")
    assert bad.returncode == 1 and "README.md: cannot be read as media" in bad.stderr


def test_m3e_link_runs(compiled, program, tmp_path, tiny_generative):
    material, rng = DrawnMaterial(), np.random.default_rng(8)
    script = random_script(rng, material.events(), seconds=3)
    write_clip(tmp_path / "clip.mp4", *compose(rng, material, script), seconds=3)
    words = "--checkpoint", tiny_generative, "--media", tmp_path / "clip.mp4", "--key-frames", 2
    done = program(compiled / "m3e_link.py", *words, "--film", tmp_path / "film.mp4")
    assert done.returncode == 0, done.stderr
    assert "1 clips received" in done.stdout and "(said . #(" in done.stdout
    with av.open(str(tmp_path / "film.mp4")) as film:
        assert sum(1 for _ in film.decode(video=0)) == 3 * 16


def test_simulated_link_runs(compiled, program):
    done = program(compiled / "simulated_link.py", "--frames", 20, "--snr-db", 30)
    assert done.returncode == 0, done.stderr
    found = re.search(r"(\d+) clips received, segment accuracy ([\d.]+)", done.stdout)
    clips, accuracy = found.groups()
    assert int(clips) == 20 and float(accuracy) > 0.5


def test_digital_link_runs(compiled, program):
    words = "--channel", "awgn", "--source", "webp+codec2", "--size", 32, "--frames", 2
    line = r"2 clips received, segment accuracy ([\d.]+), share of blocks lost ([\d.]+)"
    for snr_db, code, few, most in ((20, "5/6", 0, 0), (4.5, "1/2", 0, 0), (4.5, "5/6", 0.5, 1)):
        options = "--snr-db", snr_db, "--code", code
        done = program(compiled / "digital_link.py", *words, *options)
        assert done.returncode == 0, done.stderr
        accuracy, lost = re.search(line, done.stdout).groups()
        assert few <= float(lost) <= most  # of rate 5/6 the cliff is at 5.5 dB, of 1/2 at 2 dB


CHOSEN = {"task": "media", "source": "av1+codec2", "code": "5/6", "quality": 7}


@pytest.mark.parametrize(
    ("name", "kind", "chosen", "left_out"),
    [
        ("digital", DigitalSettings, CHOSEN, {"payload"}),  # is reckoned from --uses
        ("m3e_vsc", M3ESettings, {"only": "text", "key_frames": 4, "picture_symbols": 2}, set()),
        ("m3e_vsc", M3ESettings, {"without": "m3e", "weights": "films"}, set()),
    ],
)
def test_settings_of_grc_are_those_of_the_system(name, kind, chosen, left_out):
    definition = yaml.safe_load((ROOT / "grc" / f"semcom_{name}_settings.block.yml").read_text())
    offered = {parameter["id"]: parameter["default"] for parameter in definition["parameters"]}
    assert {field.name for field in dataclasses.fields(kind)} - set(offered) == left_out
    for values in (offered, offered | chosen):
        told = {key: value for key, value in values.items() if value != "" and key != "weights"}
        expected = kind(**told)
        text = eval(definition["value"].removeprefix("${").removesuffix("}"), {}, dict(values))
        weights, settings = parted(text)
        assert weights == values.get("weights", "")
        assert read_settings(name, settings) == expected
        made = definition["templates"]["var_make"].partition("= ${id} = ")[2]
        for key, value in values.items():
            made = made.replace(f"${{{key}}}", repr(value))
        assert eval(made) == text


def test_grc_knows_the_length_of_handles():
    loaded = [yaml.safe_load(path.read_text()) for path in DEFINITIONS]
    ports = [port for one in loaded for port in one.get("inputs", []) + one.get("outputs", [])]
    handles = [str(port["vlen"]) for port in ports if "s64" in str(port)]
    dtype, length = HANDLE_ITEM
    assert dtype is np.int64 and len(handles) >= 10
    assert all(re.search(rf"\b{length}\b", told) for told in handles)


def test_blocks_tour_runs(compiled, program):
    done = program(compiled / "blocks_tour.py", "--snr-db", 30)
    assert done.returncode == 0, done.stderr
    line = r"(\d+) of (\d+) symbols received, symbol error rate ([\d.e+-]+)"
    streams = re.findall(line, done.stdout)
    assert len(streams) == 2
    for received, sent, errors in streams:
        assert received == sent and float(errors) < 0.003  # closed form at 30 dB: 0.0011


def test_coded_link_runs(compiled, program):
    done = program(compiled / "coded_link.py", "--snr-db", 30, "--frames", 50)
    assert done.returncode == 0, done.stderr
    streams = re.findall(r"(\d+) frames, (\d+) of (\d+) blocks lost", done.stdout)
    assert [(frames, blocks) for frames, _, blocks in streams] == [("50", "350")] * 2
    assert all(int(lost) < 35 for _, lost, _ in streams)
    bad = program(compiled / "coded_link.py", "--modulation", "8psk")
    assert bad.returncode == 1 and "modulation: '8psk' found" in bad.stderr


def test_a_failing_block_gives_a_generated_flowgraph_a_non_zero_exit(compiled, program, tmp_path):
    """The last clip holds a NaN, which the clip source meets while the flowgraph runs."""
    synthetic.write(tmp_path, 3)
    with h5py.File(tmp_path / "audio_feature.h5", "r+") as file:
        file["avadataset"][-1, 0, 0] = np.nan
    done = program(compiled / "simulated_link.py", "--data", tmp_path)
    assert done.returncode == 1
    assert "audio_feature.h5" in done.stderr and "NaN" in done.stderr


USRP_FLOWGRAPHS = [path.stem for path in FLOWGRAPHS if "semcom_usrp" in path.read_text()]


@pytest.mark.parametrize("name", USRP_FLOWGRAPHS)
def test_without_a_usrp_a_flowgraph_ends_with_one_line(compiled, program, name, tiny_generative):
    pytest.importorskip("gnuradio.uhd")
    no_screen = {"QT_QPA_PLATFORM": "offscreen"}
    words = ["--device", "serial=none"]
    words += ["--checkpoint", tiny_generative] if "m3e" in name else []
    done = program(compiled / f"{name}.py", *words, env=no_screen)
    assert done.returncode == 1
    assert done.stderr.count("error: USRP 'serial=none': ") == 1
    assert "uhd_find_devices" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "name, options, wrong",
    [
        (
            "zmq_audio_terminal",
            ["--address", "nowhere"],
            "nowhere: cannot be used as a ZeroMQ address",
        ),
        (
            "zmq_video_terminal",
            ["--address", "tcp://127.0.0.1:*", "--antenna-address", "air"],
            "air: cannot be used as a ZeroMQ address",
        ),
        ("zmq_receiver", ["--address", "nowhere"], "nowhere: cannot be used as a ZeroMQ address"),
        ("zmq_receiver", ["--checkpoint", "README.md"], "README.md: not a whole safetensors"),
        ("zmq_m3e_receiver", ["--checkpoint", "README.md"], "README.md: not a whole safetensors"),
        ("zmq_m3e_terminal", ["--checkpoint", "README.md"], "README.md: not a whole safetensors"),
        ("replay_iq", ["--recording", "none"], "none.sigmf-meta: missing"),
    ],
)
def test_what_cannot_be_used_ends_a_window_with_one_line(compiled, program, name, options, wrong):
    no_screen = {"QT_QPA_PLATFORM": "offscreen"}
    done = program(compiled / f"{name}.py", *options, env=no_screen)
    assert done.returncode == 1
    assert f"error: {wrong}" in done.stderr and "Traceback" not in done.stderr


OPTION_OF = {  # parameter: option, where they are not of one name; '': of no option
    "model": "channel",
    "snr_db": "snr",
    "sidelink_snr_db": "sidelink_snr",
    "return_snr_db": "return_snr",
    "gain_db": "gain",
    "pilot_kind": "pilots",
    "pilot_boost_db": "pilot_boost",
    "max_peak_db": "max_peak",
    "num_rx": "antennas",
    "pilots": "",  # of C++ blocks: the rows themselves
}
OPTION_IN = {  # the same of blocks whose names begin so
    "radio": {"pilot_length": "burst_pilots", "pilot_spacing": "burst_spacing"},
    "frame_sync": {"system": "", "method": "detector", "spacing": "burst_spacing"},
    "ls_estimator": {"method": "csi", "spacing": "pilot_spacing"},
    "mimo_detector": {"method": "detector"},
    "pilot_inserter": {"spacing": "pilot_spacing"},
    "usrp_transmitter": {"device": "", "gain": "tx_gain"},
    "usrp_antennas": {"device": "", "gain": "rx_gain"},
    "sigmf": {"sample_rate": "", "frequency": ""},
    "repeater": {"attempts": ""},  # there to repeat: 3
    "media_encoder": {"system": ""},  # those that take media
    "media_decoder": {"system": ""},
    "media_source": {"length": ""},  # of a clip, not of a coded block
    "sound_features": {"length": ""},
}
TYPES = {  # of an option: those of its parameter
    float: {"real"},
    int: {"int"},
    str: {"string", "file_open", "file_save", "dir_select"},
    type(None): {"raw"},
}
COMPONENTS = {**fields(MockServerOptions), **fields(Scenario)}
CODED = ("bits_to_frames", "qam_demapper", "ldpc_decoder", "digital")  # those of a block code too


def option_of(block: str, parameter: str):
    """The option, as a dataclass field, that a parameter or argument of a block is; None for
    one that is no option."""
    names = next((own for start, own in OPTION_IN.items() if block.startswith(start)), {})
    components = {**COMPONENTS, **fields(BlockCode)} if block.startswith(CODED) else COMPONENTS
    return components.get(names.get(parameter, OPTION_OF.get(parameter, parameter)))


def default_of(option):
    """The default of a block's parameter: sizes of features are known when a flowgraph is drawn, so
    what a program finds out from the weights is named there."""
    choices = option.metadata.get("choices") or ()
    return choices[1] if option.default == AUTO else option.default


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda p: p.stem)
def test_grc_parameters_follow_from_the_options(path):
    """Default, choices, unit and type of each parameter that is an option of a component."""
    definition = yaml.safe_load(path.read_text())
    block = definition["id"].removeprefix("semcom_")
    on_air = any(word in path.stem for word in ("radio", "frame_sync"))
    for parameter in definition["parameters"]:
        name, option = parameter["id"], option_of(block, parameter["id"])
        if option is None:
            continue
        meta = option.metadata
        assert parameter["dtype"] in TYPES[type(option.default)], name
        assert _value(parameter["default"]) == _value(default_of(option)), name
        if choices := meta.get("choices"):
            needs_noise = block == "digital_receiver" and option.name in ("csi", "detector")
            separated = on_air and option.name == "detector"
            left_out = {"none"} if needs_noise or separated else {AUTO}
            found = {_value(choice) for choice in parameter["options"]}
            assert found == {_value(choice) for choice in choices} - left_out, name
        if "unit" in meta:
            assert f"[{meta['unit']}]" in parameter["label"], name


def test_arguments_of_python_blocks_have_the_defaults_of_the_options():
    compared = 0
    for name in blocks.__all__:
        for argument in inspect.signature(getattr(blocks, name)).parameters.values():
            option = option_of(name, argument.name)
            if option is not None and argument.default is not inspect.Parameter.empty:
                assert argument.default == default_of(option), (name, argument.name)
                compared += 1
    assert compared > 50


def _value(default):
    """A default as a number, if it is one, else as text."""
    try:
        return float(default)
    except (TypeError, ValueError):
        return str(default)


def fields_of_settings(name):
    """Fields of the settings that a variable like digital_settings names."""
    return dataclasses.fields(system(name.removesuffix("_settings")).cls.Settings)


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda p: p.stem)
def test_grc_make_lines_fit_the_blocks(path):
    """Every argument that a definition passes, and every callback, exists on the block."""
    definition = yaml.safe_load(path.read_text())
    name = definition["id"].removeprefix("semcom_")
    templates = definition["templates"]
    if "make" not in templates:  # a variable with settings: no block
        named = re.findall(r"\('(\w+)', \$\{(\w+)\}\)", templates["var_make"])
        assert named and all(setting == parameter for setting, parameter in named)
        assert {setting for setting, _ in named} <= {each.name for each in fields_of_settings(name)}
        return
    made = [word for word in re.findall(r"semcom\.(\w+)", templates["make"]) if word != "or_exit"]
    block = BLOCKS.get(name) or getattr(semcom, made[0])
    parameters = {parameter["id"] for parameter in definition["parameters"]}
    passed = re.findall(r"(\w+)=\$\{\s*(\w+)\s*\}", templates["make"])
    assert {value for _, value in passed} <= parameters
    if block.__module__.startswith("gnuradio.semcom.blocks"):
        known = set(inspect.signature(block).parameters)
        if "plan" in known:  # more options
            known |= {field.name for field in dataclasses.fields(BurstFormat)}
        assert {argument for argument, _ in passed} <= known
    for callback in templates.get("callbacks", []):
        if not callback.startswith("self."):  # of the flowgraph
            assert hasattr(block, callback.split("(")[0]), callback
