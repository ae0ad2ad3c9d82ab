# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Tables, figures and the page of the results of :mod:`synchronisation`.

A page is made from records alone; sections without records are left out.
"""

from pathlib import Path

from gnuradio.semcom.report import plots, tables
from gnuradio.semcom.report.plots import Axes, Line
from gnuradio.semcom.report.tables import Estimate

from . import pages
from .burst_measures import FRAME, cfo_floor_hz, rms_margin_db, upper_bound
from .bursts import GAP, KNOWN, PAYLOAD, PHASE_NOISE, PREAMBLE, UPLINK
from .experiment import CHANNELS

AIMED = 5.0  # SNR [dB] of the aims
NO_NOISE = 60.0  # SNR [dB] at which only the residual errors of synchronisation matter
STAGES = {"preamble": "after the preamble", "head": "after the header too"}
LOOKS = ((0, 0), (1, 1))
BOUNDS = {"preamble": "Cramer-Rao, preamble", "head": "Cramer-Rao, header too"}
AIMS = {"awgn": 0.999, "rayleigh": 0.99}  # bursts at two antennas and AIMED dB
FALSE_AIM = 1e-4  # per frame of noise
BOUND_AIM = 2.0  # [dB]


def group(records: list, section: str, *keys: str) -> dict:
    """Records of a section by the values of some keys, in their order."""
    groups = {}
    for record in records:
        if record["section"] == section:
            groups.setdefault(tuple(record[key] for key in keys), []).append(record)
    return groups


def oscillator(level: float | None) -> str:
    """A level of phase noise [dBc/Hz] in words; None: without."""
    return "clean oscillators" if level is None else f"phase noise {level:g} dBc/Hz"


def condition(kind: str, level: float | None) -> str:
    """A channel and a level of phase noise [dBc/Hz] in words."""
    return f"{CHANNELS[kind]}, {oscillator(level)}"


# --- tables ---------------------------------------------------------------------------------------


def percent(share: dict) -> list:
    """A rate and its 95 % interval as two cells [%]."""
    low, high = share["ci95"]
    return [f"{100 * share['rate']:.2f}", f"{100 * low:.2f}-{100 * high:.2f}"]


def detection_table(records: list) -> list:
    """A table per channel, and the number of false detections."""
    lines = []
    for (kind,), points in group(records, "detection", "channel").items():
        rows = [
            [f"{r['snr_db']:g}", *percent(r["preamble"]), *percent(r["burst"]),
             str(r["burst"]["of"]), str(r["strange"])]
            for r in points
        ]  # fmt: skip
        header = ["SNR [dB]", "preamble heard [%]", "95 % range", "burst received [%]",
                  "95 % range", "bursts", "heard elsewhere"]  # fmt: skip
        lines += [f"{CHANNELS[kind]}:", "", *tables.markdown(header, rows), ""]
    points = [r for r in records if r["section"] == "detection"]
    symbols = sum(2 * r["trials"] for r in points) * UPLINK.layout.total(PAYLOAD)
    frames, strange = symbols / FRAME, sum(r["strange"] for r in points)
    text = (
        f"Heard elsewhere in all: {strange} in {frames:.0f} times {FRAME} symbols "
        f"searched, below {upper_bound(strange, frames):.1e} (95 %); the threshold is "
        "set for 1e-4."
    )
    return [*lines, text, ""]


def sidelink_table(records: list) -> list:
    """A table per channel: preambles heard and bursts received over SNR, with one copy and with
    two."""
    lines = []
    for (kind,), points in group(records, "sidelink", "channel").items():
        rows = [
            [f"{r['snr_db']:g}", *percent(r["preamble"]), *percent(r["once"]), *percent(r["twice"])]
            for r in points
        ]
        header = ["SNR [dB]", "preamble heard [%]", "95 % range", "one copy received [%]",
                  "95 % range", "either of two [%]", "95 % range"]  # fmt: skip
        lines += [f"{CHANNELS[kind]}, {points[0]['trials']} bursts each:", ""]
        lines += [*tables.markdown(header, rows), ""]
    return lines


def noise_table(records: list) -> list:
    """False alarms in frames of noise."""
    rows = [
        [f"{r['antennas']}, {'both users' if r['antennas'] == 2 else 'sidelink'}",
         f"{r['false_alarm']:g}", str(r["trials"]), str(r["alarms"]),
         f"{r['alarms'] / r['trials']:.2g}", f"{r['upper95']:.2g}", str(r["headers"])]
        for points in group(records, "noise").values() for r in points
    ]  # fmt: skip
    header = ["antennas, preambles", "set per frame and preamble", "frames", "false alarms",
              "per frame", "95 % upper bound", "with a header that decodes"]  # fmt: skip
    return [*tables.markdown(header, rows), ""]


def estimates_table(records: list) -> list:
    """A table per channel and phase noise: errors of carrier offset and time over SNR, and their
    distance from the bounds."""
    lines = []
    for settings, points in group(records, "estimates", "channel", "phase_noise_dbc_hz").items():
        rows = [
            [f"{r['snr_db']:g}", *(cell for stage in STAGES for cell in error_cells(r[stage]))]
            for r in points
        ]
        header = ["SNR [dB]"]
        for stage in ("preamble", "header too"):
            header += [f"{stage}: bursts", "CFO [Hz]", "over bound [dB]",
                       "time [symbols]", "over bound [dB]"]  # fmt: skip
        lines += [f"{condition(*settings)}:", "", *tables.markdown(header, rows), ""]
    return lines


def error_cells(stage: dict | None) -> list:
    """Cells of the errors in a stage: bursts, CFO [Hz], its distance from the bound [dB], time
    [symbols], its distance [dB]."""
    if stage is None:
        return ["0", "-", "-", "-", "-"]
    return [
        str(stage["bursts"]),
        f"{stage['cfo_hz']:.3g}", f"{stage['cfo_over_db']:+.1f}",
        f"{stage['time']:.2g}", f"{stage['time_over_db']:+.1f}",
    ]  # fmt: skip


def payload_table(records: list) -> list:
    """A table per channel and phase noise: EVM of the payload over SNR, and its loss against an
    aligned link."""
    lines = []
    for settings, points in group(records, "payload", "channel", "phase_noise_dbc_hz").items():
        rows = [
            [f"{r['snr_db']:g}", f"{r['frames']} of {r['trials']}", *evm_cells(r)] for r in points
        ]
        header = ["SNR [dB]", "frames received", "EVM [dB]", "aligned [dB]", "loss [dB]",
                  "loss, 90 % of bursts within [dB]"]  # fmt: skip
        lines += [f"{condition(*settings)}:", "", *tables.markdown(header, rows), ""]
    return lines


def evm_cells(record: dict) -> list:
    """Cells of a record's EVM, that of an aligned link, loss, and loss of 90 % of the bursts [dB];
    '-' where unknown."""
    keys = ("evm_db", "aligned_db", "loss_db", "loss90_db")
    forms = (".1f", ".1f", "+.2f", "+.2f")
    return [
        "-" if record[key] is None else format(record[key], form)
        for key, form in zip(keys, forms, strict=True)
    ]


def peaks_table(records: list) -> list:
    """Peak power of bursts, and EVM, by payload and limit."""
    rows = [
        [{"qpsk": "QPSK", "normal": "complex normal"}[r["payload"]],
         "none" if r["limit_db"] is None else f"{r['limit_db']:g}",
         f"{r['peak_db']:.1f}", f"{r['highest_db']:.1f}", f"{r['evm_db']:.1f}"]
        for points in group(records, "peaks").values() for r in points
    ]  # fmt: skip
    header = ["payload", "limit [dB]", "peak, median burst [dB]", "peak, highest [dB]",
              "EVM of the payload [dB]"]  # fmt: skip
    return [*tables.markdown(header, rows), ""]


# --- aims -----------------------------------------------------------------------------------------


def aims_table(records: list) -> list:
    """Aims beside results, of the sections measured."""
    rows = [*detection_aims(records), *noise_aims(records), *bound_aims(records)]
    return [*tables.markdown(["aim", "found", "met"], rows), ""] if rows else []


def detection_aims(records: list) -> list:
    """Rows of the aim of bursts received, one for each channel."""
    rows = []
    for (kind,), points in group(records, "detection", "channel").items():
        for share in (r["burst"] for r in points if r["snr_db"] == AIMED):
            rate, interval = percent(share)
            rows.append([
                f"{100 * AIMS[kind]:g} % of bursts received at {AIMED:g} dB, {CHANNELS[kind]}",
                f"{rate} % ({interval}, {share['of']} bursts)",
                verdict(share["rate"] >= AIMS[kind], share["ci95"][0] >= AIMS[kind]),
            ])  # fmt: skip
    return rows


def noise_aims(records: list) -> list:
    """Row of the aim of false alarms."""
    return [
        ["fewer than 1 false alarm in 10,000 frames of noise, two antennas",
         f"{r['alarms']} in {r['trials']}: below {r['upper95']:.1e} a frame (95 %)",
         verdict(r["alarms"] < FALSE_AIM * r["trials"], r["upper95"] < FALSE_AIM)]
        for r in group(records, "noise", "antennas").get((2,), [])
    ]  # fmt: skip


def bound_aims(records: list) -> list:
    """Row of the aim of the carrier's error; none if it was not measured."""
    points = group(records, "estimates", "channel", "phase_noise_dbc_hz").get(("awgn", None), [])
    stages = [r["preamble"] for r in points if r["preamble"] and r["snr_db"] >= AIMED]
    if not stages:
        return []
    most = max(stage["cfo_over_db"] for stage in stages)
    margin = max(rms_margin_db(stage["bursts"]) for stage in stages)
    return [[
        f"carrier of one user, {condition('awgn', None)}, within {BOUND_AIM:g} dB of the "
        f"preamble's bound from {AIMED:g} dB on",
        f"at most {most:.1f} dB over it, {most + margin:.1f} dB with the spread of the RMS (95 %)",
        verdict(most <= BOUND_AIM, most + margin <= BOUND_AIM),
    ]]  # fmt: skip


def verdict(met: bool, shown: bool = True) -> str:
    """Whether an aim is met, and whether the number of trials is enough to show it."""
    return ("yes" if shown else "not shown") if met else "**no**"


# --- figures --------------------------------------------------------------------------------------


def missed(share: dict) -> Estimate:
    """The share of bursts not received, with its interval; unknown if none was missed."""
    if share["hits"] == share["of"]:
        return Estimate(None)
    low, high = share["ci95"]
    return Estimate(1 - share["rate"], 1 - high, 1 - low)


def missed_panels(records: list, section: str, labels: dict) -> list:
    """A panel per channel with a curve for each of ``labels`` (key of a record: label).  Where
    nothing was missed, only the upper bound of the last one's interval is drawn."""
    panels = []
    for (kind,), points in group(records, section, "channel").items():
        snr = [r["snr_db"] for r in points]
        lines = [
            Line(label, snr, [missed(r[key]) for r in points], LOOKS[i])
            for i, (key, label) in enumerate(labels.items())
        ]
        *_, last = labels
        bound = (f"{labels[last]}, upper 95 %", snr, [1 - r[last]["ci95"][0] for r in points])
        title = CHANNELS[kind]
        panels.append(
            Axes(title, plots.SNR_LABEL, "share missed", lines, others=[bound], yscale="log")
        )
    return panels


def detection_panels(records: list) -> list:
    """Preambles and bursts missed over SNR, a panel per channel."""
    labels = {"preamble": "preamble not heard", "burst": "burst not received"}
    return missed_panels(records, "detection", labels)


def sidelink_panels(records: list) -> list:
    """Bursts missed over SNR with one copy and with two, a panel per channel."""
    return missed_panels(records, "sidelink", {"once": "one copy", "twice": "either of two copies"})


def estimates_panels(records: list) -> list:
    """RMS errors over SNR, a panel per quantity, channel and phase noise."""
    groups = group(records, "estimates", "channel", "phase_noise_dbc_hz").items()
    return [
        error_panel(condition(*settings), points, quantity, ylabel)
        for quantity, ylabel in (("cfo", "CFO error, RMS [Hz]"), ("time", "time, RMS [symbols]"))
        for settings, points in groups
    ]


def error_panel(title: str, points: list, quantity: str, ylabel: str) -> Axes:
    """RMS error of one quantity over SNR, of each stage, with its bounds.

    title     of the panel
    points    records over SNR
    quantity  "cfo" or "time"
    ylabel    of the y axis, with the unit
    """
    key, bound = {"cfo": ("cfo_hz", "cfo_bound_hz"), "time": ("time", "time_bound")}[quantity]
    lines, others = [], []
    for look, (stage, label) in zip(LOOKS, STAGES.items(), strict=True):
        known = [r for r in points if r[stage]]
        snr = [r["snr_db"] for r in known]
        lines.append(Line(label, snr, [Estimate(r[stage][key]) for r in known], look))
        others.append((BOUNDS[stage], snr, [r[stage][bound] for r in known]))
    return Axes(title, plots.SNR_LABEL, ylabel, lines, others=others, yscale="log")


def payload_panels(records: list) -> list:
    """EVM [dB] of the payload over SNR beside that of an aligned link, a panel per channel and
    phase noise."""
    panels = []
    for settings, points in group(records, "payload", "channel", "phase_noise_dbc_hz").items():
        known = [r for r in points if r["evm_db"] is not None and r["snr_db"] != NO_NOISE]
        snr = [r["snr_db"] for r in known]
        line = Line("after synchronisation", snr, [Estimate(r["evm_db"]) for r in known], LOOKS[0])
        aligned = ("aligned link, channel known", snr, [r["aligned_db"] for r in known])
        title = condition(*settings)
        panels.append(Axes(title, plots.SNR_LABEL, "EVM [dB]", [line], others=[aligned]))
    return panels


PANELS = {
    "detection": detection_panels,
    "sidelink": sidelink_panels,
    "estimates": estimates_panels,
    "payload": payload_panels,
}


def figures(records: list, folder: Path) -> dict:
    """Draw the figures of the sections measured into ``folder``; section: path."""
    paths = {}
    for section, panels_of in PANELS.items():
        if panels := panels_of(records):
            paths[section] = folder / f"sync-{section}.png"
            plots.draw(paths[section], panels)
    return paths


# --- the page -------------------------------------------------------------------------------------

TABLES = {
    "detection": detection_table,
    "sidelink": sidelink_table,
    "noise": noise_table,
    "estimates": estimates_table,
    "payload": payload_table,
    "peaks": peaks_table,
}

FACTS = {  # further values in a section's template
    "noise": {"frame": str(FRAME)},
    "estimates": {
        "preamble": str(PREAMBLE),
        "known": str(KNOWN),
        "slope": f"{cfo_floor_hz(PHASE_NOISE):.0f}",
        "slope_known": f"{cfo_floor_hz(PHASE_NOISE, KNOWN):.0f}",
    },
    "payload": {"payload": str(PAYLOAD), "no_noise": f"{NO_NOISE:g}"},
}


def page(records: list, command: str, pictures: dict) -> str:
    """docs/synchronisation.md; ``pictures``: section -> name of the file in figures/."""
    parts = {name: section_lines(name, records, pictures.get(name)) for name in TABLES}
    return pages.page(
        "synchronisation",
        command=command,
        phase_noise=f"{PHASE_NOISE:g}",
        payload_length=str(PAYLOAD),
        gap=str(GAP),
        aims=aims_table(records),
        **parts,
    )


def section_lines(section: str, records: list, picture: str | None) -> str:
    """A section's template with its table; '' if it was not measured."""
    if not group(records, section):
        return ""
    return pages.page(
        f"synchronisation-{section}",
        picture=f"figures/{picture}",
        table=TABLES[section](records),
        **FACTS.get(section, {}),
    )
