# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The training of m3e_vsc: what it draws, its losses, every part in a few steps of drawn pictures
and sounds, and its resume."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.options import check_given, used
from gnuradio.semcom.data.clipset import AVE_CLASSES, SPLITS
from gnuradio.semcom.data.descriptions import KINDS, VOCABULARY, parsed, text
from gnuradio.semcom.nets.configs import M3EConfig
from gnuradio.semcom.nets.hearing import Hearing
from gnuradio.semcom.nets.m3e.networks import PAD, UNTOLD
from gnuradio.semcom.nets.m3e.sound import grain
from gnuradio.semcom.systems.m3e_vsc import M3EVSC
from gnuradio.semcom.training import air, key_frames
from gnuradio.semcom.training.job import Job, origin_of, train
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.m3e import checked, differences, library, sentences
from gnuradio.semcom.training.m3e import text as text_part
from gnuradio.semcom.training.m3e.adversary import AHEAD, Adversary, hinge
from gnuradio.semcom.training.m3e.codebooks import Codebooks
from gnuradio.semcom.training.m3e.differences import Differences
from gnuradio.semcom.training.m3e.media import Pictures, Sounds
from gnuradio.semcom.training.options import M3E_PARTS, M3ETraining
from gnuradio.semcom.training.precision import autocast
from gnuradio.semcom.training.recipes import m3e as recipe
from gnuradio.semcom.training.recipes.m3e import M3E
from gnuradio.semcom.weights import store

TINY = dict(
    width=8, heads=2, hidden=12, layers=1, codes=8, stages=2, picture_dim=4, picture_symbols=3,
    sound_dim=4, sound_symbols=2, text_symbols=120,
)  # fmt: skip
QUICK = M3ETraining(steps=4, batch=3, channels=("awgn", "rayleigh"))


@pytest.fixture(scope="module")
def medium():
    """Pictures and sounds of two events, drawn once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(library.DrawnMaterial, "events", lambda self: [2, 6])
        found = {
            kind: {split: library.library(None, split, kind, 2) for split in SPLITS}
            for kind in ("image", "audio")
        }
    torch.manual_seed(0)
    hearing = Hearing(len(AVE_CLASSES))
    made = {
        "image": Pictures(
            {split: recipe.Stills(each) for split, each in found["image"].items()},
            recipe.picture_recogniser(),
        ),
        "audio": Sounds({split: each.sounds for split, each in found["audio"].items()}, hearing),
    }
    return lambda job, kind: made[kind]


@pytest.fixture
def small(monkeypatch, medium):
    """Few examples of everything."""
    monkeypatch.setattr(recipe, "medium", medium)
    monkeypatch.setattr(recipe, "VALIDATE_EVERY", 2)
    monkeypatch.setattr(recipe, "similarity", lambda: lambda one, other: float(one == other))
    monkeypatch.setattr(sentences, "EACH", 2)
    monkeypatch.setattr(text_part, "FITTED", 4)
    monkeypatch.setattr(checked, "CLIPS", 3)
    monkeypatch.setattr(differences, "EXAMPLES", 64)
    monkeypatch.setattr(recipe, "_frames", lambda job, seed: frames())


def frames():
    rng = np.random.default_rng(0)
    kinds = ({event: rng.dirichlet(np.ones(29), (2, 3)) for event in (2, 6)} for _ in range(2))
    made = key_frames.KeyFrames(*kinds)
    return dict.fromkeys(SPLITS, made)


def networks(**changes):
    torch.manual_seed(1)
    return M3EVSC(M3EConfig(**TINY | changes), VOCABULARY)


# --- what is drawn ---


@pytest.mark.parametrize("what", ["seen", "heard"])
def test_sentences_of_a_class_say_that_it_is_seen_or_heard(what, monkeypatch):
    monkeypatch.setattr(sentences, "EACH", 3)
    rows = sentences.of_classes(what)
    assert rows.shape == (29, 3, 18) and torch.equal(rows, sentences.of_classes(what))
    for kind, some in zip(KINDS, rows, strict=True):
        assert all(getattr(parsed(text(row.tolist())), what) == kind for row in some)
    assert len({text(row.tolist()) for row in rows.flatten(0, 1)}) > 60


def test_signal_to_noise_ratios_are_within_the_range_and_mostly_in_focus():
    torch.manual_seed(0)
    config = M3ETraining(part="text").of("text")
    drawn = air.drawn_snr(config, 20000, 0.5)
    assert drawn.min() >= -6 and drawn.max() <= 18
    share = ((drawn >= -4) & (drawn <= 4)).float().mean()
    assert share == pytest.approx(0.5 + 0.5 * 8 / 24, abs=0.02)
    links = [air.drawn_link(config) for _ in range(300)]
    assert {link.detector for link in links} == {"zf", "lmmse"}
    assert np.mean([link.channel == "awgn" for link in links]) == pytest.approx(2 / 3, abs=0.1)


def test_texts_are_left_out_lost_or_mistaken_as_often_as_is_said(small, medium):
    part = Differences(networks(), QUICK.of("link"), medium(None, "image"))
    torch.manual_seed(0)
    classes = torch.full((4000,), 2)
    said = part._said(classes)
    silent, lost = (~(rows != PAD).any(1) for rows in (said.sent, said.read))
    assert silent.float().mean() == pytest.approx(0.15, abs=0.02) and (lost | ~silent).all()
    assert (lost & ~silent).float().mean() == pytest.approx(0.1, abs=0.02)
    assert torch.equal(lost, said.told == UNTOLD)
    other = ~lost & (said.told != 2)
    assert other.float().mean() == pytest.approx(0.05 * 28 / 29, abs=0.01)
    assert said.coded.float().mean() == pytest.approx(0.12, abs=0.02)
    same = ~lost & ~other
    assert torch.equal(said.sent[same], said.read[same])
    assert torch.equal(said.sent_codes[same], said.read_codes[same])
    own = networks().pictures
    rows = said.read[other][:1]
    assert torch.equal(own.generator.generate(own.words(rows)), said.read_codes[other][:1])


# --- losses ---


def test_the_discriminator_is_told_apart_by_the_hinge_loss_and_counts_late():
    """Eqs. 11 and 12, resolved."""
    real, shown = torch.tensor([2.0, 0.5, -1.0]), torch.tensor([-3.0, 0.0, 0.5])
    assert hinge(real, shown).item() == pytest.approx((0 + 0.5 + 2) / 3 + (0 + 1 + 1.5) / 3)
    torch.manual_seed(0)
    adversary = Adversary(4, 3, 0.2, first=1000)
    maps, other, told = torch.rand(2, 3, 64, 64), torch.rand(2, 3, 64, 64), torch.rand(2, 4)
    maps.requires_grad_()
    assert adversary.against(1000 - AHEAD - 1, other, maps, told) == 0
    assert adversary.loss() is None
    assert adversary.against(1000, other, maps, told) == 0
    assert adversary.loss().item() > 0
    for step, weight in ((1000 + AHEAD // 2, 0.1), (1000 + AHEAD, 0.2), (5000, 0.2)):
        adversary.eval()  # its spectral norms stand still
        wanted = -weight * adversary.discriminator(maps, told).mean().item()
        assert adversary.against(step, other, maps, told).item() == pytest.approx(wanted, rel=1e-5)


def test_sounds_are_compared_by_bands_features_and_class(medium):
    sounds = medium(None, "audio")
    sent, classes = sounds.held["test"]
    assert sent.shape[1:] == (100, 64) and sounds.measured(sent + 0.5, sent) == pytest.approx(0.5)
    spread = torch.full_like(sent, 0.48)  # and 0.02 that is taken for granted
    with torch.no_grad():
        same, shifted = (
            float(sounds.loss((mean, mean, spread), sent, classes, 0, autocast(False)))
            for mean in (sent, sent + 1)
        )
        logits = sounds.hearing(sent)[1].log_softmax(1)
    smooth = 0.95 * logits[range(len(classes)), classes] + 0.05 * logits.mean(1)
    wanted = 0.1 * -smooth.mean().item() + 0.1 * np.log(0.5)
    assert same == pytest.approx(wanted, abs=1e-5)
    assert shifted > same + 1


def test_the_spread_of_sounds_is_the_mean_of_what_the_grain_is_off(medium):
    sounds = medium(None, "audio")
    sent, classes = sounds.held["test"]
    off = 0.4 * torch.randn(sent.shape, generator=torch.Generator().manual_seed(0)) ** 3
    size = float(grain(off).abs().mean())
    pulls = []
    for share in (0.9, 1.0, 1.1):
        spread = torch.full_like(sent, share * size - 0.02).requires_grad_()
        mean = sent - off
        sounds.loss((mean, mean, spread), sent, classes, 0, autocast(False)).backward()
        pulls.append(float(spread.grad.sum()))
    assert pulls[0] < -0.005 and abs(pulls[1]) < 1e-4 and pulls[2] > 0.005


# --- options ---


def test_a_part_has_defaults_of_its_own_and_what_was_asked_for():
    made = M3ETraining(part="link", steps=7).of("link")
    assert (made.steps, made.batch, made.snr, made.average) == (7, 24, (-6.0, 18.0), 0.995)
    assert M3ETraining().of("sound_link").snr == (-8.0, 18.0)
    for part in M3E_PARTS:
        made = M3ETraining().of(part)
        assert made.part == part and made.steps >= 500 and made.learning_rate > 0
    assert "snr" not in used(M3ETraining(part="pictures"))
    with pytest.raises(SemcomError, match="--snr -6 18: has an effect only with parts that send"):
        check_given(M3ETraining(part="pictures", snr=(-6, 18)), ["snr"])


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"part": "smell"}, "part 'smell': expected one of text, pictures"),
        ({"steps": -1}, "steps -1: expected more than 0"),
        ({"snr": (3.0, 1.0)}, r"snr \(3.0, 1.0\): expected a lower and a higher"),
        ({"channels": ("rain",)}, "channels 'rain'"),
    ],
)
def test_options_that_cannot_be_are_refused(fields, said):
    with pytest.raises(SemcomError, match=said):
        M3ETraining(**fields)


def test_jobs_that_cannot_be_are_refused(tmp_path, small):
    job, config = Job("m3e_vsc", "full", tmp_path), QUICK.of("text")
    for changes, said in (
        ({"match": True}, "--match"),
        ({"device": "cuda"}, "--device cuda"),
        ({"init": tmp_path / "none", "network": {"sound_dim": 3}}, "--sound-dim: follows from"),
        ({"init": tmp_path / "none"}, "no such checkpoint"),
    ):
        with pytest.raises(SemcomError, match=said):
            M3E.prepare(dataclasses.replace(job, **changes), config)


# --- trainings ---


def weights(net):
    return {name: value.clone() for name, value in net.state_dict().items()}


def moved(one, other):
    """First two parts of the names of weights that differ."""
    return {".".join(k.split(".")[:2]) for k in one if not torch.equal(one[k], other[k])}


CODING = ("encoder", "decoder", "names")
LEARNS = {
    "text": {"text"},
    "pictures": {f"pictures.{name}" for name in (*CODING, "quantiser")},
    "generator": {"pictures.generator", "pictures.words"},
    "link": {f"pictures.{name}" for name in (*CODING, "codec", "gate")},
    "sounds": {f"sounds.{name}" for name in (*CODING, "quantiser")},
    "sound_generator": {"sounds.generator", "sounds.words"},
    "sound_link": {f"sounds.{name}" for name in (*CODING, "codec", "gate")},
    "check": {"check"},
}


@pytest.mark.parametrize("part", M3E_PARTS)
def test_each_part_learns_what_is_its_own_and_resumes_to_the_same(part, tmp_path, small):
    config = QUICK.of(part)
    assert list(LEARNS) == list(M3E_PARTS)

    def loop(folder):
        net = networks()
        job = Job("m3e_vsc", "full", tmp_path, limit=20)
        return Loop(M3E(net, recipe._part(net, config, job)), tmp_path / folder)

    first, whole = weights(networks()), loop("whole")
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    whole.run()
    assert whole.epoch == 2 and all(math.isfinite(line["loss"]) for line in whole.history)
    changed = moved(first, weights(whole.recipe.kept))
    assert {name if "." in own else own for name in changed for own in LEARNS[part]
            if name == own or name.split(".")[0] == own} >= LEARNS[part]  # fmt: skip
    assert all(name in LEARNS[part] or name.split(".")[0] in LEARNS[part] for name in changed)

    cut = loop("cut")
    cut.train_epoch()
    cut.validate()
    cut.epoch = 1
    cut.save()
    again = loop("cut")
    assert again.resume() and again.epoch == 1
    again.run()
    for one, other in (
        (whole.recipe.model, again.recipe.model),
        (whole.averaged.module, again.averaged.module),
    ):
        assert not moved(weights(one), weights(other))
    test = again.recipe.test()
    assert isinstance(next(iter(test.values())), float)
    numbers = [n for each in test.values() if isinstance(each, dict) for n in each.values()]
    assert numbers and all(math.isfinite(n) for n in numbers)


def test_a_training_with_other_material_is_not_resumed(tmp_path, small, medium, monkeypatch):
    """A folder is known by its manifest."""

    def own_part(net, config, job):
        return Codebooks(net, config, medium(None, "image"))

    monkeypatch.setattr(recipe, "_part", own_part)
    (tmp_path / "out").mkdir()

    def loop(folder):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "manifest.csv").write_text(f"path,class\n{folder[0]}.jpg,Bark\n")
        job = Job("m3e_vsc", "full", tmp_path / "out", data=tmp_path / folder, network=TINY)
        made = M3E.prepare(job, QUICK.of("pictures"))
        return Loop(made, job.out, origin=origin_of(made, job))

    loop("one").save()
    assert loop("once again").resume()
    with pytest.raises(SemcomError, match="other options"):
        loop("two").resume()


def test_a_discriminator_that_rests_does_not_move(small, medium):
    config = dataclasses.replace(QUICK, steps=2000).of("pictures")
    net = networks()
    made = M3E(net, Codebooks(net, config, medium(None, "image")))
    before = weights(made.model.adversary)
    loop = Loop(made, "/nowhere")
    loop.step(0)
    assert not moved(before, weights(made.model.adversary))
    loop.step(1200)
    assert "discriminator.layers" in moved(before, weights(made.model.adversary))


def test_codebooks_of_weights_move_on_from_where_they_are(small, medium):
    """A checkpoint has no moving averages."""
    net = networks()
    net.pictures.quantiser.books.normal_()
    books = net.pictures.quantiser.books.clone()
    part = Codebooks(net, QUICK.of("pictures"), medium(None, "image"))
    latents = torch.zeros(1, 1, 4)
    net.pictures.quantiser.train()(latents, torch.tensor([1]))
    code = int(books[0].square().sum(1).argmin())
    off = (net.pictures.quantiser.books - books).abs().amax(-1)
    assert off[0, code] > 1e-3
    off[0, code] = 0
    assert off.max() < 1e-5 and part.trained(net)


def test_all_parts_one_after_the_other_make_weights_with_a_card(tmp_path, small, monkeypatch):
    monkeypatch.setattr(recipe, "M3E_PARTS", {p: M3E_PARTS[p] for p in ("text", "link", "check")})
    config = dataclasses.replace(QUICK, steps=1, batch=2)
    job = Job("m3e_vsc", "full", tmp_path, network=TINY, limit=8, command="apps/train.py ...")
    figure = train(M3E, job, config)
    path = tmp_path / "m3e_vsc-full-drawn.safetensors"
    net, header = store.load(path, {"m3e_vsc": M3EVSC})
    assert dataclasses.asdict(net.config) | TINY == dataclasses.asdict(net.config)
    assert list(header["parts"]) == ["text", "link", "check"]
    assert figure == header["metrics"]["test"]["mean"] == header["parts"]["check"]["test"]["mean"]
    between = store.load(tmp_path / "link" / path.name, {"m3e_vsc": M3EVSC})[0]
    changed = moved(weights(between), weights(net))
    assert changed and {name.split(".")[0] for name in changed} == {"check"}
    card = path.with_suffix(".md").read_text()
    assert "| link | 1 x 2 | SSIM |" in card and "| text | 1 x 2 | sentences exact |" in card
    assert "part all" not in card and "`apps/train.py ...`" in card
