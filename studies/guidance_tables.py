# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The tables and the figure of docs/guidance.md."""

import numpy as np
from gnuradio.semcom.report import tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.report.tables import Estimate
from gnuradio.semcom.tasks.scores import clip_bootstrap

from .guidance_trainings import (
    DEAF,
    DROWNED,
    EPOCHS,
    FIXED,
    HEARING,
    LENGTHS,
    LOW,
    PEAKS,
    RIVALS_OF,
    SHOWN,
    SIDELINK_SNRS,
    SNR,
    TODAY,
    WORDS,
    Place,
    low_places,
)


def over_clips(records: list, what: str = "clip_scores") -> np.ndarray:
    """A figure of each clip [N], the mean over training seeds."""
    return np.mean([record[what] for record in records], axis=0)


def told(values: np.ndarray) -> str:
    """Mean over the clips, and its 95 % interval from resampling them."""
    low, high = clip_bootstrap(values)
    return f"{values.mean():.3f} ({low:.3f} to {high:.3f})"


def lead(one: np.ndarray, other: np.ndarray) -> str:
    """Mean of ``one`` - ``other`` over the clips [N], and its 95 % interval from resampling them,
    as text."""
    low, high = clip_bootstrap(one - other)
    return f"{np.mean(one - other):+.3f} ({low:+.3f} to {high:+.3f})"


def deaf(results: dict, hearing: str) -> list[str]:
    """Measured modes that were trained without the sidelink, as long as the mode ``hearing``."""
    modes = RIVALS_OF[hearing]
    return [mode for mode in modes if (mode, Place("rivals", SHOWN, None)) in results]


def guidance_table(results: dict, data: str, hearing: str = "guided") -> list:
    """Accuracy with the sidelink, with it drowned, and trained without it, by payload length."""
    rows, modes = [], deaf(results, hearing)
    if not modes:
        return ["Not trained."]
    for n in LENGTHS:
        places_ = [(hearing, SNR), (hearing, DROWNED), *((mode, None) for mode in modes)]
        scores = [over_clips(results[mode, Place(data, n, at)]) for mode, at in places_]
        leads = [lead(*alike(results, hearing, mode, data, n)) for mode in modes]
        rows.append([str(n), *(f"{each.mean():.3f}" for each in scores), *leads])
    header = ["symbols", "guided", "drowned", *(WORDS[mode] for mode in modes),
              *(f"guided over {WORDS[mode]}" for mode in modes)]  # fmt: skip
    return tables.markdown(header, rows)


def alike(results: dict, hearing: str, mode: str, data: str, n: int) -> tuple:
    """Scores of the guided networks and of those of a mode trained without the sidelink, over their
    common seeds."""
    guided, other = results[hearing, Place(data, n, SNR)], results[mode, Place(data, n, None)]
    count = min(len(guided), len(other))
    return over_clips(guided[:count]), over_clips(other[:count])


def longer_table(results: dict) -> list:
    """Longer training and the shipped weights, with the sidelink and with it drowned."""
    rows = []
    for mode, n in [*((mode, n) for mode in HEARING for n in (SHOWN, 64)), (TODAY, 64)]:
        if (mode, Place("plain", n, SNR)) not in results:
            continue
        row = [f"{WORDS[mode]}, {n} symbols"]
        for data in ("plain", "rivals"):
            heard, drowned = (results[mode, Place(data, n, at)] for at in (SNR, DROWNED))
            row += [told(over_clips(heard)), lead(over_clips(heard), over_clips(drowned))]
        rows.append(row)
    header = ["", "ave28", "over drowned", "with rivals", "over drowned"]
    return tables.markdown(header, rows)


def attention_table(results: dict) -> list:
    """Share of attention on the event's cells, with rivals."""
    rows = []
    for mode in (*HEARING, *DEAF, TODAY):
        for n in (SHOWN, LENGTHS[-1]):
            heard = results.get((mode, Place("rivals", n, None if mode in DEAF else SNR)))
            if heard:
                drowned = results.get((mode, Place("rivals", n, DROWNED)))
                cells = ["-" if r is None else told(over_clips(r, "shares"))
                         for r in (heard, drowned)]  # fmt: skip
                rows.append([f"{WORDS[mode]}, {n} symbols", *cells])
    return tables.markdown(["attention on the event's cells", "as trained", "drowned"], rows)


def panels(results: dict) -> list[Axes]:
    """Accuracy, and attention on the event's cells, over the sidelink's SNR."""
    drawn = []
    for what, label in (("clip_scores", "accuracy"), ("shares", "attention on the event's cells")):
        lines, levels = [], []
        for at, mode in enumerate(deaf(results, "guided"), len(HEARING)):
            level = over_clips(results[mode, Place("rivals", SHOWN, None)], what).mean()
            levels.append((WORDS[mode], float(level), f"C{at}"))
        for at, mode in enumerate(HEARING):
            if (mode, Place("rivals", SHOWN, SNR)) in results:
                line = []
                for snr in SIDELINK_SNRS:
                    values = over_clips(results[mode, Place("rivals", SHOWN, snr)], what)
                    line.append(Estimate(float(values.mean()), *clip_bootstrap(values)))
                lines.append(Line(WORDS[mode], list(SIDELINK_SNRS), line, (at, at)))
        if what == "shares":
            levels.append(("even attention", 4 / 7, "0.5"))
        title = f"ave28 with rivals, {SHOWN} symbols"
        drawn.append(Axes(title, "SNR of the sidelink [dB]", label, lines, levels=levels))
    return drawn


def low_table(results: dict, models: dict) -> list:
    """The longest payload on the plain set: free of errors, and at low SNR."""
    rows = []
    for mode in [mode for mode in WORDS if mode in models]:
        places_ = low_places(None if mode in DEAF else SNR)
        rows.append([WORDS[mode], *(told(over_clips(results[mode, p])) for p in places_)])
    return tables.markdown(["", "error-free", *(f"{snr:g} dB" for snr in LOW)], rows)


def lengths_table(results: dict, models: dict) -> list:
    """One network for all lengths beside one trained for each, the first training seed of both."""
    rows = []
    for mode, epochs in EPOCHS.items():
        for n in [n for n in FIXED if mode in models and f"fixed{n}" in models]:
            row = [epochs, str(n)]
            for data in ("plain", "rivals"):
                place = Place(data, n, SNR)
                one, own = (np.array(results[each, place][0]["clip_scores"])
                            for each in (mode, f"fixed{n}"))  # fmt: skip
                row += [f"{one.mean():.3f}", f"{own.mean():.3f}", lead(one, own)]
            rows.append(row)
    header = ["epochs of the one for all", "symbols a second"]
    for name in ("ave28", "ave28 with rivals"):
        header += [f"{name}: one for all", "trained for this", "difference"]
    return tables.markdown(header, rows) if rows else ["No network was trained for one length."]


def peaks_table(found: dict) -> list:
    """Largest and mean peaks over frames."""
    rows = []
    for (mode, n), values in found.items():
        cells = [f"{v.max():.1f} ({v.mean():.1f})" for v in values.values()]
        rows.append([f"{PEAKS[mode]}, {n} symbols", *cells])
    return tables.markdown(["", "symbols [dB]", "after pulse shaping [dB]"], rows)


def price_table(results: dict) -> list:
    """Loss of accuracy by the bound on the peak, for the first training seed of both."""
    rows = []
    for data, name in (("plain", "ave28"), ("rivals", "ave28 with rivals")):
        for n in (8, 64):
            place = Place(data, n, SNR)
            if ("loud", place) not in results:
                continue
            one, other = (np.array(results[mode, place][0]["clip_scores"])
                          for mode in ("guided", "loud"))  # fmt: skip
            rows.append([f"{name}, {n} symbols", f"{one.mean():.3f}", f"{other.mean():.3f}",
                         lead(one, other)])  # fmt: skip
    header = ["", "bounded", "any peak", "difference"]
    return tables.markdown(header, rows) if rows else ["No network was trained without the bound."]


def air_table(air: dict) -> list:
    """Accuracy with the mock radio's amplifiers linear and saturating."""
    rows = [
        [
            PEAKS[mode],
            "linear" if back_off is None else f"{back_off:g} dB",
            f"{record['evm_db']:.1f}",
            f"{record['accuracy']:.3f}",
        ]
        for (mode, back_off), record in air.items()
    ]
    return tables.markdown(["symbols", "back-off", "EVM [dB]", "accuracy"], rows)
