# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Numbers of transmissions, fragments, and the two ends of automatic repeat, without GNU Radio."""

import math
import random

import numpy as np
import pytest
import torch
from gnuradio.semcom import core
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.phy import channel
from gnuradio.semcom.protocol import fragments
from gnuradio.semcom.protocol.frames import FrameId, frame_of
from gnuradio.semcom.protocol.retransmission import (
    ACCEPTED,
    AGAIN,
    LOST,
    Answer,
    Receiver,
    Sender,
    combine,
)

# --- numbers --------------------------------------------------------------------------------------


def test_a_whole_first_attempt_has_its_frames_number():
    assert FrameId(7).number == 7 and FrameId.of(7) == FrameId(7)


def test_a_number_holds_its_fields_where_it_is_said():
    of = FrameId(2**32 - 2, fragment=5, fragments=9, attempt=3)
    assert of.number == 2**32 - 2 + (5 << 32) + (8 << 44) + (3 << 56)
    assert FrameId.of(of.number) == of
    assert frame_of(of.number) == 2**32 - 2
    assert of.again() == FrameId(2**32 - 2, 5, 9, 4)


def test_the_largest_number_fits_torch():
    largest = FrameId(2**32 - 1, 4095, 4096, 127).number
    assert torch.tensor([largest]).tolist() == [largest]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ((2**32,), "frame 4294967296"),
        ((-1,), "frame -1"),
        ((0, 3, 3), "fragment 3: expected 0 to 2"),
        ((0, 0, 0), "fragments 0: expected 1 to 4096"),
        ((0, 0, 4097), "fragments 4097"),
        ((0, 0, 1, 128), "attempt 128: expected 0 to 127"),
    ],
)
def test_what_cannot_be_sent_has_no_number(fields, said):
    with pytest.raises(SemcomError, match=said):
        FrameId(*fields)


def draws(model, of, doppler=0.0):
    """Received (in C++) of eight ones."""
    x = np.ones((1, 8), np.complex64)
    return core.mimo_channel(
        x, num_rx=1, model=model, snr_db=10.0, doppler=doppler, seed=5, frame=of.number
    )[0]


@pytest.mark.parametrize("doppler", [0.0, 0.01])
def test_every_attempt_meets_another_channel_the_same_in_both_languages(doppler):
    for of in (FrameId(3), FrameId(3, attempt=1), FrameId(3, 1, 2, 2)):
        twin, _ = channel.mimo_channel(
            torch.ones(1, 1, 8, dtype=torch.complex64), model="rayleigh", snr_db=10.0,
            frame=torch.tensor([of.number]), seed=5, doppler=doppler,
        )  # fmt: skip
        np.testing.assert_allclose(draws("rayleigh", of, doppler), twin[0], atol=2e-5)
    assert abs(draws("rayleigh", FrameId(3)) - draws("rayleigh", FrameId(3, attempt=1))).min() > 0


def test_a_channel_moves_within_a_later_attempt_too():
    # over 320 symbols at 0.1 cycles a symbol the fade must change
    x = np.ones((1, 320), np.complex64)
    of = FrameId(3, attempt=2)
    h, _ = core.mimo_channel(x, num_rx=1, snr_db=200.0, doppler=0.1, seed=5, frame=of.number)
    assert np.std(abs(h)) > 0.2


# --- fragments ------------------------------------------------------------------------------------


def parts_of(symbols, most, unit=1):
    noise = np.ones(symbols.shape, np.float32)
    return dict(
        enumerate(
            zip(
                fragments.split(symbols, most, unit),
                fragments.split(noise, most, unit),
                strict=True,
            )
        )
    )


def test_fragments_come_together_again_in_any_order():
    symbols = np.arange(2 * 23).reshape(2, 23).astype(np.complex64)
    parts = parts_of(symbols, 10, unit=3)
    assert [part.shape[1] for part, _ in parts.values()] == [9, 9, 5]
    for order in ((2, 0, 1), (1, 2, 0)):
        joined, noise = fragments.join({i: parts[i] for i in order}, 3)
        np.testing.assert_array_equal(joined, symbols)
        assert (noise == 1).all()


def test_a_fragment_that_is_missing_is_unknown_at_its_place():
    symbols = np.arange(1, 24).reshape(1, 23).astype(np.complex64)
    parts = parts_of(symbols, 9)
    del parts[1]
    assert fragments.missing(parts, 3) == [1]
    joined, noise = fragments.join(parts, 3)
    np.testing.assert_array_equal(joined[0, 18:], symbols[0, 18:])
    assert (joined[0, 9:18] == 0).all() and np.isinf(noise[0, 9:18]).all()
    assert np.isfinite(noise[0, :9]).all()


def test_a_last_fragment_that_is_missing_is_left_out():
    parts = parts_of(np.ones((1, 23), np.complex64), 9)
    del parts[2]
    assert fragments.join(parts, 3)[0].shape == (1, 18)


@pytest.mark.parametrize(
    ("length", "most", "unit", "said"),
    [(10, 3, 4, "at least 4"), (5000, 1, 1, "1 to 4096"), (0, 8, 1, "a frame of 0 symbols")],
)
def test_fragments_that_cannot_be_are_refused(length, most, unit, said):
    with pytest.raises(SemcomError, match=said):
        fragments.split(np.zeros(length, np.complex64), most, unit)


def test_nothing_cannot_be_joined():
    with pytest.raises(SemcomError, match="no fragment"):
        fragments.join({}, 3)


# --- combining ------------------------------------------------------------------------------------


def test_attempts_are_combined_by_maximum_ratio():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((3, 2, 7)) + 1j * rng.standard_normal((3, 2, 7))
    n = rng.uniform(0.1, 2, (3, 2, 7))
    got = (x[0].astype(np.complex64), n[0].astype(np.float32))
    for i in (1, 2):
        got = combine(got, (x[i].astype(np.complex64), n[i].astype(np.float32)))
    np.testing.assert_allclose(got[0], (x / n).sum(0) / (1 / n).sum(0), rtol=1e-5)
    np.testing.assert_allclose(got[1], 1 / (1 / n).sum(0), rtol=1e-5)


@pytest.mark.parametrize(
    ("noise", "symbol", "left"),
    [
        ((np.inf, 0.5), 2.0, 0.5),
        ((np.inf, np.inf), 0.0, np.inf),
        ((0.0, 0.5), 1.0, 0.0),
        ((0.0, 0.0), 1.5, 0.0),
        ((0.0, np.inf), 1.0, 0.0),
    ],
)
def test_what_is_clean_or_lost_has_its_answer(noise, symbol, left):
    one, other = ((np.full((1, 1), x, np.complex64), np.full((1, 1), n, np.float32))
                  for x, n in zip((1.0, 2.0), noise, strict=True))  # fmt: skip
    for pair in ((one, other), (other, one)):
        got = combine(*pair)
        assert got[0].item() == symbol and got[1].item() == left


def test_what_was_lost_counts_nothing_even_if_it_is_no_number():
    bad = (np.full((1, 1), np.nan, np.complex64), np.full((1, 1), np.inf, np.float32))
    good = (np.full((1, 1), 2, np.complex64), np.full((1, 1), 1, np.float32))
    assert combine(bad, good)[0].item() == 2


def test_attempts_of_other_sizes_are_refused():
    one, other = ((np.ones((1, n), np.complex64), np.ones((1, n), np.float32)) for n in (3, 4))
    with pytest.raises(SemcomError, match="equal sizes"):
        combine(one, other)


# --- answers --------------------------------------------------------------------------------------


def test_an_answer_crosses_in_a_header_and_in_a_message():
    for verdict in (ACCEPTED, AGAIN):
        answer = Answer(FrameId(70000, 2, 5, 1), verdict)
        header = core.decode_header(core.encode_header(answer.header(2), 1), 1)
        assert Answer.from_header(header, 2) == answer
        assert Answer.from_header(header, 3) is None
        assert Answer.from_dict(answer.as_dict()) == answer


def test_what_is_no_answer_is_none():
    assert Answer.from_header(None, 0) is None
    assert Answer.from_header(core.FrameHeader(1, 2, 1, 0), 0) is None
    assert Answer.from_header(core.FrameHeader(1, 0, 1, 0, 0, 5000), 0) is None
    with pytest.raises(SemcomError, match="answer 'maybe'"):
        Answer.from_dict({"frame": 1, "verdict": "maybe"})
    with pytest.raises(SemcomError, match="fields"):
        Answer.from_dict({"number": 1, "verdict": AGAIN})


# --- the sender -----------------------------------------------------------------------------------


def test_a_frame_is_repeated_until_it_is_accepted():
    sender = Sender(attempts=3)
    sender.sent(FrameId(4), "payload")
    assert sender.next_due() is None and sender.open == 1
    sender.answer(Answer(FrameId(4), AGAIN))
    assert sender.next_due() == (FrameId(4, attempt=1), "payload")
    assert sender.next_due() is None
    sender.answer(Answer(FrameId(4, attempt=1), ACCEPTED))
    assert sender.open == 0 and sender.histogram == {2: 1} and sender.given_up == 0


def test_a_frame_is_given_up_after_its_last_attempt():
    sender = Sender(attempts=2)
    sender.sent(FrameId(4), None)
    sender.answer(Answer(FrameId(4), LOST))
    sender.next_due()
    sender.answer(Answer(FrameId(4, attempt=1), LOST))
    assert sender.open == 0 and sender.next_due() is None
    assert sender.given_up == 1 and sender.histogram == {2: 1}


def test_answers_that_are_late_or_come_twice_change_nothing():
    sender = Sender(attempts=4)
    sender.sent(FrameId(1), None)
    sender.answer(Answer(FrameId(1), AGAIN))
    sender.answer(Answer(FrameId(1), AGAIN))  # twice
    assert sender.next_due()[0].attempt == 1 and sender.next_due() is None
    sender.answer(Answer(FrameId(1), AGAIN))  # late: attempt 1 is under way
    assert sender.next_due() is None and sender.stale == 1
    sender.answer(Answer(FrameId(2), ACCEPTED))  # of something else
    assert sender.stale == 2 and sender.open == 1
    sender.answer(Answer(FrameId(1), ACCEPTED))  # late, but the frame is accepted
    assert sender.open == 0


def test_an_accepted_frame_is_not_sent_though_it_was_asked_for():
    sender = Sender(attempts=3)
    sender.sent(FrameId(1), None)
    sender.answer(Answer(FrameId(1), AGAIN))
    sender.answer(Answer(FrameId(1), ACCEPTED))
    assert sender.next_due() is None


def test_time_makes_a_repeat_of_what_was_not_answered():
    sender = Sender(attempts=2, timeout_s=1.0)
    sender.sent(FrameId(0), "a", now=10.0)
    assert sender.next_due(10.9) is None
    assert sender.next_due(11.0) == (FrameId(0, attempt=1), "a")
    assert sender.next_due(11.9) is None and sender.open == 1
    assert sender.next_due(12.0) is None and sender.open == 0  # given up


def test_fragments_are_asked_for_one_by_one_and_accepted_together():
    sender = Sender(attempts=3, timeout_s=1.0)
    for i in range(3):
        sender.sent(FrameId(6, i, 3), i, now=0.0)
    assert sender.open == 1
    sender.answer(Answer(FrameId(6, 1, 3), AGAIN), now=0.5)
    assert sender.next_due(0.5) == (FrameId(6, 1, 3, 1), 1)
    assert sender.next_due(1.2) is None  # the others were heard: their time begins anew
    sender.answer(Answer(FrameId(6, attempt=1), AGAIN), now=1.2)  # the whole frame
    assert [sender.next_due(1.2)[0] for _ in range(3)] == [
        FrameId(6, 0, 3, 1), FrameId(6, 1, 3, 2), FrameId(6, 2, 3, 1)
    ]  # fmt: skip
    sender.answer(Answer(FrameId(6, attempt=2), ACCEPTED))
    assert sender.open == 0 and sender.histogram == {2: 2, 3: 1}


def test_a_sender_has_room_for_its_window_alone():
    sender = Sender(attempts=2, window=2)
    for n in range(2):
        assert sender.has_room
        sender.sent(FrameId(n), None)
    assert not sender.has_room


@pytest.mark.parametrize("attempts", [0, 129])
def test_attempts_that_cannot_be_are_refused(attempts):
    for end in (Sender, Receiver):
        with pytest.raises(SemcomError, match=f"attempts {attempts}: expected 1 to 128"):
            end(attempts)


# --- the receiver ---------------------------------------------------------------------------------


def ones(value, noise, count=5):
    return np.full((2, count), value, np.complex64), np.full((2, count), noise, np.float32)


def test_a_receiver_combines_until_it_accepts():
    receiver = Receiver(attempts=3)
    receiver.take(FrameId(8), *ones(1.0, 1.0))
    assert receiver.judge(FrameId(8), good=False) == Answer(FrameId(8), AGAIN)
    second = FrameId(8, attempt=1)
    x, n = receiver.take(second, *ones(2.0, 0.5))[0]
    np.testing.assert_allclose(x, 5 / 3, rtol=1e-6)
    np.testing.assert_allclose(n, 1 / 3, rtol=1e-6)
    assert receiver.judge(second, good=True) == Answer(second, ACCEPTED)
    assert receiver.histogram == {2: 1} and receiver.forced == 0
    assert not receiver.wants(FrameId(8, attempt=2))  # the answer was lost, and it comes again
    assert receiver.judge(FrameId(8, attempt=2), good=False).verdict == ACCEPTED
    assert receiver.histogram == {2: 1}


def test_an_attempt_that_comes_twice_counts_once():
    receiver = Receiver(attempts=3)
    receiver.take(FrameId(8), *ones(1.0, 1.0))
    assert receiver.take(FrameId(8), *ones(1.0, 1.0))[0][1].max() == 1.0


def test_the_last_attempt_is_accepted_as_it_is():
    receiver = Receiver(attempts=2)
    receiver.take(FrameId(0, attempt=1), *ones(1.0, 1.0))
    assert receiver.judge(FrameId(0, attempt=1), good=False).verdict == ACCEPTED
    assert receiver.forced == 1


def test_frames_that_will_not_come_again_are_accepted_as_they_are():
    receiver, left = Receiver(attempts=2, window=3), []
    for n in range(50):
        assert receiver.wants(FrameId(n))
        receiver.take(FrameId(n), *ones(float(n), 1.0))
        receiver.judge(FrameId(n), good=n % 2 == 0)
        left += receiver.abandoned()
        assert len(receiver._open) <= 3 and len(receiver._done) <= 12
    assert [of.frame for of, _ in left] == list(range(1, 47, 2))
    assert all(parts[0][0][0, 0] == of.frame for of, parts in left)
    assert [of.frame for of, _ in receiver.abandoned(over=True)] == [47, 49]
    assert receiver.forced == 25 and receiver.histogram == {1: 50}


def test_a_sender_that_starts_again_is_heard_anew():
    receiver = Receiver(attempts=2, window=3)
    for n in range(5):
        receiver.wants(FrameId(n))
        receiver.take(FrameId(n), *ones(1.0, 1.0))
        receiver.judge(FrameId(n), good=True)
    assert receiver.wants(FrameId(0))
    x, _ = receiver.take(FrameId(0), *ones(2.0, 1.0))[0]
    assert (x == 2.0).all()


@pytest.mark.parametrize("seed", range(20))
def test_over_bad_links_every_frame_ends_within_its_attempts(seed):
    """Transmissions and answers are lost, repeated, delayed and reordered; time goes on."""
    rng, attempts = random.Random(seed), 4
    sender, receiver = Sender(attempts, window=5, timeout_s=3.0), Receiver(attempts, window=5)
    air, fresh, now, sends = [], list(range(20)), 0.0, 0
    while fresh or sender.open:
        now += 0.25
        assert now < 400, "it does not end"
        due = sender.next_due(now)
        if due is None and fresh and sender.has_room:
            of = FrameId(fresh.pop(0))
            sender.sent(of, of, now)
            due = of, of
        if due is not None:
            sends += 1
            copies = rng.choice((0, 1, 1, 2))
            air += [(now + rng.uniform(0, 5), "there", due[0]) for _ in range(copies)]
        for item in [item for item in air if item[0] <= now]:
            air.remove(item)
            if item[1] == "back":
                sender.answer(item[2], now)
                continue
            if receiver.wants(item[2]):
                receiver.take(item[2], *ones(1.0, 1.0))
                receiver.abandoned()
            answer = receiver.judge(item[2], good=rng.random() < 0.5)
            copies = rng.choice((0, 1, 1, 2))
            air += [(now + rng.uniform(0, 5), "back", answer) for _ in range(copies)]
    assert sum(sender.histogram.values()) == 20 and max(sender.histogram) <= attempts
    assert sends == sum(n * count for n, count in sender.histogram.items())
    assert math.isfinite(now) and len(receiver._open) <= 8
