# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Options: where they have an effect, what a sweep makes of them, and what a record tells."""

import argparse
import dataclasses
import importlib
import itertools
import re
import shlex
from dataclasses import dataclass

import pytest
from conftest import ROOT
from gnuradio.semcom.base import options
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.options import Fixed, Parser, Rule, at_least, option, share
from gnuradio.semcom.cli.terminal import sides
from gnuradio.semcom.nets import configs, decoders, layers
from gnuradio.semcom.nets import names as nets_names
from gnuradio.semcom.phy import channel, detection, estimation, pilots
from gnuradio.semcom.phy import names as phy_names
from gnuradio.semcom.protocol.burst import BurstFormat
from gnuradio.semcom.run import scenario
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems import registry
from gnuradio.semcom.training import recipes

from studies.points import key as key_of

CLI = ROOT / "python" / "semcom" / "cli"
FILE = ROOT / "README.md"  # any text
WET = Rule(lambda point: point.kind == "boat", "with --kind boat")


@dataclass(frozen=True)
class Hull:
    """Hull."""

    kind: str = option("car", "what it is", choices=("car", "boat", "plane"), sweep=True)
    draught: float = option(1.5, "below the water", unit="m", sweep=True, only=(WET,))


@dataclass(frozen=True)
class Vehicle(Hull):
    """Vehicle."""

    wheels: int = option(
        4,
        "how many",
        type=at_least(0),
        fixed=(Fixed(lambda point: point.kind == "boat", 0, "with --kind boat"),),
    )
    names: tuple = option((), "what it is called", place=True)
    fast: bool = option(False, "in a hurry", also=("--quick",))


def points(words: str) -> list:
    """The points that a command line names."""
    parser = Parser()
    options.add_options(parser, Vehicle, sweep=True)
    return options.points(Vehicle, options.given(parser.parse_args(words.split()), Vehicle))


@pytest.mark.parametrize("text", ["-0.1", "1.01", "nan", "90%"])
def test_a_share_lies_between_0_and_1(text):
    with pytest.raises(argparse.ArgumentTypeError, match="number" if text[-1] in "n%" else "share"):
        share(text)
    assert (share("0"), share("1")) == (0, 1)


def test_options_that_are_not_given_have_their_defaults():
    assert points("") == [Vehicle()]
    assert points("--names a b --quick --wheels 3") == [
        Vehicle(names=("a", "b"), fast=True, wheels=3)
    ]


def test_a_sweep_runs_numbers_fastest_and_equal_points_once():
    found = points("--draught 1:2:0.5 7 --kind boat car")
    assert [(p.kind, p.draught) for p in found] == [
        ("boat", 1.0), ("boat", 1.5), ("boat", 2.0), ("boat", 7.0), ("car", 1.5),
    ]  # fmt: skip
    assert [p.wheels for p in found] == [0, 0, 0, 0, 4]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--draught 2", "--draught 2: has an effect only with --kind boat; leave it out"),
        ("--kind car plane --draught 2", "--draught 2: has an effect only"),
        ("--kind boat --wheels 3", "--wheels 3: is 0 with --kind boat; leave it out"),
    ],
)
def test_an_option_without_effect_is_refused(words, said):
    with pytest.raises(SemcomError) as refused:
        points(words)
    assert str(refused.value).startswith(said)


def test_a_fixed_value_may_be_given():
    assert points("--kind boat --wheels 0") == [Vehicle("boat", wheels=0)]


def test_what_is_used_is_what_has_an_effect():
    assert options.used(Vehicle(draught=9.0)) == {
        "kind": "car", "wheels": 4, "names": (), "fast": False,
    }  # fmt: skip
    assert options.used(Vehicle("boat", draught=9.0))["wheels"] == 0


def test_the_help_tells_unit_and_default(capsys):
    parser = Parser()
    options.add_options(parser, Vehicle, sweep=True)
    with pytest.raises(SystemExit):
        parser.parse_args(["--help"])
    text = " ".join(capsys.readouterr().out.split())
    assert "below the water [m] (default: 1.5)" in text and "Hull:" in text


# --- the link's -----------------------------------------------------------------------------------


def sweep(words: str) -> list:
    parser = Parser()
    scenario.add_options(parser)
    return scenario.sweep(parser.parse_args(words.split()))


@pytest.mark.parametrize(
    ("words", "option"),
    [
        ("--radio mock:indoor --channel awgn", "--channel awgn"),
        ("--radio mock:indoor --csi perfect", "--csi perfect"),
        ("--radio mock:indoor --pilot-length 16", "--pilot-length 16"),
        ("--radio zmq: --snr 3", "--snr 3"),
        ("--radio replay:air --snr 3", "--snr 3"),
        ("--radio zmq: --tx-gain 3", "--tx-gain 3"),
        ("--radio mock:indoor --variant audio_only --copies 3", "--copies 3"),
        ("--channel none --snr 3", "--snr 3"),
        ("--rician-k 3", "--rician-k 3"),
        ("--channel awgn --doppler 1e-3", "--doppler 0.001"),
        ("--interpolation linear", "--interpolation linear"),
        ("--csi perfect --pilot-spacing 64 --interpolation linear", "--interpolation linear"),
        ("--variant audio_only --sidelink-snr 3", "--sidelink-snr 3"),
        ("--variant no_estimation --csi perfect", "--csi perfect"),
        ("--csi none --detector lmmse", "--detector lmmse"),
        ("--decoder vscg", "--decoder vscg"),
        ("--sps 8", "--sps 8"),
        ("--frequency 1e9", "--frequency 1e+09"),
        ("--media a.mp4 --split val", "--split val"),
        (f"--system deepsc --data {FILE} --split train", "--split train"),
        ("--microphone alsa:default", "--microphone alsa:default"),
        ("--media a.mp4 --weights vgg", "--weights vgg"),
        ("--system deepsc --symbols 4", "--symbols 4"),
        ("--system m3e_vsc --antennas 1 --only text --key-frames 2", "--key-frames 2"),
        ("--system digital --antennas 1 --variant audio_only --quality 9", "--quality 9"),
        ("--system digital --antennas 1 --variant video_only --bitrate 9000", "--bitrate 9000"),
    ],
)
def test_options_of_the_link_that_have_no_effect_are_refused(words, option):
    with pytest.raises(SemcomError) as refused:
        sweep(words)
    text = str(refused.value)
    assert text.startswith(f"{option}: ") and text.endswith("; leave it out") and "\n" not in text


def test_an_option_is_not_shortened():
    with pytest.raises(SystemExit):
        points("--whe 3")


def test_points_that_run_the_same_are_one():
    assert len(sweep("--radio mock:indoor --snr 3,6 --detector zf lmmse")) == 4
    assert len(sweep("--channel none awgn --snr 0,10")) == 3
    assert len(sweep("--channel awgn rician --rician-k 9")) == 2
    assert len(sweep("--csi ls none --detector zf lmmse none")) == 3


def test_a_record_tells_only_what_was_used():
    mock = scenario.settings(Scenario(radio="mock:indoor", csi="perfect", rician_k=9.0))
    assert mock["snr"] == mock["sidelink_snr"] == 10.0 and mock["turnaround"] == 0.06
    assert not {"channel", "csi", "rician_k", "pilots", "gain", "tx_gain"} & set(mock)
    usual = scenario.settings(Scenario())
    assert usual["csi"] == "ls" and not {"sps", "copies", "rician_k", "data"} & set(usual)
    assert scenario.settings(Scenario(variant="no_estimation"))["csi"] == "none"
    assert "symbols" not in usual and scenario.settings(Scenario(symbols=8))["symbols"] == 8
    assert "split" not in scenario.settings(Scenario(system="deepsc", data=str(FILE)))


def test_a_record_that_told_everything_is_found_again():
    old = {item.name: item.default for item in dataclasses.fields(Scenario)}
    rest = {"data": "d", "checkpoint_sha256": "c", "error_free_sha256": None}
    new = {"scenario": scenario.settings(Scenario()), **rest}
    for place in ("media", "data", "checkpoint"):
        del old[place]
    assert key_of({"scenario": {**old, "sidelink_snr": 10.0}, **rest}) == key_of(new)
    short = {"scenario": scenario.settings(Scenario(symbols=8)), **rest}
    assert key_of(short) != key_of(new)  # of one checkpoint for both


COMMAND = re.compile(r"(run_link|terminal)\.py ((?:[^`|#\n\\]|\\\n)*)")


def commands() -> list:
    """(program, words) of every command line in the texts and in the programs' examples."""
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *CLI.glob("*.py")]
    found = set()
    for path in texts:
        for name, rest in COMMAND.findall(path.read_text(encoding="utf-8")):
            words = shlex.split(rest.replace("\\\n", " "))
            whole = len(words) > 1 and "S" not in words  # no word of a sentence, no placeholder
            if whole and (words[0] in sides() or words[0].startswith("--")):
                found.add((name, tuple(words)))
    return sorted(found)


@pytest.mark.parametrize(("name", "words"), commands())
def test_every_command_line_in_the_texts_is_one(name, words):
    program = importlib.import_module(f"gnuradio.semcom.cli.{name}")
    if "--help" not in words:
        assert scenario.sweep(program.parse(words))


# --- names that need no Torch ---------------------------------------------------------------------


def test_names_are_those_of_what_there_is():
    assert channel.MODELS == phy_names.CHANNELS
    assert tuple(estimation.METHODS) == phy_names.ESTIMATORS
    assert tuple(detection.METHODS) == phy_names.DETECTORS
    assert tuple(pilots.KINDS) == phy_names.PILOTS
    assert set(decoders.DECODERS) == set(nets_names.DECODERS)
    assert set(nets_names.CONSISTENCY) == {"", "cere", "separate", *layers.EVENTS}


def test_configurations_at_hand_are_those_of_their_classes():
    for name, config in registry.CONFIGS.items():
        assert registry.resolve(config) is registry.classes()[name].Config
    assert registry.config_of("vscg") is configs.VSCGConfig


def test_recipes_have_the_configurations_that_they_are_listed_with():
    for kind in recipes.recipes().values():
        assert registry.resolve(kind.recipe).Config is kind.config


@pytest.mark.parametrize(
    ("variant", "name"),
    [
        ("error_free", "snr_min"),
        ("error_free", "channels"),
        ("audio_only", "unguided"),
        ("no_estimation", "detectors"),
    ],
)
def test_options_of_a_training_that_have_no_effect_are_refused(variant, name):
    config = recipes.recipes()["events"].config(variant=variant)
    assert name not in options.used(config)
    with pytest.raises(SemcomError, match=f"--{name.replace('_', '-')} .*: has an effect only"):
        options.check_given(config, [name])


@pytest.mark.parametrize(
    ("kind", "name", "wrong"),
    [
        ("events", "rivals", "1.5"),
        ("events", "unguided", "-0.1"),
        ("events", "gaze", "-1"),
        ("events", "average", "2"),
        ("events", "learning_rate", "0"),
        ("text", "lost", "7"),
        ("m3e", "average", "1.01"),
    ],
)
def test_shares_and_weights_of_a_training_are_some(kind, name, wrong):
    check = options.fields(recipes.recipes()[kind].config)[name].metadata["type"]
    with pytest.raises(argparse.ArgumentTypeError, match=re.escape(f"'{wrong}' is not a ")):
        check(wrong)
    assert check("0.5") == 0.5


@pytest.mark.parametrize(
    ("config", "name"),
    [
        (configs.PilotAvePlusConfig(terminals="audio", attention="product"), "attention"),
        (configs.PilotAveConfig(terminals="audio", attention="product"), "attention"),
        (configs.PilotAveConfig(decoder="vscg", spatial="weights"), "spatial"),
    ],
)
def test_options_of_a_network_that_have_no_effect_are_refused(config, name):
    with pytest.raises(SemcomError, match=f"^--{name} .*: has an effect only .*; leave it out"):
        options.check_given(config, [name])


@pytest.mark.parametrize("asked", [{"exchange": 0.1}, {"rivals": 0.4}, {"rivals": 1, "gaze": 1}])
def test_what_knows_the_seconds_is_not_for_weak_labels(asked):
    config = recipes.recipes()["events"].config(**asked)
    config.check_setting("sel")
    with pytest.raises(SemcomError, match=f"^{', '.join(asked)}: knows? where an event is.* wsel"):
        config.check_setting("wsel")


def test_what_a_start_or_a_part_decides_is_no_option(tmp_path):
    from gnuradio.semcom.cli import mock_radio
    from gnuradio.semcom.training.job import Job
    from gnuradio.semcom.training.recipes.m3e import M3E
    from gnuradio.semcom.training.recipes.text import check_started

    kinds, job = recipes.recipes(), Job("deepsc", "full", tmp_path)
    usual, other = kinds["text"].config(), kinds["text"].config(pieces=3)
    check_started(job, usual)
    for each, config, name in (
        (job, other, "pieces"),
        (dataclasses.replace(job, network={"width": 8}), usual, "width"),
    ):
        with pytest.raises(SemcomError, match=f"^--{name}: follows from --init"):
            check_started(each, config)
    with pytest.raises(SemcomError, match="^--data: part text"):
        M3E.stages(dataclasses.replace(job, data="x"), kinds["m3e"].config(part="text"))
    with pytest.raises(SemcomError, match="^--return-snr: has an effect only with --return-link"):
        mock_radio.parse(["--return-snr", "3"])


def test_numbers_that_no_block_can_count_are_refused():
    for words in (f"--pilot-spacing {2**31}", f"--seed {2**63}", "--doppler 0.6"):
        with pytest.raises(SystemExit):
            sweep(words)
    (point,) = sweep(f"--seed {2**63 - 1}")
    assert point.seed == 2**63 - 1


def test_the_burst_format_has_the_defaults_of_its_options():
    assert BurstFormat(Scenario().sample_rate, **scenario.burst_format(Scenario())) == BurstFormat()


def test_no_two_components_define_the_same_option():
    owners = Scenario.__mro__[1:-1]
    for one, other in itertools.combinations(owners, 2):
        assert not set(vars(one)["__annotations__"]) & set(vars(other)["__annotations__"])


def test_a_terminal_alone_has_no_turnaround_and_may_be_slow():
    point = Scenario(system="deepsc", radio="mock:bench", sample_rate=1e5)
    plan = BurstFormat(1e5, **scenario.burst_format(point))
    assert plan.turnaround is None and plan.uplink_at(1) == 0
    with pytest.raises(SemcomError, match="turnaround"):
        BurstFormat(1e5, **scenario.burst_format(dataclasses.replace(point, system="pilot_ave")))


def test_a_quality_above_100_is_refused_before_anything_runs():
    kind = options.fields(Scenario)["quality"].metadata["type"]
    assert kind("100") == 100
    with pytest.raises(argparse.ArgumentTypeError, match="'101' is more than 100"):
        kind("101")
