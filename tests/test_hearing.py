# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Recordings, the seconds that trainings draw from them, and the network that hears what they
are."""

import wave

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data.clipset import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.data.recordings import recordings
from gnuradio.semcom.media.phase import seconds_of
from gnuradio.semcom.media.spectrum import YAMNET_OFFSET, log_mel
from gnuradio.semcom.nets.hearing import SIZES, Hearing
from gnuradio.semcom.training import sounds
from gnuradio.semcom.training.loop import Loop
from gnuradio.semcom.training.options import HearingConfig
from gnuradio.semcom.training.recipes.hearing import HearingRecipe, named
from gnuradio.semcom.training.sounds import Seconds, masked, middles
from gnuradio.semcom.weights import store as checkpoint
from gnuradio.semcom.weights.names import models_folder

LOW, HIGH = 2, 8  # events of the sounds below


def tone(hertz, seconds=2.0, level=0.3):
    time = np.arange(int(16000 * seconds)) / 16000
    return (level * np.sin(2 * np.pi * hertz * time)).astype(np.float32)


def tones(rng, lowest, count=4):
    return [tone(lowest * rng.uniform(1, 1.5)) for _ in range(count)]


@pytest.fixture
def library():
    rng = np.random.default_rng(0)
    hum = [rng.normal(0, 0.1, 30000).astype(np.float32)]
    return {LOW: tones(rng, 200), HIGH: tones(rng, 2000), BACKGROUND: hum}


def write_wave(path, sound):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 16000, 0, "NONE", ""))
        file.writeframes((sound * 32767).astype(np.int16).tobytes())


def test_recordings_are_those_of_a_split_of_all_manifests(tmp_path):
    manifests = []
    for folder, hertz in (("one", 300), ("other", 900)):
        (tmp_path / folder).mkdir()
        rows = ["path,class,split,kind"]
        for name, split in (("Bark", "train"), ("Flute", "train"), ("Bark", "test")):
            write_wave(tmp_path / folder / f"{name}{split}.wav", tone(hertz))
            rows.append(f"{name}{split}.wav,{name},{split},audio")
        manifests.append(tmp_path / folder / "sounds.csv")
        manifests[-1].write_text("\n".join([*rows, "no.png,Bark,train,image"]) + "\n")
    found = recordings(manifests, "train")
    assert sorted(found) == [LOW, HIGH] and [len(group) for group in found.values()] == [2, 2]
    np.testing.assert_allclose(found[LOW][1], tone(900), atol=1e-3)
    assert [len(group) for group in recordings(manifests, "test").values()] == [2]
    with pytest.raises(SemcomError, match=r"none.csv: missing"):
        recordings([tmp_path / "none.csv"], "train")


def test_a_plain_second_is_a_part_of_a_recording_at_some_level(library):
    rng = np.random.default_rng(3)
    spectra, event = Seconds({LOW: [library[LOW][0]]}).draw(rng, mixed=False)
    assert spectra.shape == (100, 64) and spectra.dtype == np.float32 and event == LOW
    loud = np.exp(spectra) - YAMNET_OFFSET
    whole = np.exp(log_mel(library[LOW][0], YAMNET_OFFSET)) - YAMNET_OFFSET
    gain = loud.mean() / whole.mean()
    assert 0.1 <= gain <= 10**0.5
    np.testing.assert_allclose(loud[50] / gain, whole[50], rtol=0.05, atol=0.05)


def test_draws_depend_on_the_generator_alone_and_differ(library):
    seconds = Seconds(library)
    one, same, other = (seconds.draw(np.random.default_rng(seed)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one[0], same[0])
    assert one[1] == same[1] and not np.array_equal(one[0], other[0])


def test_classes_are_drawn_by_the_root_of_their_recordings(library):
    seconds = Seconds({LOW: library[LOW], HIGH: library[HIGH][:1]})
    rng = np.random.default_rng(0)
    drawn = [seconds.draw(rng, mixed=False)[1] for _ in range(400)]
    assert np.mean(np.array(drawn) == LOW) == pytest.approx(2 / 3, abs=0.08)


def test_pauses_are_passed_over_and_short_recordings_repeated(monkeypatch):
    monkeypatch.setattr(sounds, "TRIES", 50)
    late = np.concatenate([np.zeros(160000, np.float32), tone(500, 2)])
    seconds = Seconds({LOW: [late], HIGH: [tone(500, 0.25)]})
    for seed in range(8):
        spectra, event = seconds.draw(np.random.default_rng(seed), mixed=False)
        if event == HIGH:
            assert spectra.max(1).min() > spectra.max() - 1  # never silent
        assert spectra.max() > -2


def test_masks_hide_a_run_of_spectra_and_of_bands():
    spectra = np.random.default_rng(0).normal(size=(100, 64)).astype(np.float32)
    hidden = [masked(np.random.default_rng(seed), spectra, 20, 12) != spectra for seed in range(40)]
    whole = [(h.all(1).sum(), h.all(0).sum()) for h in hidden]
    assert max(t for t, _ in whole) in range(15, 21) and max(b for _, b in whole) in range(9, 13)
    for h in hidden:
        assert h.sum() == 6400 - (100 - h.all(1).sum()) * (64 - h.all(0).sum())


def test_middles_are_seconds_filled_with_silence():
    ramp = np.arange(48000, dtype=np.float32)
    found, events = middles({HIGH: [ramp], LOW: [np.ones(8000, np.float32)]})
    np.testing.assert_array_equal(events, [LOW, HIGH])
    np.testing.assert_array_equal(found[1], ramp[16000:32000])
    assert found[0].sum() == 8000 and found.shape == (2, 16000)


def test_the_network_gives_maps_features_and_logits():
    net = Hearing(29).eval()
    spectra = torch.randn(3, 100, 64)
    maps = net.maps(spectra)
    assert [tuple(m.shape) for m in maps] == [
        (3, SIZES[0], 50, 32), (3, SIZES[1], 25, 16), (3, SIZES[2], 13, 8), (3, SIZES[3], 7, 4),
    ]  # fmt: skip
    features, logits = net(spectra)
    assert features.shape == (3, Hearing.features) and logits.shape == (3, 29)
    torch.testing.assert_close(features[:, : SIZES[3]], maps[-1].mean((2, 3)))
    assert min(float(m.detach().min()) for m in maps) >= 0


def test_a_training_tells_high_from_low_and_its_checkpoint_is_small(library, tmp_path):
    torch.manual_seed(0)
    rng = np.random.default_rng(9)
    new, events = middles({LOW: tones(rng, 200), HIGH: tones(rng, 2000)})
    spectra = np.stack([seconds_of(sound)[0] for sound in new])
    config = HearingConfig(steps=25, batch=8)
    recipe = HearingRecipe(Seconds(library), (spectra, events), config)
    loop = Loop(recipe, tmp_path)
    loop.run()
    assert (named(recipe.model, spectra) == events).all()
    path = recipe.write(tmp_path, recipe.model, {"validation": 1.0}, "tones")
    assert path.stat().st_size < 1_500_000
    net = Hearing(len(AVE_CLASSES))
    header = checkpoint.fill(path, net)
    assert tuple(header["classes"]) == AVE_CLASSES
    assert (named(net, spectra) == events).all()
    logits = [each(torch.from_numpy(spectra))[1] for each in (net, recipe.model.eval())]
    torch.testing.assert_close(*logits, atol=0.1, rtol=0.1)


def test_the_shipped_network_names_ave_classes_and_is_small():
    path = models_folder() / "hearing.safetensors"
    net = Hearing(len(AVE_CLASSES))
    header = checkpoint.fill(path, net)
    assert path.stat().st_size < 1_500_000
    assert tuple(header["classes"]) == AVE_CLASSES and header["metrics"]["validation"] > 0.7
