# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""pilot_ave that starts from a localiser, and checkpoints that share its weights.

Sizes differ on purpose (T=7, d_a=24, d_v=40, 5x6 maps, 6 classes): a swapped axis fails.
"""

import dataclasses
import json

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import sha256
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.nets.heads import background_of
from gnuradio.semcom.nets.localisers import Localiser
from gnuradio.semcom.nets.pilot_ave import PilotAve, PilotAveConfig, cut_in_two
from gnuradio.semcom.systems.loading import load_any
from gnuradio.semcom.systems.registry import localiser
from gnuradio.semcom.training import linear_codec, losses
from gnuradio.semcom.training.evaluate import choose_background
from gnuradio.semcom.training.job import Job, train
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import LinkConfig
from gnuradio.semcom.training.recipes.events import EventsOverLink
from gnuradio.semcom.weights import store
from safetensors import safe_open
from safetensors.torch import load_file

B, T, CLASSES = 3, 7, tuple("abcdef")
SIZES = dict(audio_dim=24, visual_dim=40, height=5, width=6, attention_width=12, recurrent=4,
             attention_hidden=13, classifier=7)  # fmt: skip
CODEC = dict(audio_dim=24, visual_dim=40, height=5, width=6, symbols=11, audio_lstm=10,
             audio_channel=9, video_channel=14, audio_decoder=15, video_decoder=16)  # fmt: skip
PAIRS = [(name, setting) for name in ("psp", "avel", "vscg", "coattention")
         for setting in ("sel", "wsel")]  # fmt: skip


def taught(name: str, setting: str) -> Localiser:
    """A localiser with weights at random, its background score too."""
    torch.manual_seed(4)
    cls = localiser(name)
    more = {"common_dim": 24, "projection": 10} if name in ("psp", "vscg") else {}
    net = cls(cls.Config(setting=setting, **SIZES, **more), CLASSES).eval()
    if background_of(net) is not None:
        background_of(net).fill_(0.1)
    return net


def system(teacher: Localiser, **changes) -> PilotAve:
    torch.manual_seed(3)
    return PilotAve(PilotAveConfig(**cut_in_two(teacher) | CODEC | changes), CLASSES).eval()


def clips(count=B) -> Features:
    generator = torch.Generator().manual_seed(5)
    labels = torch.randint(0, len(CLASSES), (count, T), generator=generator)
    visual = torch.randn(count, T, 5, 6, 40, generator=generator).relu()
    audio = torch.randn(count, T, 24, generator=generator)
    return Features(audio, visual, labels, labels[:, 0])


class Given(torch.nn.Module):
    """In the place of a layer: what it is to give, whatever it is asked."""

    def __init__(self, value):
        super().__init__()
        self.value = value

    def forward(self, _):
        return self.value


@pytest.mark.parametrize(("name", "setting"), PAIRS)
def test_with_what_the_localiser_has_the_receiver_decides_as_the_localiser(name, setting):
    teacher, some = taught(name, setting), clips()
    net = system(teacher)
    net.start_from(teacher)
    audio, *seen = teacher.given(some.audio, some.visual)
    receiver = net.receiver
    if name == "coattention":
        receiver.audio_decoder = Given(audio)
        receiver.parts = torch.nn.ModuleDict(
            {part: Given(value) for part, value in zip(receiver.parts, seen, strict=True)}
        )
    else:
        receiver.decoders = torch.nn.ModuleDict({"audio": Given(audio), "video": Given(*seen)})
    with torch.inference_mode():
        logits, extras = net.receive(torch.zeros(B, 2, T, 11, dtype=torch.complex64),
                                     torch.zeros(B, 2))  # fmt: skip
        torch.testing.assert_close(logits, teacher(some.audio, some.visual)[0])
    for found, wanted in zip(extras["given"], [audio, *seen], strict=True):
        assert torch.equal(found, wanted)


@pytest.mark.parametrize(("name", "setting"), PAIRS)
def test_the_terminal_looks_where_the_localiser_looks(name, setting):
    teacher, some = taught(name, setting), clips()
    net = system(teacher)
    net.start_from(teacher)
    net.video_terminal.hearing = Given(teacher.given(some.audio, some.visual)[0])
    heard = torch.ones(B, T, 11, dtype=torch.complex64)
    with torch.inference_mode():
        found = net.guide(some.visual, heard)
        torch.testing.assert_close(found, teacher.attend(some.visual, some.audio)[1])


@pytest.mark.parametrize(("name", "setting"), PAIRS)
def test_what_is_left_to_learn_is_the_codec(name, setting):
    teacher = taught(name, setting)
    net = system(teacher)
    taken = {".".join(place.split(".")[:2]) for place in net.start_from(teacher)}
    left = {".".join(place.split(".")[:2]) for place in net.state_dict()} - taken
    decoders = {"decoders"}
    if name == "coattention":
        decoders = {"audio_decoder", "video_decoder", "parts", "line"}
    terminals = {"audio": ("semantic", "channel", "line"), "video": ("channel", "hearing")}
    assert left == {f"receiver.{part}" for part in decoders} | {
        f"{name}_terminal.{part}" for name, parts in terminals.items() for part in parts
    }


def test_regression_counts_in_units_of_the_power_that_is_wanted():
    rng = np.random.default_rng(1)
    found, wanted = ([rng.normal(0, s, (2, T, d)) for s, d in ((1, 5), (30, 8))] for _ in range(2))
    each = [((x - y) ** 2).mean() / (y**2).mean() for x, y in zip(found, wanted, strict=True)]
    tensors = ([torch.tensor(x) for x in side] for side in (found, wanted))
    assert float(losses.regression(*tensors)) == pytest.approx(np.mean(each))


class Few:
    """Three clips of these sizes, as a set."""

    name, classes, ids = "few", CLASSES, ("one", "two", "three")

    def __len__(self):
        return B

    def audio(self, i):
        return clips().audio[i].numpy()

    def visual(self, i):
        return clips().visual[i].numpy()

    def labels(self, i):
        return clips().labels[i].numpy()


def recipe(teacher, **changes) -> EventsOverLink:
    config = LinkConfig(epochs=2, batch=4, seed=5, learning_rate=5e-3, warm_start="x", **changes)
    some = {split: clips(12) for split in ("train", "val", "test")}
    made = EventsOverLink(system(teacher), config, some)
    made.begin_with(teacher)
    return made


@pytest.mark.parametrize("frozen", [True, False])
def test_frozen_weights_stay_and_the_others_learn(frozen, tmp_path):
    teacher = taught("vscg", "sel")
    made = recipe(teacher, frozen=frozen)
    before = {name: value.clone() for name, value in made.model.state_dict().items()}
    Loop(made, tmp_path).train_epoch()
    after = made.model.state_dict()
    same = {name for name in before if torch.equal(before[name], after[name])}
    assert same == (set(made.taken) if frozen else set())
    assert set(made.kept_as_is) == (set(made.taken) if frozen else set())


def test_the_teacher_s_features_pull(tmp_path):
    """With the regression alone, what is decoded comes nearer to what the localiser had."""
    teacher = taught("avel", "sel")
    distances = []
    for weight in (0.0, 50.0):
        made = recipe(teacher, frozen=True, regress=weight)
        loop = Loop(made, tmp_path)
        for _ in range(12):
            loop.train_epoch()
        some = made.features["train"]
        taken = {"audio": some.audio, "video": some.visual}
        db = torch.full((12,), 20.0)
        with torch.inference_mode():
            extras = TorchLink("awgn").run(made.model.eval(), taken, db, db, torch.arange(12))[1]
            wanted = teacher.given(some.audio, some.visual)
            distances.append(float(losses.regression(extras["given"], wanted)))
    assert distances[1] < 0.6 * distances[0]


def test_background_over_several_links_is_cut_where_most_segments_come_right():
    net, some = system(taught("vscg", "wsel")), clips(9)
    links = [TorchLink(channel, seed=2) for channel in ("awgn", "rayleigh")]
    best = choose_background(net, some, links, [-5.0, 10.0])
    snr = torch.tensor([-5.0, 10.0])[torch.arange(9) % 2]
    taken = {"audio": some.audio, "video": some.visual}
    with torch.inference_mode():
        said = [link(net, taken, snr, snr, torch.arange(9))[..., :-1] for link in links]
    score, event = (torch.stack(x).flatten() for x in zip(*(s.max(-1) for s in said), strict=True))
    truth = some.labels.flatten().repeat(2)

    def right(cut):
        return float((torch.where(score >= cut, event, 5) == truth).float().mean())

    assert best == pytest.approx(max(right(cut) for cut in [*score.tolist(), 1e9]))
    assert right(float(background_of(net))) == pytest.approx(best)


# --- the linear code that it starts from ----------------------------------------------------------


@pytest.mark.parametrize("reals", [4, 16, 30])
def test_principal_components_leave_what_the_others_hold(reals):
    rng = np.random.default_rng(7)
    wanted = rng.normal(size=(400, 16)) @ rng.normal(size=(16, 16)) + 5
    codes, back = linear_codec.principal(torch.tensor(wanted).float(), reals)
    assert codes.shape == (400, reals) and back.shape == (16, reals + 1)
    assert float(codes.square().sum(1).mean()) == pytest.approx(reals / 2, rel=5e-3)
    found = (codes @ back[:, :-1].T + back[:, -1]).numpy()
    spread = np.linalg.svd(wanted - wanted.mean(0), compute_uv=False) ** 2
    left = ((found - wanted) ** 2).sum()
    assert left == pytest.approx(spread[reals:].sum(), rel=1e-3, abs=1e-2)
    power = codes.var(0)[: min(reals, 16)].numpy()  # of each component, as its deviation
    np.testing.assert_allclose(power / power[0], np.sqrt(spread / spread[0])[:reals], rtol=1e-3)


def test_least_squares_are_those_of_numpy():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=(90, 7)) + 2, rng.normal(size=(90, 3))
    wanted = np.linalg.lstsq(np.c_[x, np.ones(90)], y, rcond=None)[0].T
    found = linear_codec.fitted(torch.tensor(x), torch.tensor(y))
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_features_that_are_always_zero_get_no_weight():
    x = torch.cat([torch.randn(50, 3), torch.zeros(50, 1)], 1)
    found = linear_codec.fitted(x, 2 * x[:, :1])
    torch.testing.assert_close(found, torch.tensor([[2.0, 0, 0, 0, 0]]), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("name", "setting"), PAIRS)
def test_the_codec_starts_as_what_the_localiser_has(name, setting):
    """With as many numbers as features, the linear layers give back all of the sound, and of the
    picture all but what hearing the sound over a link changes in where the terminal looks."""
    teacher, some = taught(name, setting), clips(12)
    net = system(teacher, symbols=60)
    net.start_from(teacher)
    linear_codec.start_codec(net, teacher, some)
    with torch.inference_mode():
        sound, *picture = teacher.given(some.audio, some.visual)
        code = net.audio_terminal.line(some.audio)
        decoder, line, _ = net.receiver.lines()
        torch.testing.assert_close(decoder(code), sound, rtol=1e-3, atol=1e-3)
        torch.testing.assert_close(net.video_terminal.hearing(code), sound, rtol=1e-3, atol=1e-3)
        seen = net.video_terminal.attend(some.visual, net.encode_audio(some.audio))[0]
        found, wanted = line(net.video_terminal.channel(seen)), torch.cat(picture, -1)
        error = (found - wanted).square().mean() / wanted.var((0, 1)).mean()
        assert float(error) < 0.05


def test_what_never_changes_is_known_without_being_sent():
    teacher, some = taught("coattention", "sel"), clips(12)
    some.visual[:] = some.visual[0, 0]
    net = system(teacher, symbols=60)
    net.start_from(teacher)
    linear_codec.start_codec(net, teacher, some)
    with torch.inference_mode():
        pooled = teacher.given(some.audio, some.visual)[2]
        silent = torch.zeros(1, 2, T, 60, dtype=torch.complex64)
        found = net.receive(silent, torch.zeros(1, 2))[1]["given"][2]
    torch.testing.assert_close(found, pooled[:1], rtol=1e-2, atol=1e-3)


# --- shared weights -------------------------------------------------------------------------------


@pytest.fixture
def pair(tmp_path):
    """A localiser's checkpoint, and beside it one of pilot_ave that shares its weights."""
    teacher = taught("vscg", "wsel")
    net = system(teacher)
    taken = net.start_from(teacher)
    first, whole = tmp_path / "localiser.safetensors", tmp_path / "whole.safetensors"
    store.save(first, teacher, variant="wsel", data="few")
    store.save(whole, net, variant="full", data="few")
    with safe_open(whole, framework="pt") as file:
        header = json.loads(file.metadata()[store.KEY])
    own, header[store.SHARED] = store.without(load_file(whole), first, taken)
    assert not set(own) & set(taken)
    store.write(tmp_path / "part.safetensors", own, {store.KEY: json.dumps(header)})
    return tmp_path / "part.safetensors", first, whole


def test_shared_weights_are_those_of_the_whole_checkpoint(pair):
    part, _, whole = pair
    assert part.stat().st_size < 0.8 * whole.stat().st_size
    found, wanted = (load_any(path).state_dict() for path in (part, whole))
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_eight_bits_are_shared_with_their_scales(tmp_path):
    wide = {"a": torch.randn(40, 40), "b": torch.randn(40, 40)}
    eight = store.eight_bits(wide)
    other = tmp_path / "o.safetensors"
    store.write(other, {"b": torch.zeros(1)}, {})
    own, told = store.without(eight, other, {"a": "b"})
    assert set(own) == {"b", "b.scale"}
    assert told["file"] == "o.safetensors"


def test_what_is_beside_is_looked_after(pair):
    part, first, _ = pair
    moved = first.rename(first.with_name("gone"))
    with pytest.raises(
        SemcomError, match=r"part.*localiser.safetensors; put that file into the same folder"
    ):
        load_any(part)
    assert store.read_header(part)["system"] == "pilot_ave"
    moved.rename(first)
    store.save(first, taught("vscg", "sel"), variant="sel", data="few")
    with pytest.raises(SemcomError, match="another one now"):
        load_any(part)


@pytest.mark.parametrize(
    "told", [None, [], {"file": "../x", "tensors": {}}, {"file": "x", "tensors": {"a": 3}}]
)
def test_a_header_that_names_nothing_is_one_line(pair, told):
    part = pair[0]
    with safe_open(part, framework="pt") as file:
        header = json.loads(file.metadata()[store.KEY]) | {store.SHARED: told}
    store.write(part, load_file(part), {store.KEY: json.dumps(header)})
    with pytest.raises(SemcomError, match="names no file and tensors"):
        load_any(part)


# --- the job --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("system_name", "more", "words"),
    [
        ("pilot_ave_plus", {}, "starts a new pilot_ave"),
        ("pilot_ave", {"init": "y"}, "another system, --init or no_estimation"),
        ("pilot_ave", {"network": {"spatial": "map"}}, "spatial map: vscg.safetensors has weights"),
        ("pilot_ave", {"network": {"decoder": "avel"}}, "decoder avel: vscg.safetensors has vscg"),
    ],
)
def test_what_cannot_start_warm_is_one_line(system_name, more, words, tmp_path):
    path = tmp_path / "vscg.safetensors"
    store.save(path, taught("vscg", "sel"), variant="sel", data="few")
    job = Job(system_name, "full", tmp_path / "out", **more)
    with pytest.raises(SemcomError, match=words):
        train(EventsOverLink, job, LinkConfig(warm_start=str(path)))


def test_the_checkpoint_says_what_was_taken_and_names_no_folder(tmp_path, monkeypatch):
    path = tmp_path / "avel.safetensors"
    store.save(path, taught("avel", "wsel"), variant="wsel", data="few")
    monkeypatch.setattr("gnuradio.semcom.training.recipes.clips.open_set", lambda *_: Few())
    network = {name: value for name, value in CODEC.items() if name not in SIZES}
    job = Job("pilot_ave", "full", tmp_path / "out", network=network)
    train(EventsOverLink, job, LinkConfig(warm_start=str(path), epochs=1, frozen=True))
    made = tmp_path / "out" / "pilot_ave-full-few-avel-wsel-11.safetensors"
    header = store.read_header(made)
    start = header["warm_start"]
    assert (start["file"], start["sha256"]) == ("avel.safetensors", sha256(path))
    assert (
        start["taken"]["receiver.recurrent.0.lstm.weight_ih_l0"] == "audio_lstm.lstm.weight_ih_l0"
    )
    assert set(start["taken"]) - set(start["frozen"]) == {"receiver.fusion.head.background"}
    assert str(tmp_path) not in json.dumps(header)
    card = made.with_suffix(".md").read_text()
    assert "| started from | `avel.safetensors`: receiver.fusion, receiver.recurrent, " in card
    frozen, first = load_any(made).state_dict(), load_any(path).state_dict()
    for own, theirs in start["frozen"].items():
        torch.testing.assert_close(frozen[own], first[theirs])


def test_a_localiser_of_other_sizes_is_one_line(tmp_path, monkeypatch):
    path = tmp_path / "avel.safetensors"
    store.save(path, taught("avel", "sel"), variant="sel", data="few")
    wide = Few()
    wide.audio = lambda i: np.zeros((T, 25), np.float32)
    monkeypatch.setattr("gnuradio.semcom.training.recipes.clips.open_set", lambda *_: wide)
    job = Job("pilot_ave", "full", tmp_path / "out", network={"symbols": 11})
    with pytest.raises(SemcomError, match=r"--warm-start avel.safetensors: made for audio feat"):
        train(EventsOverLink, job, LinkConfig(warm_start=str(path)))


def test_what_stayed_as_it_was_is_shipped_once(tmp_path, program):
    first = tmp_path / "models" / "avel.safetensors"
    first.parent.mkdir()
    store.save(first, taught("avel", "sel"), variant="sel", data="few")
    made = recipe(taught("avel", "sel"), frozen=True)
    made.source = {"file": first.name, "sha256": sha256(first)}
    path = tmp_path / "net.safetensors"
    store.save(path, made.model, variant="full", data="few", **made.header())
    path.with_suffix(".md").write_text("| size | ? |\n")
    done = program("tools/ship.py", path, "--out", first.parent)
    assert done.returncode == 0, done.stderr
    shipped = first.with_name("net.safetensors")
    assert set(load_file(shipped)) & set(made.taken) == set()
    assert "beside it avel.safetensors |" in shipped.with_suffix(".md").read_text()
    found, wanted = load_any(shipped).state_dict(), made.model.state_dict()
    for name, value in wanted.items():
        torch.testing.assert_close(found[name], value, rtol=0.01, atol=0.02)
    store.save(first, taught("avel", "wsel"), variant="wsel", data="few")
    done = program("tools/ship.py", path, "--out", first.parent)
    assert done.returncode == 2 and "started from another avel.safetensors" in done.stderr


def test_only_a_localiser_starts_it(tmp_path):
    path = tmp_path / "net.safetensors"
    store.save(path, system(taught("avel", "sel")), variant="full", data="few")
    job = Job("pilot_ave", "full", tmp_path / "out")
    with pytest.raises(SemcomError, match=r"net.safetensors: holds pilot_ave, expected a local"):
        train(EventsOverLink, job, LinkConfig(warm_start=str(path)))


def test_weak_labels_tell_nothing_of_where_to_exchange():
    net = system(taught("avel", "wsel"))
    some = {split: clips() for split in ("train", "val", "test")}
    with pytest.raises(SemcomError, match="^exchange: knows where"):
        EventsOverLink(net, LinkConfig(exchange=0.3), some)


def test_weak_psp_is_the_localiser_s():
    with pytest.raises(SemcomError, match="give decoder psp_localiser"):
        PilotAveConfig(decoder="psp", setting="wsel")
    with pytest.raises(SemcomError, match="setting 'cml'"):
        dataclasses.replace(PilotAveConfig(), decoder="avel", setting="cml")
