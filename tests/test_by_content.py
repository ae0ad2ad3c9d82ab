# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Lengths by content: the code of their head, the frames, the system with them over the link."""

import itertools
import math

import numpy as np
import pytest
import torch
from conftest import tiny_system
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.chain import reference
from gnuradio.semcom.nets.by_content import LengthsByContent, choose, heads
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlusSettings
from gnuradio.semcom.phy import golay
from gnuradio.semcom.run.channel_uses import channel_uses
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.loading import exchange_for, load_system
from gnuradio.semcom.weights import store as checkpoint

ALL = torch.tensor(list(itertools.product([False, True], repeat=golay.BITS)))
B, T, L = 3, 10, 16


def hard(symbols):
    """The 24 bits of [N, 12] symbols."""
    return torch.cat([symbols.real < 0, symbols.imag < 0], -1)


def noise(shape, variance, seed=0):
    g = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, dtype=torch.complex64, generator=g) * math.sqrt(variance)


def test_the_code_has_the_weights_of_the_extended_golay_code():
    words = hard(golay.encode(ALL))
    weights, counts = torch.unique(words.sum(1), return_counts=True)
    assert dict(zip(weights.tolist(), counts.tolist(), strict=True)) == {
        0: 1, 8: 759, 12: 2576, 16: 759, 24: 1,
    }  # fmt: skip


def test_codewords_have_unit_power_and_three_wrong_bits_are_corrected():
    sent = golay.encode(ALL)
    torch.testing.assert_close(sent.abs(), torch.ones(len(ALL), golay.SYMBOLS))
    for flipped in itertools.combinations(range(0, 24, 3), 3):
        got = sent[::37].clone()
        for bit in flipped:
            part = got[:, bit % 12]
            got[:, bit % 12] = part.conj() if bit >= 12 else -part.conj()
        assert torch.equal(golay.decode(got, ALL), ALL[::37])


def test_errors_are_within_the_union_bound():
    n0, sent = 10**-0.4, ALL[torch.arange(20_000) % len(ALL)]
    got = golay.decode(golay.encode(sent) + noise((20_000, golay.SYMBOLS), n0), ALL)
    q = [0.5 * math.erfc(math.sqrt(d / n0 / 2)) for d in (8, 12, 16, 24)]
    bound = 759 * q[0] + 2576 * q[1] + 759 * q[2] + q[3]
    found = (got != sent).any(1).double().mean()
    assert 0.3 * bound < found < bound


def test_few_possible_messages_have_fewer_errors():
    possible = heads(10, 3)
    assert possible.shape == (120, 12) and (possible.sum(1) == 3).all()
    sent = possible[torch.arange(6000) % len(possible)]
    got = golay.encode(sent) + noise((6000, golay.SYMBOLS), 1.0)
    wrong = [(golay.decode(got, known) != sent).any(1).double().mean() for known in (ALL, possible)]
    assert wrong[1] < 0.5 * wrong[0]


def drawn(seed=0):
    """Symbols of B clips, and scores of their seconds."""
    g = torch.Generator().manual_seed(seed)
    scale = torch.rand(B, T, 1, generator=g) * 3
    symbols = torch.randn(B, T, L, dtype=torch.complex64, generator=g) * scale
    return symbols, torch.randn(B, T, generator=g)


def by_hand(symbols, scores, few, count):
    """The payload of one clip [T, L], and which seconds are chosen."""
    x = symbols.numpy()
    chosen = sorted(sorted(range(len(x)), key=lambda t: -scores[t])[:count])
    payload = [x[t, :few] for t in range(len(x))] + [x[t, few : 4 * few] for t in chosen]
    payload = np.concatenate(payload)
    return payload / np.sqrt(np.mean(np.abs(payload) ** 2)), chosen


@pytest.mark.parametrize(("share", "count"), [(0.04, 0), (0.25, 3), (0.3, 3), (1.0, 10)])
def test_the_seconds_of_the_highest_scores_are_sent_with_four_times_the_symbols(share, count):
    plan, (symbols, scores) = LengthsByContent(4, share), drawn()
    frames = plan.pack(symbols, scores, training=False)
    assert frames.shape == (B, plan.size(T)) == (B, 12 + 4 * T + 12 * count)
    got, lengths = plan.unpack(frames[:, None].expand(-1, 2, -1))
    for clip in range(B):
        payload, chosen = by_hand(symbols[clip], scores[clip], 4, count)
        np.testing.assert_allclose(frames[clip, 12:], payload, rtol=1e-5, atol=1e-6)
        assert [t for t in range(T) if lengths[clip, 1, t] == 16] == chosen
        np.testing.assert_allclose(got[clip, 1, :, :4].flatten(), payload[: 4 * T], rtol=1e-5)
        np.testing.assert_allclose(got[clip, 1, chosen, 4:].flatten(), payload[4 * T :], rtol=1e-5)
        rest = [t for t in range(T) if t not in chosen]
        assert not got[clip, 1, rest, 4:].any() and (lengths[clip, 1, rest] == 4).all()


def test_training_draws_seconds_as_often_as_their_scores_tell():
    torch.manual_seed(3)
    scores = torch.tensor([[2.0, 0.0, 1.0, -1.0]]).expand(20_000, 4)
    first = torch.bincount(choose(scores, 1, training=True)[0][:, 0], minlength=4) / 20_000
    torch.testing.assert_close(first, scores[0].softmax(0), atol=0.01, rtol=0)
    second = torch.bincount(choose(scores, 2, training=True)[0].flatten(), minlength=4) / 20_000
    p = scores[0].softmax(0)
    both = p + sum(p[i] * p / (1 - p[i]) * (torch.arange(4) != i) for i in range(4))
    torch.testing.assert_close(second, both, atol=0.01, rtol=0)


def test_a_useful_second_raises_its_score():
    torch.manual_seed(4)
    scores = torch.zeros(1, 5, requires_grad=True)
    places, weights = choose(scores, 2, training=True)
    torch.testing.assert_close(weights, torch.ones(1, 2))
    weights[0, 0].backward()
    torch.manual_seed(4)  # the same noise, and the derivative of the sigmoid by hand
    z = -torch.empty(1, 5).exponential_().log()[0]
    second, third = z.argsort(descending=True)[1:3].tolist()
    x = (z[places[0, 0]] - (z[second] + z[third]) / 2) / 0.5
    slope = float(x.sigmoid() * (1 - x.sigmoid()) / 0.5)
    expected = torch.zeros(5)
    expected[places[0, 0]] += slope
    expected[[second, third]] -= slope / 2
    torch.testing.assert_close(scores.grad[0], expected)


def test_frames_keep_power_and_peak():
    peak = 10**0.3
    power = LengthsByContent(4, 0.3, peak).pack(*drawn(), False).abs().square()
    torch.testing.assert_close(power.mean(1), torch.ones(B))
    assert (
        power.max()
        <= peak * (1 + 1e-5)
        < LengthsByContent(4, 0.3).pack(*drawn(), False).abs().max() ** 2
    )


def test_a_loud_frame_is_limited_to_unit_power():
    plan = LengthsByContent(4, 0.3)
    frames = plan.pack(*drawn(), False)
    torch.testing.assert_close(plan.unpack(3 * frames)[0], plan.unpack(frames)[0])
    torch.testing.assert_close(plan.unpack(0.5 * frames)[0], 0.5 * plan.unpack(frames)[0])


def test_a_frame_tells_the_seconds_of_its_clip():
    plan = LengthsByContent(4, 0.3)
    assert [plan.items(plan.size(items)) for items in range(1, 13)] == list(range(1, 13))
    with pytest.raises(ValueError, match="a frame of 87 symbols: expected one of by_content 0.3"):
        plan.items(87)
    with pytest.raises(SemcomError, match="a clip of 13 s, expected at most 12 s"):
        plan.size(13)
    with pytest.raises(SemcomError, match="a clip of 13 s"):
        plan.pack(torch.ones(1, 13, 16, dtype=torch.complex64), torch.zeros(1, 13), False)


# --- the system -----------------------------------------------------------------------------------


def configured(symbols=4, share=0.3, **sizes):
    net = tiny_system(nested=True, gated=True, symbols=16, **sizes)
    net.configure(PilotAvePlusSettings(symbols, share))
    return net


def inputs(net, items=T):
    g = torch.Generator().manual_seed(1)
    c = net.config
    audio = torch.randn(B, items, c.audio_dim, generator=g)
    return audio, torch.rand(B, items, c.height * c.width * c.visual_dim, generator=g)


def over_the_chain(net):
    audio, visual = inputs(net)
    heard = net.send("audio", audio, {})
    return heard, net.send("video", visual, {"audio": heard})


def test_all_or_none_are_the_fixed_lengths():
    for share, symbols in ((1.0, 16), (0.04, 4)):
        varied = over_the_chain(configured(4, share))
        net = configured(4, share)
        net.configure(PilotAvePlusSettings(symbols))
        assert net.payload("audio", T) == symbols * T and net.unit("audio") == symbols
        fixed = over_the_chain(net)
        said = net.understand(torch.stack(fixed, 1), torch.full((B, 2), 0.1))[0]
        net.configure(PilotAvePlusSettings(4, share))
        again = net.understand(torch.stack(varied, 1), torch.full((B, 2), 0.1))[0]
        torch.testing.assert_close(again, said, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(
            net.look(inputs(net)[1], {"audio": varied[0]}).sum((2, 3)), torch.ones(B, T)
        )


def test_a_terminal_and_the_receiver_answer_lengths_by_content():
    net = configured()
    heard, seen = over_the_chain(net)
    assert net.payload("audio", T) == heard.shape[1] == 12 + 4 * T + 12 * 3
    assert net.unit("video") == 1
    for frames in ([heard, seen], [heard * 0, seen]):
        said = net.outcome(torch.stack(frames, 1), torch.full((B, 2), 0.1))
        assert torch.isfinite(said).all()
        torch.testing.assert_close(said.sum(-1), torch.ones(B, T))
    alone = net.send("video", inputs(net)[1], {"audio": None})
    assert alone.shape == seen.shape and not torch.allclose(alone, seen)


def test_attention_follows_what_is_heard():
    net = configured()
    audio, visual = inputs(net)
    heard = net.send("audio", audio, {})
    looks = [net.look(visual, {"audio": each}) for each in (heard, heard.flip(0), None)]
    assert not torch.allclose(looks[0], looks[1], atol=1e-5)
    assert not torch.allclose(looks[0], looks[2], atol=1e-5)


def test_the_bound_of_the_peak_holds_behind_the_head():
    for frames in over_the_chain(configured(peak=2.0)):
        power = frames.abs().square()
        assert (power.amax(1) / power.mean(1)).max() <= 10**0.2 * (1 + 1e-5)


def test_noise_is_that_of_a_second_with_all_symbols():
    net, seen = configured(), []
    for part in net.receiver.evidence:
        part.register_forward_pre_hook(lambda module, given: seen.append(given[1]))
    frames = torch.stack(over_the_chain(net), 1)
    net.understand(frames, torch.full((B, 2), 0.1))
    lengths = net.lengths.unpack(frames)[1]
    assert len(seen) == 2 and set(lengths.flatten().tolist()) == {4.0, 16.0}
    for k, noise in enumerate(seen):
        torch.testing.assert_close(noise, 0.1 * 16 / lengths[:, k])


def test_a_stream_that_was_not_received_changes_nothing():
    net = configured()
    heard, seen = over_the_chain(net)
    lost = torch.tensor([[math.inf, 0.1]]).expand(B, 2)
    one, other = (
        net.outcome(torch.stack([audio, seen], 1), lost) for audio in (heard, heard.flip(0))
    )
    torch.testing.assert_close(one, other)


def test_every_parameter_has_a_gradient():
    torch.manual_seed(0)
    net = configured().train()
    frames = torch.stack(over_the_chain(net), 1)
    net.understand(frames, torch.full((B, 2), 0.1))[0][..., :2].sum().backward()
    assert [n for n, p in net.named_parameters() if p.grad is None or not p.grad.any()] == []


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ((4, 1.5), "by_content 1.5: expected a share, 0 to 1"),
        ((8, 0.3), "chosen seconds have 4 times 8 symbols, but these weights send at most 16"),
        ((0, 0.3), "chosen seconds have 4 times 16 symbols"),
    ],
)
def test_lengths_that_cannot_be_are_refused(settings, said):
    with pytest.raises(SemcomError, match=said):
        configured().configure(PilotAvePlusSettings(*settings))
    with pytest.raises(SemcomError, match="have no gates; train some with --nested --gated"):
        tiny_system(nested=True).configure(PilotAvePlusSettings(4, 0.3))
    with pytest.raises(SemcomError, match="symbols 8: gated needs at least 16"):
        tiny_system(nested=True, gated=True, symbols=8)


# --- over the link --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gated(tmp_path_factory):
    """Weights of a small gated network with the sizes of the synthetic set."""
    path = tmp_path_factory.mktemp("models") / "gated.safetensors"
    net = tiny_system(nested=True, gated=True, symbols=16)
    checkpoint.save(path, net, variant="full", data="synthetic")
    return str(path)


def test_a_run_counts_head_and_symbols_and_decides_as_the_reference(gated, clips):
    point = Scenario(
        checkpoint=gated, symbols=4, by_content=0.3, snr=12.0, detector="lmmse", frames=6
    )
    record = run_point(point, clips)
    uses = (12 + 4 * 10 + 12 * 3) / 10
    assert record["channel_uses"]["payload"] == pytest.approx(uses)
    assert record["channel_uses"]["sidelink"] == pytest.approx(uses + 3.2)
    assert record["scenario"]["symbols"] == 4 and record["scenario"]["by_content"] == 0.3
    net = load_system("pilot_ave_plus", f"{gated}?symbols=4&by_content=0.3")
    said = reference.outcomes(point, net, clips, range(6))
    right = [np.mean(each.argmax(-1) == clips.labels(n)) for n, each in enumerate(said)]
    np.testing.assert_allclose(record["clip_scores"], right, atol=1e-4)


@pytest.mark.parametrize("other", ["?symbols=4&by_content=0.4", "?symbols=16", "?symbols=4"])
def test_weights_whose_frames_have_other_lengths_are_not_exchanged(gated, other):
    running = load_system("pilot_ave_plus", f"{gated}?symbols=4&by_content=0.3")
    with pytest.raises(ValueError, match="its symbols differ"):
        exchange_for(running, "pilot_ave_plus", f"{gated}{other}", "cpu")


def test_channel_uses_are_the_mean_over_clips_of_all_lengths(gated):
    point = Scenario(checkpoint=gated, symbols=4, by_content=0.3)
    for settings, payloads in (("by_content=0.3", (88, 88, 56)), ("by_content=0", (40, 40, 20))):
        net = load_system("pilot_ave_plus", f"{gated}?symbols=4&{settings}")
        uses = channel_uses(point, net, {}, "segment", [10, 10, 5], 0.0)["channel_uses"]
        assert uses["payload"] == pytest.approx(sum(payloads) / 25)
        assert uses["pilots"] == pytest.approx(3 * 32 / 25)


def test_bursts_carry_lengths_by_content(gated, clips):
    point = Scenario(checkpoint=gated, symbols=4, by_content=0.3, frames=3, radio="mock:bench")
    record = run_point(point, clips)
    assert record["bursts_heard"] == record["bursts_sent"] == [3, 3]
    assert record["frames_received"] == 3
    assert record["channel_uses"]["payload"] == pytest.approx(8.8)
