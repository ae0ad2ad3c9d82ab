# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Losses against plain loops, augmentation, the trainer's resume, and the program."""

import copy
import json
import signal
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from conftest import run_program, start_program
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data import synthetic
from gnuradio.semcom.data.tensors import Features
from gnuradio.semcom.nets.pilot_ave import PilotAve, PilotAveConfig
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlus, PilotAvePlusConfig
from gnuradio.semcom.nets.topology import Terminal, Topology
from gnuradio.semcom.systems.registry import LOCALISERS
from gnuradio.semcom.training import losses, recipes
from gnuradio.semcom.training.augment import Augment
from gnuradio.semcom.training.evaluate import accuracy
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import LinkConfig
from gnuradio.semcom.training.recipes.events import EventsOverLink, validated_lengths
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import models_folder

T, D_A, D_V, CLASSES = 7, 24, 40, 6
SYSTEM = PilotAveConfig(
    audio_dim=D_A, visual_dim=D_V, height=2, width=3, symbols=4, audio_lstm=6, audio_channel=6,
    attention_width=6, attention_hidden=5, video_channel=6, audio_decoder=6, video_decoder=6,
    common_dim=6, recurrent=4, classifier=8,
)  # fmt: skip
QUICK = LinkConfig(epochs=3, batch=4, seed=5, exchange=0.5, mismatch=0.5)


def system(**changes):
    torch.manual_seed(0)
    return PilotAve(replace(SYSTEM, **changes), [f"event {c}" for c in range(CLASSES)])


def features_of(audio, visual, labels):
    """Features whose clip labels are those of their first event."""
    happens = labels != CLASSES - 1
    first = labels.gather(1, happens.int().argmax(1, keepdim=True))[:, 0]
    return Features(audio, visual, labels, torch.where(happens.any(1), first, CLASSES - 1))


def features(count=10, seed=0):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(0, CLASSES, (count, T), generator=generator)
    labels[::2] = labels[::2, :1] % (CLASSES - 1)  # every second clip is one event throughout
    visual = torch.rand(count, T, 2, 3, D_V, generator=generator).half()
    return features_of(torch.randn(count, T, D_A, generator=generator), visual, labels)


# --- augmentation ---------------------------------------------------------------------------------


def coded_clips():
    """Four clips of events 0, 0, 1, 1 from segment 2 to 5, background, and event 2 alone of its
    kind; the first feature of sound and picture is 10 clip + event happens."""
    labels = torch.full((6, T), 5)
    for clip, event in ((0, 0), (1, 0), (2, 1), (3, 1), (5, 2)):
        labels[clip, 2:6] = event
    code = 10.0 * torch.arange(6)[:, None] + (labels != 5)
    audio = code[..., None].expand(6, T, D_A).clone()
    visual = code[..., None, None, None].expand(6, T, 2, 3, D_V).half()
    return features_of(audio, visual, labels)


def batches(augment, count=50):
    """The codes of sound and picture of each segment, and its label, of many batches."""
    torch.manual_seed(0)
    for _ in range(count):
        audio, visual, labels = augment.batch(torch.arange(6))
        yield audio[..., 0].long(), visual[..., 0, 0, 0].long(), labels


def test_exchange_takes_the_event_of_another_clip_of_its_kind():
    clips = coded_clips()
    sounds = pictures = 0
    for audio, visual, labels in batches(Augment(clips, background=5, exchange=0.5)):
        assert torch.equal(labels, clips.labels)
        for code in (audio, visual):
            assert torch.equal(code % 10, clips.audio[..., 0].long() % 10)  # event for event
            source, own = code // 10, torch.arange(6)[:, None]
            assert torch.equal(source[labels == 5], own.expand(6, T)[labels == 5])
            assert torch.equal(source[5], own[5].expand(T))
            kind = clips.labels[:, 3]
            assert torch.equal(kind[source[:4, 3]], kind[:4])
        sounds += int((audio[:4, 3] // 10 != torch.arange(4)).sum())
        pictures += int((visual[:4, 3] // 10 != torch.arange(4)).sum())
    for exchanged in (sounds, pictures):  # 200 draws, half of them exchange, half of those differ
        assert 30 < exchanged < 70
    torch.testing.assert_close(clips.audio, coded_clips().audio)  # the set stays as it is


def test_mismatch_makes_background_at_one_end_of_the_event():
    clips = coded_clips()
    heads = tails = sounds = pictures = 0
    for audio, visual, labels in batches(Augment(clips, background=5, mismatch=0.5)):
        own = torch.arange(6)[:, None].expand(6, T)
        foreign = [(code // 10 != own) for code in (audio, visual)]
        lost = (clips.labels != 5) & (labels == 5)
        assert torch.equal(foreign[0] | foreign[1], lost)
        assert not (foreign[0].any(1) & foreign[1].any(1)).any()
        kept = labels[[0, 1, 2, 3, 5]] != 5
        assert kept.any(1).all()
        assert (kept.int().diff(dim=1).abs().sum(1) == 2).all()  # still one run
        heads += int(lost[:, 2].sum())
        tails += int(lost[:, 5].sum())
        sounds += int(foreign[0].any(1).sum())
        pictures += int(foreign[1].any(1).sum())
    for count in (heads, tails, sounds, pictures):  # 250 draws, a quarter each
        assert 40 < count < 85


def test_a_rival_stands_beside_the_event_in_every_second():
    """Of three columns the clip's own keep two, the rival gets one, on one side of all seconds."""
    clips = coded_clips()
    kind, whole = clips.labels[:, 3], clips.visual.expand(6, T, 2, 3, D_V)
    place = torch.arange(3).half() / 16
    clips = replace(clips, visual=whole + place[:, None])
    augment = Augment(clips, background=5, rivals=0.5)
    torch.manual_seed(0)
    sides = {"left": 0, "right": 0}
    for _ in range(50):
        _, visual, labels = augment.batch(torch.arange(6))
        assert torch.equal(labels, clips.labels)
        for clip in range(6):
            shown, own = visual[clip], augment.own[clip].tolist()
            if all(own):
                assert torch.equal(shown, clips.visual[clip])
                continue
            sides["left" if own[0] else "right"] += 1
            assert own in ([True, True, False], [False, True, True])
            assert torch.equal(shown[:, :, own], clips.visual[clip][:, :, [0, 2]])
            rival = shown[:, :, own.index(False)]
            assert rival.unique().numel() == 1  # the same all the time
            donor, rest = divmod(rival.unique().item(), 10)
            assert rest == 1 + 1 / 16  # the middle column of a second with its event
            assert kind[int(donor)] not in (kind[clip], 5)
    assert 90 < sum(sides.values()) < 160  # 250 draws of clips with an event, half of them
    assert min(sides.values()) > 35


def test_gaze_is_the_mean_log_share_on_what_is_heard():
    generator = torch.Generator().manual_seed(0)
    attention = torch.rand(3, 4, 2, 3, generator=generator)
    attention /= attention.sum((2, 3), keepdim=True)
    own = torch.tensor([[True, True, False], [True, True, True], [False, True, True]])
    happens = torch.rand(3, 4, generator=generator) < 0.6
    terms = [
        -np.log(sum(attention[b, t, i, j].item() for i in range(2) for j in range(3) if own[b, j]))
        for b in (0, 2)  # the second clip has no rival
        for t in range(4)
        if happens[b, t]
    ]
    assert len(terms) > 1
    found = losses.gaze(attention, own, happens).item()
    assert found == pytest.approx(np.mean(terms), rel=1e-5)
    assert losses.gaze(attention, own | True, happens).item() == 0


def test_gaze_adds_to_the_loss_of_a_batch_with_rivals():
    found = {}
    for gaze in (0.0, 0.5):
        made = recipe(system(dropout=0.0), rivals=1.0, gaze=gaze, exchange=0, mismatch=0)
        torch.manual_seed(4)
        found[gaze] = made.loss((0, torch.arange(6)), "model").item()
    more = (found[0.5] - found[0.0]) / 0.5
    assert 0.0 < more < 1.5  # untrained: about minus the logarithm of two of three columns
    with pytest.raises(SemcomError, match="gaze: has no effect without clips with rivals"):
        LinkConfig(gaze=0.5)


def test_each_batch_of_a_nested_network_draws_a_length():
    sizes = dict(audio_dim=D_A, visual_dim=D_V, height=2, width=3, hidden=8, attention_hidden=6)
    names = [f"event {c}" for c in range(CLASSES)]
    net = PilotAvePlus(PilotAvePlusConfig(**sizes, symbols=16, nested=True), names)
    made, drawn = recipe(net), []
    torch.manual_seed(0)
    for _ in range(30):
        made.loss((0, torch.arange(2)), "model")
        drawn.append(net.symbols)
    assert {n: drawn.count(n) > 3 for n in (4, 8, 16)} == {4: True, 8: True, 16: True}


def gated_network(gated=True):
    sizes = dict(audio_dim=D_A, visual_dim=D_V, height=2, width=3, hidden=8, attention_hidden=6)
    names = [f"event {c}" for c in range(CLASSES)]
    return PilotAvePlus(PilotAvePlusConfig(**sizes, symbols=32, nested=True, gated=gated), names)


def test_half_of_the_batches_of_a_gated_network_have_lengths_by_content():
    net, drawn = gated_network(), []
    made = recipe(net)
    torch.manual_seed(0)
    for _ in range(60):
        made.loss((0, torch.arange(2)), "model")
        drawn.append((net.symbols, net.lengths.share if net.lengths else None))
    shares = [share for _, share in drawn if share is not None]
    assert 20 <= len(shares) <= 40 and min(shares) > 0 and 0.4 < max(shares) <= 0.6
    assert {n for n, share in drawn if share} == {4, 8}
    assert {n for n, share in drawn if not share} == {4, 8, 16, 32}
    assert validated_lengths(net) == [(4,), (8,), (16,), (32,), (4, 0.3), (8, 0.3)]
    assert validated_lengths(gated_network(False)) == [(4,), (8,), (16,), (32,)]


def test_gates_begin_anew_in_a_network_that_had_none():
    first, net = gated_network(False), gated_network()
    gates = {name: value.clone() for name, value in net.state_dict().items() if ".gate." in name}
    net.load_state_dict(EventsOverLink.taken_over(first, net))
    assert len(gates) == 6
    for name, value in net.state_dict().items():
        assert torch.equal(value, gates.get(name, first.state_dict().get(name))), name


def test_nothing_is_augmented_unless_asked():
    clips = features()
    audio, visual, labels = Augment(clips, background=5).batch(torch.arange(10))
    torch.testing.assert_close(audio, clips.audio)
    torch.testing.assert_close(labels, clips.labels)
    assert torch.equal(visual, clips.visual)


# --- evaluation, and the recipe of events in the loop ---------------------------------------------


class Parrot(torch.nn.Module):
    """A system that sends each segment's class in the first audio feature."""

    terminals = ("audio",)
    topology = Topology((Terminal("audio", "audio"),))
    ragged = False

    def __init__(self):
        super().__init__()
        self.unused = torch.nn.Parameter(torch.zeros(1))

    def send(self, terminal, taken, heard):
        return taken[..., 0].to(torch.complex64)

    def understand(self, symbols, noise):
        said = symbols[:, 0].real.round().long()
        return torch.nn.functional.one_hot(said, CLASSES).float(), {}


def test_accuracy_counts_the_segments_named_right():
    clips = features()
    clips.audio[..., 0] = clips.labels
    net, link = Parrot().train(), TorchLink("none")
    assert accuracy(net, clips, link, batch=3) == 1
    clips.audio[:4, :3, 0] = (clips.labels[:4, :3] + 1) % CLASSES
    assert accuracy(net, clips, link, batch=3) == pytest.approx(1 - 12 / 70)
    assert net.training


def recipe(net=None, **changes):
    """Events over a link on ten clips, validated on four others."""
    clips = {"train": features(), "val": features(4, seed=1)}
    return EventsOverLink(net or system(), replace(QUICK, **changes), clips)


def run_epochs(loop, count):
    for _ in range(count):
        loop.train_epoch()
        loop.validate()
        loop.epoch += 1
        loop.save()


def test_a_resumed_run_ends_where_an_unbroken_one_does(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    unbroken = Loop(recipe(), tmp_path / "a")
    run_epochs(unbroken, 3)
    first = Loop(recipe(), tmp_path / "b")
    assert not first.resume()
    run_epochs(first, 1)
    second = Loop(recipe(), tmp_path / "b")
    assert second.resume()
    assert second.epoch == 1
    run_epochs(second, 2)
    assert second.finished()
    assert second.best == unbroken.best
    for name, tensor in unbroken.recipe.model.state_dict().items():
        torch.testing.assert_close(second.recipe.model.state_dict()[name], tensor)
    with pytest.raises(SemcomError, match="training with other options"):
        Loop(recipe(seed=6), tmp_path / "b").resume()


def test_what_is_tested_is_the_running_average_of_the_weights(tmp_path):
    loop = Loop(recipe(variant="error_free", average=0.5, batch=5), tmp_path)
    states = []
    loop.train_epoch(lambda _: states.append(copy.deepcopy(loop.recipe.model.state_dict())))
    name = "receiver.classifier.0.weight"
    expected = 0.5 * states[0][name] + 0.5 * states[1][name]  # two steps; the first starts it
    torch.testing.assert_close(loop.averaged.module.state_dict()[name], expected)
    loop.validate()
    torch.testing.assert_close(loop.best_weights[name], expected)


def test_training_lowers_the_loss(tmp_path):
    quiet = dict(variant="error_free", exchange=0, mismatch=0, auxiliary=0.0)
    loop = Loop(recipe(system(dropout=0.0), epochs=12, **quiet), tmp_path)
    history = []
    for epoch in range(12):
        loop.epoch = epoch
        history.append(loop.train_epoch())
    assert history[-1] < 0.9 * history[0]


def test_without_estimation_the_transmitters_are_frozen(tmp_path):
    net = system()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    Loop(recipe(net, variant="no_estimation"), tmp_path).train_epoch()
    for name, tensor in net.state_dict().items():
        if name.startswith("receiver.decoders"):
            assert not torch.equal(tensor, before[name])
        elif not name.startswith("receiver"):
            assert torch.equal(tensor, before[name])


@pytest.mark.parametrize(
    ("system", "setting", "kind"),
    [
        ("pilot_ave", "", "events"),
        ("pilot_ave_plus", "", "events"),
        ("m3e_vsc", "", "m3e"),
        ("avel", "", "localisation"),
        ("avel", "wsel", "localisation"),
        ("coattention", "cml", "matching"),
    ],
)
def test_each_system_has_its_recipe(system, setting, kind):
    found = recipes.find(system, setting)
    assert recipes.kind_of(system, setting) == kind
    assert recipes.resolve(recipes.recipes()[kind].recipe) is found


# --- the program ----------------------------------------------------------------------------------


PROGRAM = Path(__file__).resolve().parents[1] / "apps" / "train.py"


def train(*arguments):
    return run_program(PROGRAM, *arguments, env={"OMP_NUM_THREADS": "1"})


SMALL = {
    "pilot_ave": "--audio-lstm 8 --attention-width 8 --video-channel 8 --video-decoder 8",
    "pilot_ave_plus": "--hidden 8 --attention-hidden 8 --symbols 4",
    "avel": "--attention-width 8 --recurrent 4",
    "psp": "--attention-width 8 --recurrent 4",
}


@pytest.mark.parametrize(
    ("system", "variant", "name"),
    [
        ("pilot_ave", "audio_only", "pilot_ave-audio_only-tiny"),
        ("pilot_ave_plus", "full", "pilot_ave_plus-full-tiny-4"),
        ("avel", "sel", "avel-sel-tiny"),
        ("psp", "wsel", "psp-wsel-tiny"),
    ],
)
def test_the_program_trains_and_writes_a_checkpoint(system, variant, name, tmp_path):
    synthetic.write(tmp_path / "tiny", clips=4)
    options = ["--data", tmp_path / "tiny", "--out", tmp_path / "run", "--batch", 2]
    kind = "--setting" if system in LOCALISERS else "--variant"
    options += ["--system", system, kind, variant, *SMALL[system].split()]
    options += [] if system in LOCALISERS else ["--channels", "awgn"]
    done = train(*options, "--epochs", 1)
    assert done.returncode == 0, done.stderr
    header = checkpoint.read_header(tmp_path / "run" / f"{name}.safetensors")
    drawn = None if system in LOCALISERS else ["awgn"]
    assert header["training"].get("channels") == drawn
    assert 8 in header["config"].values()
    measured = {"error_free"} if system in LOCALISERS else {"error_free", "awgn"}
    assert set(header["metrics"]["test"]) == measured
    assert json.dumps(header["metrics"]["validation"]) in done.stdout
    card = (tmp_path / "run" / f"{name}.md").read_text()
    assert f"{header['parameters']:,}" in card
    assert "| clips | 4 train, 4 val, 4 test |" in card
    assert ("| awgn |" in card) == (system not in LOCALISERS)
    assert str(tmp_path) not in card


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--data", "/nowhere"], "no such folder"),
        (["--variant", "no_estimation"], "--init"),
        (
            [
                "--variant",
                "no_estimation",
                "--nested",
                "--gated",
                "--init",
                models_folder() / "pilot_ave_plus-full-synthetic.safetensors",
            ],
            "--gated: no_estimation does not train the gates",
        ),
        (["--init", "/nowhere"], "/nowhere: no such checkpoint"),
        (["--init", models_folder() / "pilot_ave-full-ave28.md"], "not a whole safetensors file"),
        (["--device", "warp"], "'warp': cannot be used"),
        (["--out", "/dev/null/run"], "/dev/null/run: cannot be a folder"),
        (["--variant", "telepathy"], "telepathy"),
        (["--channels", "quantum"], "'quantum': expected some of"),
        (["--detectors", "guess"], "'guess': expected some of"),
        (["--heads", 0], "heads 0: expected at least 1"),
        (["--system", "avel", "--variant", "full"], "avel is a localiser"),
        (["--dropout", 1], "dropout 1.0"),
        (["--audio-dim", 5], "--audio-dim: follows from the data"),
        (
            ["--system", "avel", "--channels", "awgn"],
            "an option of trainings of events",
        ),
        (["--system", "avel", "--setting", "cml", "--exchange", 0.1], "avel has matching"),
        (["--setting", "sel"], "--setting: an option of pilot_ave, avel"),
        (["--batch", 0], "batch 0: expected at least 1"),
        (["--epochs", "many"], "many"),
        (["--learning-rate", "nan"], "'nan' is not a number"),
        (["--hidden", "99999999999"], "'99999999999' is more than 2147483647 in size"),
        (["--seed", str(2**64)], f"'{2**64}' is more than 2147483647"),
        (["--limit", 0], "at least 1"),
    ],
)
def test_the_program_tells_bad_input_in_one_line(arguments, says, tmp_path):
    told_in_one_line(train("--out", tmp_path, "--limit", 2, *arguments), says)


def told_in_one_line(done, says):
    assert done.returncode == 2
    assert says in done.stderr
    assert done.stderr.startswith("train.py: error: ") and done.stderr.count("\n") == 1


def test_the_program_refuses_nan_features(tmp_path):
    synthetic.write(tmp_path / "tiny", clips=2)
    with h5py.File(tmp_path / "tiny" / "audio_feature.h5", "r+") as file:
        file["avadataset"][0, 0, 0] = np.nan
    done = train("--data", tmp_path / "tiny", "--out", tmp_path / "run")
    told_in_one_line(done, "holds NaN")


def test_the_program_refuses_half_a_training_state(tmp_path):
    (tmp_path / "state.pt").write_bytes(b"PK half")
    done = train("--out", tmp_path, "--limit", 2, "--batch", 2)
    told_in_one_line(done, "not a complete training state")


def test_ctrl_c_ends_a_training_in_one_line(tmp_path):
    training = start_program(PROGRAM, "--out", tmp_path, "--limit", "4", "--patience", "999")
    while "epoch 0" not in training.stdout.readline():
        assert training.poll() is None
    training.send_signal(signal.SIGINT)
    _, told = training.communicate(timeout=120)
    assert training.returncode == 130
    assert told == "train.py: stopped; the same command continues after the last epoch\n"
