# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Confidence: the expected calibration error, temperatures that follow the noise, their fit."""

import dataclasses
import importlib.util
import json
import math
import shutil
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.data import synthetic
from gnuradio.semcom.nets import calibration
from gnuradio.semcom.nets.calibration import Calibration, between, effective_snr_db
from gnuradio.semcom.systems.loading import load_any, load_system
from gnuradio.semcom.tasks.scores import (
    calibration_error,
    least_calibration_error,
    reliability,
)
from gnuradio.semcom.training.calibrate import Answers, fitted
from gnuradio.semcom.weights import store
from gnuradio.semcom.weights.names import shipped
from safetensors.torch import load_file
from scipy.stats import binom

PLACE = Path(__file__).resolve().parents[1] / "tools" / "calibrate.py"
SPEC = importlib.util.spec_from_file_location("calibrate_tool", PLACE)
tool = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tool)
TWO = Calibration((0.0, 20.0), (2.0, 0.5), (1.0, -1.0))


def test_the_error_is_that_of_the_definition():
    rng = np.random.default_rng(0)
    sure, right = rng.uniform(0, 1, 500), rng.random(500) < 0.4
    expected = 0.0
    for k in range(15):
        inside = (sure >= k / 15) & (sure < (k + 1) / 15)
        if inside.any():
            expected += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    assert calibration_error(sure, right) == pytest.approx(expected)
    assert calibration_error(np.array([1.0, 1.0]), np.array([True, False])) == 0.5
    assert calibration_error(np.zeros(0), np.zeros(0, bool)) == 0.0
    assert reliability(np.zeros(0), np.zeros(0)).shape == (0, 3)
    expected = [[0.1, 0, 1], [0.95, 1, 2]]
    np.testing.assert_allclose(reliability([0.1, 0.9, 1.0], [0, 1, 1], 2), expected)


def test_true_confidences_have_the_error_of_their_number():
    """One bin of n coins has the mean deviation of a binomial, which falls with the root of n."""
    for clips in (10, 1000):
        sure = np.full((clips, 10), 0.5)
        coins = np.arange(clips * 10 + 1)
        one = np.abs(coins / (clips * 10) - 0.5) @ binom.pmf(coins, clips * 10, 0.5)
        each = np.abs(coins[: clips + 1] / clips - 0.5) @ binom.pmf(coins[: clips + 1], clips, 0.5)
        assert least_calibration_error(sure, False) == pytest.approx(one, rel=0.15)
        assert least_calibration_error(sure, True) == pytest.approx(each, rel=0.15)


def test_the_effective_snr_of_a_frame():
    noise = torch.tensor([[0.1, 0.001], [0.0, 0.0], [math.inf, 1.0], [1e-9, 1e9]])
    low, high = calibration.KNOTS_DB[0], calibration.KNOTS_DB[-1]
    expected = [20.0, high, (low + 0.0) / 2, (low + high) / 2]
    np.testing.assert_allclose(effective_snr_db(noise), expected, atol=1e-4)
    whole = torch.full((1, 2, 5), 0.01)
    np.testing.assert_allclose(effective_snr_db(whole), [20.0], atol=1e-4)


def test_between_knots_it_is_linear_and_beyond_them_constant():
    knots, values = (0.0, 10.0, 40.0), np.array([1.0, 3.0, 9.0])
    at = torch.tensor([-5.0, 0.0, 4.0, 10.0, 25.0, 40.0, 90.0])
    found = between(at, knots).numpy() @ values
    np.testing.assert_allclose(found, np.interp(at, knots, values), atol=1e-6)
    assert between(at, (7.0,)).tolist() == [[1.0]] * 7


def test_probabilities_are_tempered_by_the_noise():
    logits = torch.randn(3, 4, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise = torch.tensor([[1.0, 1.0], [0.1, 0.1], [0.0, 0.0]])  # 0, 10 and more than 20 dB
    found = TWO(logits, noise).numpy()
    for clip, (heat, extra) in enumerate([(2.0, 1.0), (1.25, 0.0), (0.5, -1.0)]):
        moved = logits[clip].numpy() / heat
        moved[:, -1] += extra
        expected = np.exp(moved) / np.exp(moved).sum(1, keepdims=True)
        np.testing.assert_allclose(found[clip], expected, rtol=1e-5)
    assert torch.equal(Calibration()(logits, noise), logits.softmax(-1))


def test_a_fit_finds_the_temperatures_that_answers_were_made_with():
    torch.manual_seed(0)
    true = 2 * torch.randn(4000, 5, 4)
    noise = torch.where(torch.arange(4000) % 2 == 0, 1.0, 0.01)[:, None]  # 0 and 20 dB
    labels = torch.distributions.Categorical(logits=true).sample()
    heat = torch.where(noise == 1.0, 2.4, 1.8)[:, :, None]
    shifted = true - torch.tensor([0, 0, 0, 0.8])  # background is said too seldom
    found = fitted(Answers(shifted * heat, noise, labels), (0.0, 20.0))
    np.testing.assert_allclose(found.temperature, [2.4, 1.8], rtol=0.08)
    assert all(0.4 < b < 0.8 for b in found.background)  # drawn towards zero
    probabilities = found(shifted * heat, noise)
    sure, said = probabilities.max(-1)
    assert calibration_error(sure.numpy(), (said == labels).numpy()) < 0.02
    before = (shifted * heat).softmax(-1).max(-1)
    assert calibration_error(before[0].numpy(), (before[1] == labels).numpy()) > 0.06


def test_a_fit_for_another_share_of_clips_without_an_event_is_that_of_such_clips():
    """Weights are the same as so many clips of each kind."""
    torch.manual_seed(1)
    logits, noise = torch.randn(600, 5, 4), torch.full((600, 1), 0.1)
    labels = torch.distributions.Categorical(logits=logits).sample()
    labels[:100] = 3  # background
    told = Answers(logits, noise, labels)
    without = (labels == 3).all(1)
    assert not without[100:].any()
    found = fitted(told, (0.0,), eventless=0.5)
    again = torch.cat([torch.arange(100).repeat(5), torch.arange(100, 600)])
    often = fitted(Answers(logits[again], noise[again], labels[again]), (0.0,))
    np.testing.assert_allclose(found.temperature, often.temperature, atol=2e-3)
    np.testing.assert_allclose(found.background, often.background, atol=2e-3)
    assert found.background[0] > fitted(told, (0.0,)).background[0]
    with pytest.raises(SemcomError, match="0% of the clips of the validation split have no event"):
        fitted(Answers(logits[100:], noise[100:], labels[100:]), (0.0,), eventless=0.5)


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ([1], "cannot be read"),
        ({"snr_db": [0, 1], "temperature": [1], "background": [0, 0]}, "knots"),
        ({"snr_db": [1, 0], "temperature": [1, 1], "background": [0, 0]}, "knots"),
        ({"snr_db": [0], "temperature": [0], "background": [0]}, "temperatures"),
        ({"snr_db": [0], "temperature": [1], "background": [math.nan]}, "knots"),
        ({"snr_db": [0], "temperature": ["hot"], "background": [0]}, "cannot be read"),
        ({"heat": [0]}, "cannot be read"),
    ],
)
def test_what_is_no_calibration_is_refused(told, words):
    with pytest.raises(SemcomError, match=words):
        Calibration.read(told)


def with_calibration(path, told):
    source = shipped("pilot_ave_plus")
    header = store.read_header(source) | {"calibration": told}
    store.write(path, load_file(source), {store.KEY: json.dumps(header)})
    return path


def test_a_checkpoint_s_calibration_is_applied(tmp_path):
    told = {name: list(values) for name, values in dataclasses.asdict(TWO).items()}
    net = load_system("pilot_ave_plus", with_calibration(tmp_path / "a.safetensors", told))
    assert net.calibration == TWO
    plain = load_any(with_calibration(tmp_path / "plain.safetensors", None))
    symbols = torch.randn(2, 2, 3 * net.symbols, dtype=torch.complex64)
    noise = torch.tensor([[0.1, 0.1], [1.0, 1.0]])
    with torch.no_grad():
        logits = plain.understand(symbols, noise)[0]
        np.testing.assert_array_equal(plain.outcome(symbols, noise), logits.softmax(-1))
        np.testing.assert_array_equal(net.outcome(symbols, noise), TWO(logits, noise))
        np.testing.assert_allclose(
            net.judged(symbols, noise)[1], TWO(logits, noise).amax(-1).mean(-1)
        )


def test_a_checkpoint_with_a_wrong_one_is_refused_by_name(tmp_path):
    path = with_calibration(tmp_path / "odd.safetensors", {"snr_db": 3})
    with pytest.raises(SemcomError, match=r"odd\.safetensors: calibration"):
        load_any(path)


def test_the_program_writes_a_header_and_leaves_the_weights(tmp_path, monkeypatch, capsys):
    synthetic.write(tmp_path / "set", 4)
    path = tmp_path / "net.safetensors"
    shutil.copy(shipped("pilot_ave_plus"), path)
    path.with_suffix(".md").write_text("# a\n| calibration error | 9 |\n| licence | - |\n")
    before = load_file(path)
    words = ["calibrate.py", str(path), "--data", str(tmp_path / "set")]
    monkeypatch.setattr(sys, "argv", words)
    tool.main()
    told = Calibration.read(store.read_header(path)["calibration"])
    assert told.snr_db == calibration.KNOTS_DB and load_any(path).calibration == told
    after = load_file(path)
    assert before.keys() == after.keys()
    assert all(torch.equal(after[name], value) for name, value in before.items())
    card = path.with_suffix(".md").read_text().splitlines()
    assert card[0] == "# a" and card[3] == "| licence | - |" and len(card) == 4
    assert card[1] == "| calibration | validation split of set, 4 clips |"
    assert card[2].startswith("| calibration error on test") and "-10 dB 0." in card[2]
    first = capsys.readouterr().out.splitlines()[-1]
    monkeypatch.setattr(sys, "argv", [*words, "--check"])
    tool.main()
    assert capsys.readouterr().out.splitlines()[-1] == first  # the figures of the file as it is
    with h5py.File(tmp_path / "set" / "labels.h5", "r+") as file:
        file["avadataset"][:] = file["avadataset"][:][..., [*range(27, -1, -1), 28]]
    written = path.read_bytes()
    monkeypatch.setattr(sys, "argv", ["calibrate.py", str(path), "--test", str(tmp_path / "set")])
    with pytest.raises(SemcomError, match="class 0 is 'Church bell', in the set set it is"):
        tool.main()
    assert path.read_bytes() == written
    monkeypatch.setattr(sys, "argv", [*words, "--check", "--eventless", "0.5"])
    with pytest.raises(SemcomError, match="--eventless: have no effect with --check"):
        tool.main()


def test_only_systems_over_a_radio_are_calibrated(monkeypatch, tmp_path):
    path = shipped("avel", "sel", "ave28")
    monkeypatch.setattr(sys, "argv", ["calibrate.py", str(path), "--check"])
    with pytest.raises(SemcomError, match=r"avel-sel-ave28.*has no calibration"):
        tool.main()
