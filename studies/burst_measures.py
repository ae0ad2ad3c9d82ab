# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Measure how well the link's burst receiver (``core.BurstReceiver``, which frame_sync_cc runs)
detects, synchronises and separates bursts.

A measure takes a point (a dict of settings), a random generator and a function that it calls with
the number of finished trials, and returns a dict of results.  Beside the receiver, its preamble
detector alone is measured, for bursts whose header is not decoded, and bounds in closed form.
"""

from collections.abc import Callable

import numpy as np
from gnuradio.semcom import core
from scipy.stats import binomtest, chi2

from .bursts import (
    ALONE,
    LINK,
    PAYLOAD,
    PREAMBLE,
    PULSE,
    RATE,
    SIDELINK,
    SPS,
    UPLINK,
    Side,
    User,
    complex_normal,
    noise_variance,
    on_air,
    payload_places,
    phase_noise_variance,
    qpsk,
    random_burst,
)

FRAME = 10_000  # [symbols] of noise to which the rate of false alarms refers


def receiver(side: Side, antennas: int, **settings):
    """The link's receiver of the bursts of a side."""
    return core.BurstReceiver(side.layout, side.rows, num_rx=antennas, pulse=PULSE, **settings)


def received(samples, side: Side, **settings) -> list:
    """Every ReceivedBurst in samples complex64 [M, n]."""
    ears = receiver(side, len(samples), **settings)
    ears.push(samples)
    ears.finish()
    return ears.take()


def read(bursts: list, user: int, sent, start: float):
    """A user's HeardUser of the burst that starts within a symbol of ``start`` [samples] and has
    the header that was sent; None if no burst has."""
    for burst in bursts:
        heard = burst.users[user]
        if heard.read and same(heard.header, sent) and at_place(heard.sync.start.value, start):
            return heard
    return None


def same(header, sent) -> bool:
    """Whether a header is the one that was sent."""
    return (header.frame, header.terminal, header.length) == (
        sent.frame, sent.terminal, sent.length,
    )  # fmt: skip


def at_place(found: float, start: float) -> bool:
    """Whether a preamble was detected within the one symbol that the synchroniser can correct."""
    return abs(found - start) <= SPS


def heard_at(samples, code: int) -> list:
    """Positions [samples] at which the receiver's detector finds a preamble, with its carrier."""
    return core.PreambleDetector(code, PULSE).detect(samples)


def rate(hits: int, trials: int) -> dict:
    """A rate with its 95 % interval (Clopper and Pearson), as fields of a record."""
    interval = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    return {"hits": hits, "of": trials, "rate": hits / trials, "ci95": [*map(float, interval)]}


def decibels(ratio: float) -> float:
    """10 log10 of a power ratio."""
    return float(10 * np.log10(ratio))


def detection(point: dict, rng, advance: Callable) -> dict:
    """Preambles detected and headers decoded of both users at two antennas, and false
    detections."""
    heard = got = strange = 0
    for _ in range(point["trials"]):
        frame = int(rng.integers(2**32))
        bursts = [random_burst(rng, UPLINK, k, frame=frame) for k in range(2)]
        samples, truth = on_air(rng, point, 2, [b.symbols for b in bursts])
        found = received(samples, UPLINK)
        for k, user in enumerate(truth):
            start = user.time(UPLINK.layout.preamble_position(k))
            right = [at_place(each.start, start) for each in heard_at(samples, k)]
            heard += any(right)
            strange += right.count(False)
            got += read(found, k, bursts[k].header, start) is not None
        advance(1)
    users = 2 * point["trials"]
    return {"preamble": rate(heard, users), "burst": rate(got, users), "strange": strange}


def sidelink(point: dict, rng, advance: Callable) -> dict:
    """Sidelink bursts received when sent once and when sent twice in a row, over the same draws."""
    heard, once, twice = 0, 0, 0
    for _ in range(point["trials"]):
        burst = random_burst(rng, SIDELINK)
        samples, (user,) = on_air(rng, point, 1, [np.tile(burst.symbols, 2)])
        found = received(samples, SIDELINK)
        starts = (user.start, user.time(SIDELINK.layout.total(PAYLOAD)))
        first, second = (read(found, 0, burst.header, start) is not None for start in starts)
        heard += any(
            at_place(each.start, user.start) for each in heard_at(samples, core.SIDELINK_CODE)
        )
        once += first
        twice += first or second
        advance(1)
    trials = point["trials"]
    return {
        "preamble": rate(heard, trials), "once": rate(once, trials), "twice": rate(twice, trials)
    }  # fmt: skip


def noise(point: dict, rng, advance: Callable) -> dict:
    """False alarms per frame of noise: preambles detected and headers decoded."""
    side = UPLINK if point["antennas"] == 2 else SIDELINK
    ears = receiver(side, point["antennas"], false_alarm=point["false_alarm"])
    headers = done = 0
    while done < point["trials"]:
        frames = min(5, point["trials"] - done)
        ears.push(complex_normal(rng, point["antennas"], SPS * FRAME * frames))
        headers += sum(user.read for burst in ears.take() for user in burst.users)
        done += frames
        advance(frames)
    ears.finish()
    headers += sum(user.read for burst in ears.take() for user in burst.users)
    return {
        "alarms": ears.num_detected, "headers": headers,
        "upper95": upper_bound(ears.num_detected, done),
    }  # fmt: skip


def upper_bound(events: int, frames: float) -> float:
    """Rate per frame at which only 5 % of counts would be as low (Poisson, one-sided)."""
    return float(chi2.ppf(0.95, 2 * events + 2) / (2 * frames))


def rms_margin_db(errors: int) -> float:
    """What an RMS of so many normal errors may be too low by [dB] (95 %, one-sided)."""
    return float(10 * np.log10(errors / chi2.ppf(0.05, errors)))


def estimates(point: dict, rng, advance: Callable) -> dict:
    """RMS errors of one user's carrier and time at two antennas beside their Cramer-Rao bounds:
    after the preamble, over detected bursts, and after the header, over received ones."""
    errors = {"preamble": [], "head": []}
    first = core.make_preamble(0)
    for _ in range(point["trials"]):
        burst = random_burst(rng, ALONE, count=LINK.pilot_spacing)
        samples, (user,) = on_air(rng, point, 2, [burst.symbols])
        for each in heard_at(samples, 0):
            if at_place(each.start, user.start):
                found = core.Synchroniser(PULSE).synchronise(samples, first, each.start, each.cfo)
                errors["preamble"].append(
                    squared_errors(found, found.start.value, user, noise_variance(point))
                )
        if heard := read(received(samples, ALONE), 0, burst.header, user.start):
            start = heard.sync.start.value - SPS * heard.clock.delay.value  # before its pilots
            errors["head"].append(squared_errors(heard.sync, start, user, noise_variance(point)))
        advance(1)
    return {stage: root_mean(values) for stage, values in errors.items()}


def squared_errors(found, start: float, user: User, noise_var: float) -> list:
    """Squared errors of carrier [cycles per symbol] and time [symbols], and their Cramer-Rao bounds
    for this burst's gains (lib/phy/burst).  start  the estimated start [samples]"""
    length = 2 * found.middle + 1
    snr = np.sum(abs(user.h) ** 2) / noise_var
    late = (start + SPS * found.middle - user.time(found.middle)) / SPS
    bandwidth = 1 / 12 + PULSE.roll_off**2 * (1 / 4 - 2 / np.pi**2)
    return [
        (found.cfo.value - user.cfo) ** 2,
        6 / ((2 * np.pi) ** 2 * snr * length * (length**2 - 1)),
        late**2,
        1 / (2 * snr * length * (2 * np.pi) ** 2 * bandwidth),
    ]


def root_mean(squares: list) -> dict | None:
    """RMS errors and bounds of a stage; None if there are none."""
    if not squares:
        return None
    cfo, cfo_bound, time, time_bound = np.sqrt(np.mean(squares, axis=0)).tolist()
    return {
        "bursts": len(squares),
        "cfo_hz": cfo * RATE, "cfo_bound_hz": cfo_bound * RATE,
        "cfo_over_db": 2 * decibels(cfo / cfo_bound),
        "time": time, "time_bound": time_bound,
        "time_over_db": 2 * decibels(time / time_bound),
    }  # fmt: skip


def cfo_floor_hz(level_dbc_hz: float, length: int = PREAMBLE) -> float:
    """RMS [Hz] of the slope of a straight line through the phase noise of two oscillators over
    ``length`` symbols: sqrt(6 s^2 / (5 N)) / (2 pi) for steps of variance s^2."""
    variance = 2 * phase_noise_variance(level_dbc_hz)
    return float(np.sqrt(6 * variance / (5 * length)) / (2 * np.pi) * RATE)


def payload(point: dict, rng, advance: Callable) -> dict:
    """EVM of both users' payloads after the receiver, beside that of a zero-forcing detector that
    knows the same H and receives aligned users in equal noise, over frames with both headers
    decoded.
    """
    results = []
    for _ in range(point["trials"]):
        frame = int(rng.integers(2**32))
        bursts = [random_burst(rng, UPLINK, k, frame=frame) for k in range(2)]
        samples, truth = on_air(rng, point, 2, [b.symbols for b in bursts])
        weights = np.linalg.inv(np.stack([user.h for user in truth], axis=1))
        aligned = noise_variance(point) * np.sum(abs(weights) ** 2, axis=1)
        for found in received(samples, UPLINK):
            if all(user.read and same(user.header, b.header)
                   for user, b in zip(found.users, bursts, strict=True)):  # fmt: skip
                for k, burst in enumerate(bursts):
                    error = np.mean(abs(found.payload[k] - burst.payload) ** 2)
                    results.append((error, aligned[k]))
        advance(1)
    return {"frames": len(results) // 2, **evm_figures(np.array(results).reshape(-1, 2))}


def evm_figures(powers: np.ndarray) -> dict:
    """Medians over the bursts of (EVM, aligned EVM) [n, 2], and of their ratio, with its 90 %
    quantile [dB]; None without bursts."""
    if not len(powers):
        return dict.fromkeys(("evm_db", "aligned_db", "loss_db", "loss90_db"))
    loss = powers[:, 0] / powers[:, 1]
    return {
        "evm_db": decibels(np.median(powers[:, 0])),
        "aligned_db": decibels(np.median(powers[:, 1])),
        "loss_db": decibels(np.median(loss)),
        "loss90_db": decibels(np.quantile(loss, 0.9)),
    }


def peaks(point: dict, rng, advance: Callable) -> dict:
    """Peak over mean power of shaped bursts within their duration, and the payload's EVM."""
    source = {"qpsk": qpsk, "normal": complex_normal}[point["payload"]]
    peak, error = [], []
    for _ in range(point["trials"]):
        burst = random_burst(rng, ALONE, payload=source)
        samples = core.shape_symbols(burst.symbols, PULSE)
        if point["limit_db"] is not None:
            samples, _ = core.limit_peak(samples, PULSE, point["limit_db"])
        peak.append(core.peak_to_mean_db(samples, 1 / SPS))
        at = ALONE.layout.body_position + payload_places(PAYLOAD)
        found = core.matched_filter(
            samples, PULSE, first=PULSE.span * SPS, step=SPS, count=len(burst.symbols)
        )
        error.append(np.mean(abs(found[at] - burst.payload) ** 2))
        advance(1)
    return {
        "peak_db": float(np.median(peak)), "highest_db": float(max(peak)),
        "evm_db": decibels(np.mean(error)),
    }  # fmt: skip


MEASURES = {
    "detection": detection,
    "sidelink": sidelink,
    "noise": noise,
    "estimates": estimates,
    "payload": payload,
    "peaks": peaks,
}
