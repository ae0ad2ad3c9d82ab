# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""How well bursts are found, aligned and parted where no device agrees with another.

A point is a dict of settings with its section, channel, SNR and number of trials; :func:`plan`
lists them, :func:`measure` turns one into a record.  The maths under test is that of ``lib/phy``
(``semcom.core``); what is here sends, and compares with what it sent.

Every device has a carrier within :data:`CARRIER` and a clock within :data:`CLOCK` of nominal, all
independent, the receiver too; bursts begin at random times.  Channels are flat and stand still for
a burst, as in the design: AWGN, H = eye; Rayleigh, CN(0, 1) entries; Rician with K = 4.
SNR is Es / N0 of each stream at each antenna after the matched filter.
"""

import json
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from gnuradio.semcom import core
from scipy.stats import binomtest, chi2

RATE = 1e6  # [symbols per second]
CARRIER = 10e3 / RATE  # largest carrier offset of a device [cycles per symbol]
CLOCK = 20e-6  # largest clock offset of a device
RICIAN_K = 4.0
PULSE = core.PulseShape()
SPS = PULSE.sps
GAP, PILOTS, SPACING = 64, 16, 256  # [symbols] of a burst, as BurstLayout has them by default
UPLINK, ALONE, FEEDBACK = (
    core.BurstLayout(users=users, first_code=code, gap=GAP, num_pilots=PILOTS, spacing=SPACING)
    for users, code in ((2, 0), (1, 0), (1, core.SIDELINK_CODE))
)
PAYLOAD = 640  # [symbols]
FRAME = 10_000  # [symbols] of noise that false alarms are counted in
MARGIN = 16  # [symbols] of silence around a burst, above the pulse's span
PREAMBLE = UPLINK.preamble_length

SNRS = (-5.0, -4.0, -3.0, -2.0, -1.0, 0.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0, 30.0)
NO_NOISE = 60.0  # [dB] at which only what synchronisation leaves is seen
PEAK_LIMITS = (None, 8.0, 7.0, 6.0)  # [dB]
PHASE_NOISE = -80.0  # [dBc/Hz] at PHASE_NOISE_OFFSET, of each device
PHASE_NOISE_OFFSET = 10e3  # [Hz]


# --- what is sent and heard -----------------------------------------------------------------------


@dataclass(frozen=True)
class User:
    """The truth about one user: where its first symbol is [samples]; its carrier [cycles per
    symbol] and clock (a symbol lasts 1 + clock nominal ones) against the receiver's; its gains [M].
    """

    start: float
    cfo: float
    clock: float
    h: np.ndarray

    def time(self, symbol: float) -> float:
        """[samples] of one of its symbols."""
        return self.start + SPS * (1 + self.clock) * symbol


@dataclass(frozen=True)
class Burst:
    """What one user sends: symbols complex64 [n], and what is in them."""

    symbols: np.ndarray
    header: object
    row: np.ndarray
    payload: np.ndarray


def complex_normal(rng, *shape) -> np.ndarray:
    """CN(0, 1) numbers, complex64 [shape]."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    parts *= np.float32(np.sqrt(0.5))
    return parts.view(np.complex64)[..., 0]


def qpsk(rng, count: int) -> np.ndarray:
    """Random symbols of unit modulus, complex64 [count]."""
    levels = rng.integers(0, 2, (count, 2)).astype(np.float32) * 2 - 1
    return (levels * np.float32(np.sqrt(0.5))).view(np.complex64)[:, 0]


def random_burst(rng, layout, user: int = 0, count: int = PAYLOAD, payload=complex_normal) -> Burst:
    """A burst of QPSK pilots and ``payload(rng, count)``, by default as networks send."""
    header = core.FrameHeader(int(rng.integers(2**32)), terminal=user, length=count)
    row, symbols = qpsk(rng, PILOTS), payload(rng, count)
    return Burst(core.assemble_burst(layout, user, header, row, symbols), header, row, symbols)


def waveform(symbols, start: float, clock: float, count: int) -> np.ndarray:
    """Shaped symbols as a receiver samples them, complex64 [count]: symbol i lies at
    start + i sps (1 + clock) samples, exact to the interpolation of ``polyphase_filter``."""
    stuffed = np.zeros(SPS * len(symbols), np.complex64)
    stuffed[::SPS] = symbols
    step = 1 / (1 + clock)  # the pulse is even: filtering the symbols is shaping them
    return core.matched_filter(stuffed, PULSE, first=-start * step, step=step, count=count)


def channel(rng, kind: str, antennas: int, users: int) -> np.ndarray:
    """H complex128 [M, K] of a burst, ``kind`` awgn (under a random phase), rayleigh or rician."""
    if kind == "awgn":
        return np.eye(antennas, users) * np.exp(2j * np.pi * rng.random())
    scattered = complex_normal(rng, antennas, users).astype(np.complex128)
    if kind == "rayleigh":
        return scattered
    sight = np.exp(2j * np.pi * rng.random((antennas, users)))
    return (np.sqrt(RICIAN_K) * sight + scattered) / np.sqrt(RICIAN_K + 1)


def phase_noise_variance(level_dbc_hz: float | None) -> float:
    """[rad^2 per symbol] by which one device's phase wanders; None: a clean oscillator."""
    if level_dbc_hz is None:
        return 0.0
    return (2 * np.pi * PHASE_NOISE_OFFSET) ** 2 * 10 ** (level_dbc_hz / 10) / RATE


def walk(rng, variance: float, count: int) -> np.ndarray:
    """Phase [rad] of an oscillator at sample spacing, float64 [count]."""
    return np.cumsum(rng.normal(scale=np.sqrt(variance / SPS), size=count)) if variance else 0.0


def on_air(rng, point: dict, antennas: int, symbols: list):
    """Samples complex64 [M, n] of the users' ``symbols`` over one draw of channel, carriers,
    clocks, noise, and starts within the gap; and the truth, a :class:`User` each."""
    users = len(symbols)
    count = SPS * (len(symbols[0]) + GAP + 2 * MARGIN)
    carriers = rng.uniform(-CARRIER, CARRIER, users + 1)  # the last is the receiver's
    clocks = rng.uniform(-CLOCK, CLOCK, users + 1)
    starts = SPS * (MARGIN + rng.uniform(0, GAP, users))
    h = channel(rng, point["channel"], antennas, users)
    wander = phase_noise_variance(point.get("phase_noise_dbc_hz"))
    own = walk(rng, wander, count)
    heard = np.sqrt(np.float32(noise_variance(point))) * complex_normal(rng, antennas, count)
    truth = []
    for k in range(users):
        cfo = carriers[k] - carriers[-1]
        clock = (1 + clocks[-1]) / (1 + clocks[k]) - 1
        phase = 2 * np.pi * cfo / SPS * (np.arange(count) - starts[k]) + walk(rng, wander, count)
        wave = waveform(symbols[k], starts[k], clock, count) * np.exp(1j * (phase - own))
        heard += (h[:, k : k + 1] * wave).astype(np.complex64)
        truth.append(User(starts[k], cfo, clock, h[:, k]))
    return heard, truth


def noise_variance(point: dict) -> float:
    """N0 of a point, of unit symbol power."""
    return 10 ** (-point["snr_db"] / 10)


# --- the receiver ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Head:
    """A preamble that was heard at ``start`` [samples], what it told, and the header if one was."""

    start: float
    found: object
    header: object


class Receiver:
    """The steps of ``lib/phy/burst`` for all users of a layout."""

    def __init__(self, layout, codes: tuple, false_alarm: float = 1e-4):
        self.layout, self.sync = layout, core.Synchroniser(PULSE)
        self.detectors = [core.PreambleDetector(c, PULSE, false_alarm=false_alarm) for c in codes]
        self.preambles = [core.make_preamble(code) for code in codes]

    def heads(self, samples, user: int) -> list:
        """Every :class:`Head` in samples complex64 [M, n]."""
        detections = self.detectors[user].detect(samples)
        return [self._read(samples, user, heard) for heard in detections]

    def _read(self, samples, user: int, heard) -> Head:
        known = self.preambles[user]
        found = self.sync.synchronise(samples, known, heard.start, heard.cfo)
        return Head(heard.start, found, self.read_header(samples, found))

    def read_header(self, samples, found):
        """The FrameHeader after the preamble, or None."""
        length = self.layout.header_length
        symbols = self.sync.align(samples, found, first=PREAMBLE, length=length)
        combined, _ = core.combine(symbols, found.h)
        return core.read_header(combined, found, first=PREAMBLE)

    def refined(self, samples, user: int, head: Head):
        """The estimates again, of preamble and header together."""
        known = self.layout.head(user, head.header)
        return self.sync.synchronise(samples, known, head.found.start.value, head.found.cfo.value)

    def payloads(self, samples, users: list, bursts: list, wander: float) -> list:
        """Both users' payloads, parted, from their refined estimates; ``wander`` is the phase noise
        [rad^2 per symbol] that the track allows for."""
        csi = core.joint_channel(users)
        return [
            self._payload(samples, users[k], k, csi, bursts[k], wander) for k in range(len(users))
        ]

    def _payload(self, samples, found, user: int, csi, burst: Burst, wander: float):
        layout, count = self.layout, len(burst.payload)
        first = layout.body_position - layout.preamble_position(user)
        body = dict(first=first, length=layout.body_length(count))
        stream, packed = core.detect(self.sync.align(samples, found, **body), csi)
        pilots = dict(spacing=SPACING, noise_var=float(packed[2 + user].imag))
        clock = core.estimate_clock(
            stream[user], burst.row, pulse=PULSE, found=found, body_start=first,
            offset_var=2 * CLOCK**2 / 3, **pilots,
        )  # fmt: skip
        later = found.delayed(SPS * clock.delay.value)
        again = self.sync.align(samples, later, clock_offset=clock.offset.value, **body)
        stream = core.detect(again, csi)[0][user]
        track = core.track_phase(
            stream, burst.row, cfo_var=found.cfo.variance, phase_noise=wander, **pilots
        )
        return core.correct_phase(stream, track)[payload_places(count)]


def payload_places(count: int) -> np.ndarray:
    """Where a body has its payload symbols, int [count]."""
    i = np.arange(count)
    return i + PILOTS * (1 + i // SPACING)


def same(header, sent) -> bool:
    """Whether a header was read, and is the one that was sent."""
    return header is not None and (header.frame, header.terminal, header.length) == (
        sent.frame, sent.terminal, sent.length,
    )  # fmt: skip


def at_place(head: Head, start: float) -> bool:
    """Whether a preamble was heard where it is, to the symbol that the synchroniser can mend."""
    return abs(head.start - start) <= SPS


# --- the measurements -----------------------------------------------------------------------------


def rate(hits: int, trials: int) -> dict:
    """A share with its 95 % interval (Clopper and Pearson), as fields of a record."""
    interval = binomtest(hits, trials).proportion_ci(0.95, method="exact")
    return {"hits": hits, "of": trials, "rate": hits / trials, "ci95": [*map(float, interval)]}


def decibels(ratio: float) -> float:
    """10 log10 of a power ratio."""
    return float(10 * np.log10(ratio))


def detection(point: dict, rng, advance: Callable) -> dict:
    """Preambles heard and headers read, of both users at the two antennas, and preambles heard
    where there are none."""
    receiver, heard, read, strange = Receiver(UPLINK, (0, 1)), 0, 0, 0
    for _ in range(point["trials"]):
        bursts = [random_burst(rng, UPLINK, k) for k in range(2)]
        samples, truth = on_air(rng, point, 2, [b.symbols for b in bursts])
        for k, user in enumerate(truth):
            heads = receiver.heads(samples, k)
            start = user.time(UPLINK.preamble_position(k))
            right = [head for head in heads if at_place(head, start)]
            heard += bool(right)
            read += any(same(head.header, bursts[k].header) for head in right)
            strange += len(heads) - len(right)
        advance(1)
    users = 2 * point["trials"]
    return {"preamble": rate(heard, users), "burst": rate(read, users), "strange": strange}


def feedback(point: dict, rng, advance: Callable) -> dict:
    """Feedback bursts received, of one and of two copies in a row, over the same draws."""
    receiver, heard, once, twice = Receiver(FEEDBACK, (core.SIDELINK_CODE,)), 0, 0, 0
    length = FEEDBACK.total(PAYLOAD)
    for _ in range(point["trials"]):
        burst = random_burst(rng, FEEDBACK)
        samples, (user,) = on_air(rng, point, 1, [np.tile(burst.symbols, 2)])
        heads = receiver.heads(samples, 0)
        first = [head for head in heads if at_place(head, user.start)]
        second = [head for head in heads if at_place(head, user.time(length))]
        heard += bool(first)
        once += any(same(head.header, burst.header) for head in first)
        twice += any(same(head.header, burst.header) for head in first + second)
        advance(1)
    trials = point["trials"]
    return {
        "preamble": rate(heard, trials), "once": rate(once, trials), "twice": rate(twice, trials)
    }  # fmt: skip


def noise(point: dict, rng, advance: Callable) -> dict:
    """Preambles and headers in frames of noise, per frame, by all detectors of one receiver."""
    layout, codes = (
        (UPLINK, (0, 1)) if point["antennas"] == 2 else (FEEDBACK, (core.SIDELINK_CODE,))
    )
    receiver = Receiver(layout, codes, point["false_alarm"])
    together = 5  # frames that are looked at in one piece
    alarms = headers = done = 0
    while done < point["trials"]:
        frames = min(together, point["trials"] - done)
        count = SPS * FRAME * frames + receiver.detectors[0].window
        samples = complex_normal(rng, point["antennas"], count)
        heads = [head for user in range(len(codes)) for head in receiver.heads(samples, user)]
        alarms += len(heads)
        headers += sum(head.header is not None for head in heads)
        done += frames
        advance(frames)
    return {"alarms": alarms, "headers": headers, "upper95": upper_bound(alarms, done)}


def upper_bound(events: int, frames: float) -> float:
    """Rate per frame at which only 5 % of counts would be as low (Poisson, one-sided)."""
    return float(chi2.ppf(0.95, 2 * events + 2) / (2 * frames))


def estimates(point: dict, rng, advance: Callable) -> dict:
    """Errors (RMS) of one user's carrier and time at two antennas beside their Cramer-Rao bounds:
    after the preamble, of bursts that were heard, and after the header, of those received."""
    receiver, errors = Receiver(ALONE, (0,)), {"preamble": [], "head": []}
    for _ in range(point["trials"]):
        burst = random_burst(rng, ALONE, count=SPACING)
        samples, (user,) = on_air(rng, point, 2, [burst.symbols])
        for head in receiver.heads(samples, 0):
            if at_place(head, user.start) and head.found.found:
                found = {"preamble": head.found}
                if same(head.header, burst.header):
                    found["head"] = receiver.refined(samples, 0, head)
                for stage, each in found.items():
                    errors[stage].append(squared_errors(each, user, noise_variance(point)))
        advance(1)
    return {stage: root_mean(values) for stage, values in errors.items()}


def squared_errors(found, user: User, noise_var: float) -> list:
    """Squared errors of carrier [cycles per symbol] and time [symbols], and their Cramer-Rao bounds
    for this burst's gains (lib/phy/burst)."""
    length = 2 * found.middle + 1
    snr = np.sum(abs(user.h) ** 2) / noise_var
    late = (found.start.value + SPS * found.middle - user.time(found.middle)) / SPS
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
    """EVM of both users' payloads after the whole chain, beside that of a zero-forcing detector
    that knows the same H and hears aligned users in as much noise.  Frames with both headers read
    count.  The phase track allows for :data:`PHASE_NOISE` whether there is any or not."""
    receiver, results = Receiver(UPLINK, (0, 1)), []
    wander = 2 * phase_noise_variance(PHASE_NOISE)
    for _ in range(point["trials"]):
        bursts = [random_burst(rng, UPLINK, k) for k in range(2)]
        samples, truth = on_air(rng, point, 2, [b.symbols for b in bursts])
        users = [refined_user(receiver, samples, k, bursts[k].header) for k in range(2)]
        if None not in users:
            weights = np.linalg.inv(np.stack([user.h for user in truth], axis=1))
            aligned = noise_variance(point) * np.sum(abs(weights) ** 2, axis=1)
            found = receiver.payloads(samples, users, bursts, wander)
            for k, burst in enumerate(bursts):
                results.append((np.mean(abs(found[k] - burst.payload) ** 2), aligned[k]))
        advance(1)
    return {"frames": len(results) // 2, **evm_figures(np.array(results).reshape(-1, 2))}


def refined_user(receiver: Receiver, samples, user: int, sent):
    """A user's estimates of preamble and header; None if its header was not read."""
    for head in receiver.heads(samples, user):
        if same(head.header, sent):
            return receiver.refined(samples, user, head)
    return None


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
    """Peak power of shaped bursts over their mean while they are on, and the payload's EVM."""
    source = {"qpsk": qpsk, "normal": complex_normal}[point["payload"]]
    peak, error = [], []
    for _ in range(point["trials"]):
        burst = random_burst(rng, ALONE, payload=source)
        samples = core.shape_symbols(burst.symbols, PULSE)
        if point["limit_db"] is not None:
            samples, _ = core.limit_peak(samples, PULSE, point["limit_db"])
        peak.append(core.peak_to_mean_db(samples, 1 / SPS))
        at = ALONE.body_position + payload_places(PAYLOAD)
        found = core.matched_filter(
            samples, PULSE, first=PULSE.span * SPS, step=SPS, count=len(burst.symbols)
        )
        error.append(np.mean(abs(found[at] - burst.payload) ** 2))
        advance(1)
    return {
        "peak_db": float(np.median(peak)), "highest_db": float(max(peak)),
        "evm_db": decibels(np.mean(error)),
    }  # fmt: skip


# --- the plan -------------------------------------------------------------------------------------

AIMED = 5.0  # [dB] at which aims are set
MEASURES = {
    "detection": detection,
    "feedback": feedback,
    "noise": noise,
    "estimates": estimates,
    "payload": payload,
    "peaks": peaks,
}


def plan(sections=tuple(MEASURES), most: int | None = None) -> list:
    """The points of some sections; ``most``: no more trials than that for any."""
    points = [
        *({"section": "detection", "channel": kind, "snr_db": snr,
           "trials": 4000 if snr == AIMED else 600}
          for kind in ("awgn", "rayleigh") for snr in SNRS),
        *({"section": "feedback", "channel": kind, "snr_db": snr, "trials": 1000}
          for kind in ("awgn", "rayleigh", "rician") for snr in SNRS),
        *({"section": "noise", "antennas": antennas, "false_alarm": set_rate, "trials": frames}
          for antennas, set_rate, frames in ((2, 1e-4, 40_000), (1, 1e-4, 10_000), (1, 0.1, 4000))),
        *({"section": "estimates", "channel": kind, "phase_noise_dbc_hz": level, "snr_db": snr,
           "trials": 1000}
          for kind, level in (("awgn", None), ("rayleigh", None), ("awgn", PHASE_NOISE))
          for snr in SNRS),
        *({"section": "payload", "channel": kind, "phase_noise_dbc_hz": level, "snr_db": snr,
           "trials": 150}
          for kind, level in (("awgn", None), ("rayleigh", None), ("awgn", PHASE_NOISE))
          for snr in (*np.arange(-5.0, 31.0, 5.0).tolist(), NO_NOISE)),
        *({"section": "peaks", "payload": kind, "limit_db": limit, "trials": 200}
          for kind in ("qpsk", "normal") for limit in PEAK_LIMITS),
    ]  # fmt: skip
    chosen = [point for point in points if point["section"] in sections]
    return [{**p, "trials": min(p["trials"], most or p["trials"])} for p in chosen]


def measure(point: dict, seed: int, advance: Callable = lambda trials: None) -> dict:
    """A point with what was found; ``advance`` is told of trials done.  Equal points and seeds give
    equal records, whatever else is measured."""
    key = json.dumps(point, sort_keys=True).encode()
    rng = np.random.default_rng([seed, zlib.crc32(key)])
    return {**point, "seed": seed, **MEASURES[point["section"]](point, rng, advance)}
