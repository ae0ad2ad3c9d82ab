# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Presets of the mock radio: impairments of its devices and paths, as JSON files in this folder.

A preset describes a kind of devices and paths; :func:`settings` draws actual ones from a seed.
"""

import dataclasses
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..base.errors import SemcomError
from ..base.files import read_json

if TYPE_CHECKING:  # it loads GNU Radio, which names() does not need
    from .. import core

FOLDER = Path(__file__).parents[1] / "presets"
DEVICES = ("audio", "video", "receiver")
RECEIVER = 2  # starts first, so that it misses no burst
UPLINK, SIDELINK = 0, 1  # the receivers of core.mock_radio
_PURPOSE = 0x207  # of the random numbers, see lib/phy/philox.h


@dataclass(frozen=True)
class Preset:
    """The fields of a preset file; None (null) and 0 disable an impairment.

    name                name of the preset or its file, for messages; not in the file
    description         text that describes the preset
    cfo_hz              [Hz] carrier offset of a device, uniform in +-
    clock_ppm           [ppm] sampling-clock offset of a device, uniform in +-
    start_delay_s       [s] start of a terminal after the receiver, uniform from 0
    phase_noise_dbc_hz  [dBc/Hz] of a device, 10 kHz from the carrier
    iq_gain_db          [dB] gain of I over Q, of each device
    iq_phase_deg        [degrees] deviation of I and Q from a right angle, of each device
    dc_db               [dB] constant added by sender and receiver, relative to a stream's power
    pa_backoff_db       [dB] saturation of the amplifiers above a stream's mean power
    fading              none, block (constant over ``fading_block_s``) or jakes (continuous)
    rician_k            line-of-sight to scattered power, linear; 0: Rayleigh
    doppler_hz          [Hz] largest Doppler shift
    fading_block_s      [s] of a block
    delay_spread_s      [s] RMS, of an exponential power delay profile
    bits                bits of a receiver's I and Q
    headroom_db         [dB] full scale relative to the RMS of a receiver's expected input: its
                        streams, each of unit power, and noise.  Full scale is 1.  None: gain 1
    drop_probability    probability that the samples of a receiver's buffer are lost
    drop_buffer         samples of a buffer
    """

    name: str = ""
    description: str = ""
    cfo_hz: float = 0.0
    clock_ppm: float = 0.0
    start_delay_s: float = 0.0
    phase_noise_dbc_hz: float | None = None
    iq_gain_db: float = 0.0
    iq_phase_deg: float = 0.0
    dc_db: float | None = None
    pa_backoff_db: float | None = None
    fading: str = "none"
    rician_k: float = 0.0
    doppler_hz: float = 0.0
    fading_block_s: float = 1e-3
    delay_spread_s: float = 0.0
    bits: int | None = None
    headroom_db: float | None = None
    drop_probability: float = 0.0
    drop_buffer: int = 2048


def names() -> list[str]:
    """The names of the shipped presets, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def load(name: str) -> Preset:
    """The preset of this name, or of the JSON file at this path.

    SemcomError names the file and the error.
    """
    path = Path(name)
    if path.suffix != ".json" and path.name == name:
        path = FOLDER / f"{name}.json"
        if not path.exists():
            raise SemcomError(f"preset '{name}': not one of {', '.join(names())}, nor a .json file")
    fields = _read(path)
    known = {field.name: field.type for field in dataclasses.fields(Preset)[1:]}
    for key, value in fields.items():
        if key not in known:
            raise SemcomError(
                f"{path}: '{key}' is not a field of a preset; fields: {', '.join(known)}"
            )
        _check_type(path, key, value, known[key])
    return Preset(name, **fields)


def _read(path: Path) -> dict:
    try:
        fields = read_json(path)
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be read ({cause.strerror})") from cause
    except ValueError as cause:  # not JSON, or not UTF-8
        raise SemcomError(f"{path}: is not a JSON file ({cause})") from cause
    if not isinstance(fields, dict):
        raise SemcomError(f"{path}: holds a {type(fields).__name__}, expected an object")
    return fields


_TYPES = {
    str: ("a text", (str,)),
    int: ("a whole number", (int,)),
    float: ("a number", (int, float)),
    int | None: ("a whole number or null", (int, type(None))),
    float | None: ("a number or null", (int, float, type(None))),
}


def _check_type(path: Path, key: str, value, wanted) -> None:
    shown, allowed = _TYPES[wanted]
    if not isinstance(value, allowed) or isinstance(value, bool):
        raise SemcomError(f"{path}: {key} is {json.dumps(value)}, expected {shown}")
    if isinstance(value, str) and value.encode(errors="replace").decode() != value:
        raise SemcomError(
            f"{path}: {key} is {json.dumps(value)}, expected text that UTF-8 can hold"
        )
    limit = 31 if int in allowed and float not in allowed else 53  # bits of C++'s int, or exact
    if isinstance(value, int | float) and not abs(value) < 2**limit:
        raise SemcomError(
            f"{path}: {key} is too large or not a number, expected one below 2^{limit}"
        )


def settings(
    preset: Preset,
    sample_rate: float,
    snr_db: float = math.inf,
    sidelink_snr_db: float | None = None,
    seed: int = 0,
) -> "core.mock_settings":
    """Devices and paths of a preset, drawn from a seed.

    sample_rate      [Hz] nominal, of all devices
    snr_db           [dB] of each stream of unit power at each antenna of the receiver
    sidelink_snr_db  [dB] at the video terminal's antenna; None: that of the uplink
    seed             seed of the draws, and of all random numbers of the mock radio

    SemcomError names the setting that is out of range.
    """
    from .. import core

    if not 0 <= seed < 2**64:
        raise SemcomError(f"seed: found {seed}, expected 0 to 2^64 - 1")
    sidelink_snr_db = snr_db if sidelink_snr_db is None else sidelink_snr_db
    drawn = core.mock_settings(sample_rate=sample_rate, seed=seed)
    gains_db = (0.0, _gain_db(preset, 1, sidelink_snr_db), _gain_db(preset, 2, snr_db))
    try:
        drawn.uplink = _path(preset, snr_db)
        drawn.sidelink = _path(preset, sidelink_snr_db)
        for number, name in enumerate(DEVICES):
            setattr(drawn, name, _device(preset, number, seed, gains_db[number]))
        core.mock_radio(drawn)  # checks every field
    except ValueError as cause:
        raise SemcomError(f"preset '{preset.name}': {cause}") from cause
    return drawn


def _device(preset: Preset, number: int, seed: int, gain_db: float) -> "core.device_settings":
    from .. import core

    cfo, clock, start = core.uniform(seed, 0, number, _PURPOSE, 3).tolist()
    given = {
        "phase_noise_dbc_hz": preset.phase_noise_dbc_hz,
        "dc_db": preset.dc_db,
        "pa_backoff_db": preset.pa_backoff_db,
        "bits": preset.bits,
    }
    return core.device_settings(
        cfo_hz=preset.cfo_hz * (2 * cfo - 1),
        clock_ppm=preset.clock_ppm * (2 * clock - 1),
        start_delay_s=preset.start_delay_s * start if number != RECEIVER else 0.0,
        iq_gain_db=preset.iq_gain_db,
        iq_phase_deg=preset.iq_phase_deg,
        gain_db=gain_db,
        drop_probability=preset.drop_probability,
        drop_buffer=preset.drop_buffer,
        **{field: value for field, value in given.items() if value is not None},
    )


def _path(preset: Preset, snr_db: float) -> "core.path_settings":
    from .. import core

    return core.path_settings(
        fading=preset.fading,
        rician_k=preset.rician_k,
        doppler_hz=preset.doppler_hz,
        block_s=preset.fading_block_s,
        delay_spread_s=preset.delay_spread_s,
        snr_db=snr_db,
    )


def _gain_db(preset: Preset, streams: int, snr_db: float) -> float:
    """The gain [dB] that sets the RMS of streams and noise ``headroom_db`` below a full scale of
    1."""
    if preset.headroom_db is None:
        return 0.0
    expected = streams + 10 ** min(-snr_db / 10, 30.0)  # no SNR below -300 dB passes the checks
    return -preset.headroom_db - 10 * math.log10(expected)


def return_settings(there: "core.mock_settings", seed: int) -> "core.mock_settings":
    """The mock radio of the return link: the receiver's device sends to the first terminal's, over
    paths like the uplink's at the SNR of the sidelink.

    there  settings of the mock radio of the other links, whose devices are used
    seed   seed of all random numbers
    """
    from .. import core

    back = core.mock_settings(sample_rate=there.sample_rate, seed=seed)
    back.audio, back.video, back.receiver = there.receiver, there.audio, there.receiver
    back.video.gain_db = there.video.gain_db  # the gain for receiving one stream
    back.uplink = back.sidelink = there.sidelink
    return back
