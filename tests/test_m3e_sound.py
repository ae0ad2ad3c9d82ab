# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The VQGAN of sounds: shapes, and the grain that is drawn where it was not told."""

import numpy as np
import pytest
import torch
from gnuradio.semcom.nets.m3e import sound
from gnuradio.semcom.nets.m3e.picture import Discriminator
from gnuradio.semcom.nets.m3e.sound import SoundDecoder, SoundEncoder, grain, scaled


@pytest.fixture(scope="module")
def decoder():
    torch.manual_seed(0)
    return SoundDecoder(8, 12).eval()


LATENTS = torch.randn(3, 200, 8, generator=torch.Generator().manual_seed(1))
TOLD = torch.randn(3, 12, generator=torch.Generator().manual_seed(2))


def test_latents_are_a_grid_of_times_and_heights():
    torch.manual_seed(0)
    encoder = SoundEncoder(8).eval()
    quiet = torch.full((1, 100, 64), sound.SILENCE)
    struck = quiet.clone()
    struck[0, 48:52, 16:24] = 0.0  # in the cell of time 12 and height 2
    with torch.no_grad():
        change = (encoder(struck) - encoder(quiet)).abs().sum(-1)
    assert change.shape == (1, 200)
    times, heights = np.unravel_index(change[0].topk(3).indices.numpy(), (25, 8))
    assert np.abs(times - 12).max() <= 1 and np.abs(heights - 2).max() <= 1


def test_a_latent_tells_of_its_own_place_most(decoder):
    other = LATENTS.clone()
    other[:, 12 * 8 + 2] += 3
    with torch.no_grad():
        change = (decoder.tell(other, TOLD)[0] - decoder.tell(LATENTS, TOLD)[0]).abs()[0]
    time, band = np.unravel_index(int(change.argmax()), (100, 64))
    assert 44 <= time < 56 and 12 <= band < 28


def test_the_text_changes_what_is_decoded():
    torch.manual_seed(0)
    decoder = SoundDecoder(8, 12).eval()
    torch.nn.init.normal_(decoder.large[0].film.weight, std=0.5)
    torch.nn.init.normal_(decoder.large[0].second.weight, std=0.1)
    assert not torch.allclose(decoder.tell(LATENTS, TOLD)[0], decoder.tell(LATENTS, -TOLD)[0])


def test_the_grain_is_the_same_each_time_and_differs_from_second_to_second(decoder):
    with torch.no_grad():
        mean, spread = decoder.tell(LATENTS, TOLD)
        found = decoder(LATENTS, TOLD)
        assert torch.equal(found, decoder(LATENTS, TOLD))
        drawn = (found - mean) / spread
        decoder.train()
        assert not torch.equal(decoder(LATENTS, TOLD), decoder(LATENTS, TOLD))
        decoder.eval()
    assert found.shape == (3, 100, 64) and spread.min() > 0
    assert drawn.std() == pytest.approx(1, abs=0.02) and drawn.mean() == pytest.approx(0, abs=0.02)
    assert np.abs(np.corrcoef(drawn.flatten(1).numpy()) - np.eye(3)).max() < 0.05
    long = decoder(LATENTS[:1].expand(sound.TEXTURES + 1, -1, -1), TOLD[:1])
    torch.testing.assert_close(long[0], long[-1])


def test_grain_is_what_a_box_does_not_see():
    spectra = torch.randn(2, 100, 64)
    expected = spectra.clone()
    for time in range(100):
        for band in range(64):
            box = spectra[:, max(0, time - 4) : time + 5, max(0, band - 4) : band + 5]
            expected[:, time, band] -= box.mean((1, 2))
    torch.testing.assert_close(grain(spectra), expected, atol=1e-5, rtol=1e-5)
    assert grain(torch.full((1, 100, 64), -3.0)).abs().max() < 1e-5


def test_the_shared_discriminator_takes_scaled_spectra():
    quiet = torch.full((2, 100, 64), sound.SILENCE)
    assert scaled(quiet).abs().max() == 0 and scaled(quiet + sound.RANGE).min() == 1
    assert Discriminator(12, 1)(scaled(quiet), TOLD[:2]).shape == (2, 1, 25, 16)
