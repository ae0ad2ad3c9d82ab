# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""A system and a task of another package: three terminals, payloads of their own lengths, another
outcome; trained, run over the link and over blocks without a change of this project."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import numpy as np
import pytest
from conftest import ROOT
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.systems import registry
from gnuradio.semcom.systems.registry import BUILT_IN

MODULE = '''
"""Which way the first feature of the sound goes in each second: up or down."""

from dataclasses import dataclass

import numpy as np
import torch
from gnuradio.semcom.data import open_set
from gnuradio.semcom.nets.system import System
from gnuradio.semcom.nets.topology import Terminal, Topology
from gnuradio.semcom.systems.registry import Entry
from gnuradio.semcom.tasks.task import Column, Task, bootstrap
from gnuradio.semcom.training.job import JobRecipe
from gnuradio.semcom.training.options import LoopConfig
from gnuradio.semcom.training.recipes import Kind
from torch import nn

LENGTHS = {"near": 3, "far": 5, "deaf": 2}  # symbols of a second


@dataclass(frozen=True)
class SignsConfig:
    gain: float = 1.0


class Signs(System, nn.Module):
    """near and deaf take sound, far takes pictures and repeats what it heard of near."""

    name, Config = "signs", SignsConfig
    full_topology = topology = Topology((
        Terminal("near", "audio"), Terminal("far", "visual", ("near",)), Terminal("deaf", "audio"),
    ))

    def __init__(self, config=SignsConfig(), classes=("up", "down")):
        super().__init__()
        self.config, self.classes = config, tuple(classes)
        self.scale = nn.Parameter(torch.tensor(-1.0))

    def config_dict(self):
        return {"gain": self.config.gain}

    def item(self, terminal):
        return np.float32, 7 * 7 * 512 if terminal == "far" else 128

    @property
    def outcome_item(self):
        return np.float32, 1

    def payload(self, terminal, items):
        return LENGTHS[terminal] * items

    def send(self, terminal, taken, heard):
        length = LENGTHS[terminal]
        if terminal == "far":
            sign = heard["near"].real.unflatten(1, (-1, LENGTHS["near"])).sign()[..., 0]
        else:
            sign = taken[..., 0].sign()
        symbols = sign[..., None].expand(*sign.shape, length)
        return torch.complex(symbols, torch.zeros_like(symbols)).flatten(1)

    def understand(self, symbols, noise):
        total = 0
        for k, name in enumerate(LENGTHS):
            items = symbols.shape[2] // max(LENGTHS.values())
            own = symbols[:, k, : LENGTHS[name] * items].real.unflatten(1, (items, -1))
            total = total + own.sum(-1)
        return self.scale * total, {}

    def outcome(self, symbols, noise):
        return self.understand(symbols, noise)[0]


class SignsTask(Task):
    name, primary, label, unit = "signs", "agreement", "agreement", "second"
    columns = (Column("agreement", "agreement"),)

    def truth(self, clips, i):
        return clips.audio(i)[:, 0] > 0

    def outcome(self, items):
        return items > 0

    def score(self, truth, outcome):
        right = 0 if outcome is None else int((truth == outcome).sum())
        return np.array([right, len(truth)], float)

    def errors(self, score):
        return int(score[1] - score[0])

    def figures(self, scores, seed):
        def share(sums):
            return float(sums[0] / sums[1])

        return {"clips": len(scores), "agreement": share(scores.sum(0)),
                "agreement_ci95": bootstrap(share, scores, seed)}

    def message(self, outcome, classes=()):
        return {"up": [bool(x) for x in outcome]}


@dataclass(frozen=True)
class SignsTraining(LoopConfig):
    pass


class SignsRecipe(JobRecipe):
    """Finds out that the scale must be positive."""

    score_name, steps_per_epoch = "agreement", 4

    def __init__(self, config, device):
        self.config, self.model = config, Signs().to(device)
        self.clips = open_set(None, "train")

    @classmethod
    def prepare(cls, job, config):
        return cls(config, job.device)

    def batches(self, epoch):
        for step in range(4):
            yield 1, epoch * 4 + step

    def loss(self, batch, name):
        sound = torch.from_numpy(self.clips.audio(batch)[:, 0])
        return nn.functional.softplus(-self.model.scale * sound.abs()).mean()

    def score(self, kept):
        return float(kept.scale)

    def test(self):
        return {"scale": float(self.model.scale)}

    def data_name(self):
        return "synthetic"

    @staticmethod
    def card_rows(header):
        return [("what", "a toy")]


class PlainSigns(Signs):
    """The same without anything to learn."""

    name = "plain_signs"

    def __init__(self):
        super().__init__()
        self.scale.data.fill_(1.0)


PLAIN = Entry(
    "plain_signs", 201, "signs", "own_signs:PlainSigns", {"full": ("near", "far", "deaf")},
    weights=False,
)
ENTRY = Entry("signs", 200, "signs", "own_signs:Signs", {"full": ("near", "far", "deaf")})
KIND = Kind("own_signs:SignsRecipe", SignsTraining)
'''
POINTS = """[gr_semcom.systems]
signs = own_signs:ENTRY
plain = own_signs:PLAIN
[gr_semcom.tasks]
signs = own_signs:SignsTask
[gr_semcom.recipes]
signs = own_signs:KIND
"""
FLOWGRAPH = """
import numpy as np
from gnuradio import gr, semcom
from gnuradio.semcom.blocks import guard
import sys
net = dict(system="signs", checkpoint=sys.argv[1])
source = semcom.clip_source(frames=5, takes=("audio", "visual", "audio"))
ends = [semcom.terminal(name=name, **net) for name in ("near", "far", "deaf")]
channel = semcom.simulated_channel(3, 4, "rayleigh", 25.0, sidelinks=1, seed=1)
receiver, sink, top = semcom.receiver(antennas=4, **net), semcom.outcome_sink(**net), gr.top_block()
for k, end in enumerate(ends):
    top.connect((source, k), (end, 0))
    top.connect((end, 0), (channel, k))
top.connect((ends[0], 2), (channel, 3))
top.connect((channel, 4), (ends[1], 1))
for m in range(4):
    top.connect((channel, m), (receiver, m))
top.connect((receiver, 0), sink)
guard.run(top, timeout_s=60)
right = [np.mean((source.clips.audio(n)[:, 0] > 0) == said) for n, said in sink.outcomes.items()]
print(len(right), float(np.mean(right)))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    folder = tmp_path_factory.mktemp("package")
    (folder / "own_signs.py").write_text(MODULE)
    info = folder / "own_signs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-signs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    return folder


@pytest.fixture(scope="module")
def environment(package):
    before = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(package), before]))}


@pytest.fixture(scope="module")
def weights(package, environment):
    """What apps/train.py makes of it."""
    done = subprocess.run(
        [sys.executable, "apps/train.py", "--system", "signs", "--epochs", "60", "--learning-rate",
         "0.1", "--average", "0.5", "--out", str(package / "run")],
        capture_output=True, text=True, cwd=ROOT, timeout=120, env={**os.environ, **environment},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return package / "run" / "signs-full-synthetic.safetensors"


def test_it_trains_and_runs_over_the_link(program, environment, weights, tmp_path):
    path = tmp_path / "signs.json"
    done = program(
        "apps/run_link.py", "--system", "signs", "--checkpoint", weights, "--antennas", 3,
        "--channel", "awgn", "rayleigh", "--snr=-20,25", "--frames", 12, "--json", path,
        env=environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "agreement" in done.stdout
    records = json.loads(path.read_text())["records"]
    found = {(r["channel"], r["snr_db"]): r["agreement"] for r in records}
    assert found["awgn", 25.0] == 1.0 and found["rayleigh", 25.0] > 0.95
    assert found["awgn", -20.0] < 0.8
    assert records[0]["task"] == "signs" and records[0]["clips"] == 12
    uses = records[0]["channel_uses"]  # per second: the longest payload, 32 pilots
    assert uses["payload"] == 5 and uses["pilots"] == pytest.approx(3.2)
    assert uses["sidelink"] == pytest.approx(5 + 3.2)


def test_a_system_without_weights_runs_and_wants_none(program, environment, tmp_path):
    path = tmp_path / "plain.json"
    words = ["--system", "plain_signs", "--antennas", 3, "--channel", "awgn", "--frames", 6]
    done = program("apps/run_link.py", *words, "--snr", 25, "--json", path, env=environment)
    assert done.returncode == 0, done.stderr
    (record,) = json.loads(path.read_text())["records"]
    assert record["agreement"] == 1.0
    assert record["checkpoint"] is None and record["checkpoint_sha256"] is None
    refused = program("apps/run_link.py", *words, "--checkpoint", "ave28", env=environment)
    assert refused.returncode == 2 and "--checkpoint" in refused.stderr


def test_its_blocks_make_a_flowgraph_of_three_terminals(program, environment, weights):
    done = program("-c", FLOWGRAPH, weights, env=environment)
    assert done.returncode == 0, done.stderr
    frames, agreement = done.stdout.split()[-2:]
    assert int(frames) == 5 and float(agreement) > 0.95


def test_a_number_that_is_taken_is_refused(program, environment, package, tmp_path):
    other = tmp_path / "other.py"
    other.write_text(
        "from gnuradio.semcom.systems.registry import Entry\n"
        "ENTRY = Entry('other', 1, 'events', 'other:None')\n"
    )
    info = tmp_path / "other-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: other\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gr_semcom.systems]\nother = other:ENTRY\n")
    path = f"{tmp_path}:{environment['PYTHONPATH']}"
    done = program("apps/run_link.py", "--frames", 1, env={"PYTHONPATH": path})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert "system 'other' (other:ENTRY): its name or number 1 is taken" in done.stderr


@pytest.mark.parametrize(
    ("value", "source", "said"),
    [
        ("nowhere:ENTRY", "", "nowhere:ENTRY: cannot be imported .ModuleNotFoundError"),
        ("broken:ENTRY", "ENTRY = 5", "broken:ENTRY: is 5, expected a semcom.systems.registry.Ent"),
        ("broken:ENTRY", "1 / 0", "broken:ENTRY: cannot be imported .ZeroDivisionError"),
    ],
)
def test_a_package_that_is_broken_is_named(tmp_path, monkeypatch, value, source, said):
    (tmp_path / "broken.py").write_text(source)
    monkeypatch.syspath_prepend(str(tmp_path))
    point = EntryPoint("own", value, registry.SYSTEM_GROUP)
    monkeypatch.setattr(registry.importlib.metadata, "entry_points", lambda group: [point])
    monkeypatch.delitem(sys.modules, "broken", raising=False)
    with pytest.raises(SemcomError, match=said):
        registry.systems.__wrapped__()


def test_a_system_has_a_class_of_systems():
    with pytest.raises(SemcomError, match="'own': pathlib:Path is .*, expected a class derived"):
        registry.Entry("own", 99, "events", "pathlib:Path").cls  # noqa: B018


def test_numbers_on_the_air_stay_what_they_are():
    assert {entry.name: entry.number for entry in BUILT_IN} == {
        "pilot_ave_plus": 0,
        "pilot_ave": 1,
        "deepsc": 2,
        "digital": 3,
        "digital_features": 4,
        "digital_text": 5,
        "m3e_vsc": 6,
    }
    assert len(np.unique([entry.number for entry in BUILT_IN])) == len(BUILT_IN)
