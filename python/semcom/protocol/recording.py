# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Writes and reads recordings of antennas' samples in SigMF, https://sigmf.org.

A recording is a pair of files, PATH.sigmf-data and PATH.sigmf-meta; each path here may have either
suffix, or none.  The M antennas' samples are interleaved (core:num_channels): a *frame* is one
sample of each.  Settings of the sender, which a replay needs, are fields ``semcom:NAME`` of the
metadata's global object; the namespace is declared as an optional extension.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .. import __version__
from ..base.errors import SemcomError
from ..base.files import read_json, replacing
from ..base.optional import jsonschema, sigmf

NAMESPACE = "semcom:"
EXTENSION = {"name": "semcom", "version": "1.1.0", "optional": True}
DATATYPES = {"cf32_le": "<c8", "ci16_le": "<i2"}  # readable datatype -> NumPy's name
SCALE = np.float32(2**-15)  # of ci16, so that full scale is 1
PART = 1 << 20  # frames that are processed together
AT_PEAK = 0.999  # share of the peak that counts as clipped: converters have one more negative value
RATE_TOLERANCE = 1e-6  # relative difference of equal rates: radios report rounded ones


def files_of(path) -> tuple[Path, Path]:
    """The metadata file and the data file of the recording ``path``."""
    if not Path(path).name:
        raise SemcomError(f"{str(path)!r}: names no recording; give a name such as out/antennas")
    names = sigmf.sigmffile.get_sigmf_filenames(path)
    return names["meta_fn"], names["data_fn"]


def describe(channels, sample_rate, frequency=None, hardware="", description="", settings=None):
    """The metadata of a new recording, a sigmf.SigMFFile.

    channels     number M of antennas
    sample_rate  [Hz]
    frequency    [Hz] of the carrier; None: there is none
    hardware, description  text
    settings     dict of JSON values

    SemcomError if a value cannot be written.
    """
    known = {
        sigmf.HW_KEY: hardware,
        sigmf.DESCRIPTION_KEY: description,
        sigmf.EXTENSIONS_KEY: [EXTENSION] if settings else [],
    }
    fields = {
        sigmf.DATATYPE_KEY: "cf32_le",
        sigmf.NUM_CHANNELS_KEY: channels,
        sigmf.SAMPLE_RATE_KEY: sample_rate,
        sigmf.RECORDER_KEY: f"gr-semcom {__version__}",
        **{key: value for key, value in known.items() if value},
        **{f"{NAMESPACE}{name}": value for name, value in (settings or {}).items()},
    }
    metadata = sigmf.SigMFFile(global_info=fields)
    metadata.add_capture(0, {} if frequency is None else {sigmf.FREQUENCY_KEY: frequency})
    try:
        metadata.validate()
        json.dumps([metadata.get_global_info(), metadata.get_captures()], allow_nan=False)
    except jsonschema.ValidationError as cause:
        raise SemcomError(f"cannot be recorded: {_reason(cause)}") from cause
    except (TypeError, ValueError) as cause:
        raise SemcomError(f"cannot be recorded as JSON: {cause}") from cause
    return metadata


def _reason(cause: jsonschema.ValidationError) -> str:
    """The field and its error, in one line."""
    text = " ".join(cause.message.split())
    return f"{cause.json_path[2:]}: {text if len(text) < 120 else '... ' + text[-100:]}"


@contextlib.contextmanager
def record(path, metadata: sigmf.SigMFFile):
    """Write a recording with metadata from :func:`describe`: a context that yields a Recorder.

    When the context ends, the files get their names and replace older ones; after an exception no
    file is left.  An OSError (a full disk) becomes a SemcomError.
    """
    meta_file, data_file = files_of(path)
    metadata.add_capture(0, {sigmf.DATETIME_KEY: sigmf.utils.get_sigmf_iso8601_datetime_now()})
    with replacing(meta_file) as meta, replacing(data_file) as data:
        with open(data, "wb") as file:
            recorder = Recorder(file)
            yield recorder
        metadata.set_global_field(sigmf.SHA512_KEY, recorder.digest.hexdigest())
        with open(meta, "w", encoding="utf-8") as file:
            metadata.dump(file)
            file.write("\n")


class Recorder:
    """Appends samples to a recording; ``frames`` counts samples per antenna so far."""

    def __init__(self, file):
        self._file = file
        self.digest = hashlib.sha512()
        self.frames = 0

    def append(self, streams) -> None:
        """Add M arrays [n] complex64, one for each antenna."""
        interleaved = np.stack(streams, axis=1).astype(DATATYPES["cf32_le"], copy=False).ravel()
        self._file.write(interleaved)
        self.digest.update(interleaved)
        self.frames += len(streams[0])


class Level(NamedTuple):
    """The level of an antenna's samples.

    power_db  [dB relative to full scale, 1] mean power; -inf for silence
    offset    share of the power that is constant (DC), 0 to 1
    clipped   share of the samples whose I or Q has the largest magnitude of all
    lost      share of the samples that is NaN or infinite
    """

    power_db: float
    offset: float
    clipped: float
    lost: float


class Recording:
    """A SigMF recording of any origin, which is checked and read by a memory map.

    path         with or without a suffix
    channels     number M of antennas that the file must have; None: any
    sample_rate  [Hz] rate that the file must have; None: any; it is used for a file without one

    Attributes: ``channels``; ``sample_rate`` [Hz]; ``frequency`` [Hz] of the first capture, None if
    it has none; ``settings``, a dict; ``metadata``, all of it.  len() is the number of frames.

    SemcomError, which names the file, if a file is missing, the metadata is not valid SigMF, the
    datatype is neither cf32_le nor ci16_le, channels or rate differ, or samples are missing or
    changed (by the file's size, captures, annotations and, if present, core:sha512, for which all
    samples are read once).  Samples are not changed, and may be NaN.
    """

    def __init__(self, path, channels: int | None = None, sample_rate: float | None = None):
        self._meta, self._data = files_of(path)
        self.metadata = _load(self._meta)
        fields = self.metadata["global"]
        self._check_plain(fields)
        self.channels = self._channels(fields, channels)
        self.sample_rate = self._rate(fields, sample_rate)
        self.frequency = next(iter(self.metadata["captures"]), {}).get(sigmf.FREQUENCY_KEY)
        self.settings = _settings(fields)
        self._samples = self._map(fields[sigmf.DATATYPE_KEY])
        self._check_complete(fields)

    def __len__(self) -> int:
        return len(self._samples)

    def read(self, start: int, stop: int) -> np.ndarray:
        """Frames from ``start`` to before ``stop`` -> [n, M] complex64; ci16 is scaled to +-1."""
        samples = self._samples[start:stop]
        if samples.dtype.kind == "i":
            return (samples * SCALE).view(np.complex64)[..., 0]
        return samples

    def levels(self) -> list[Level]:
        """The level of each antenna; all samples are read."""
        parts = range(0, len(self), PART)
        peaks, power, mean, lost = (np.zeros(self.channels, kind) for kind in "ddDd")
        for part in (self.read(at, at + PART) for at in parts):
            good = np.isfinite(part)
            part = np.where(good, part, 0).astype(np.complex128)
            peaks = np.maximum(peaks, np.maximum(abs(part.real), abs(part.imag)).max(0, initial=0))
            power += (abs(part) ** 2).sum(0)
            mean += part.sum(0)
            lost += (~good).sum(0)
        clipped = np.zeros(self.channels)
        for part in (self.read(at, at + PART) for at in parts):
            at_peak = np.maximum(abs(part.real), abs(part.imag)) >= AT_PEAK * peaks
            clipped += at_peak.sum(0)
        count = len(self)
        with np.errstate(divide="ignore", invalid="ignore"):
            columns = (
                10 * np.log10(power / count),
                np.nan_to_num(abs(mean / count) ** 2 / (power / count)),
                np.where(peaks > 0, clipped / count, 0),
                lost / count,
            )
        return [Level(*map(float, row)) for row in zip(*columns, strict=True)]

    def _check_plain(self, fields: dict) -> None:
        """SemcomError for data other than plain samples, which would be replayed as noise."""
        foreign = [key for key in (sigmf.DATASET_KEY, sigmf.TRAILING_BYTES_KEY) if fields.get(key)]
        captures, key = self.metadata["captures"], sigmf.HEADER_BYTES_KEY
        foreign += [key for capture in captures if capture.get(key)]
        foreign += [
            f"the extension {extension['name']}"
            for extension in fields.get(sigmf.EXTENSIONS_KEY, [])
            if not extension["optional"] and extension["name"] != EXTENSION["name"]
        ]
        if foreign:
            raise SemcomError(
                f"{self._meta}: {foreign[0]} is not supported; convert it to a plain cf32_le "
                "recording"
            )

    def _channels(self, fields: dict, wanted: int | None) -> int:
        found = int(fields.get(sigmf.NUM_CHANNELS_KEY, 1))
        if wanted not in (None, found):
            raise SemcomError(
                f"{self._meta}: {found} channels, expected {wanted}; replay it with {found}"
            )
        return found

    def _rate(self, fields: dict, wanted: float | None) -> float:
        found = fields.get(sigmf.SAMPLE_RATE_KEY, wanted)
        if found is None:
            raise SemcomError(f"{self._meta}: no core:sample_rate; give --sample-rate")
        if wanted is not None and not math.isclose(found, wanted, rel_tol=RATE_TOLERANCE):
            raise SemcomError(
                f"{self._meta}: {found:g} samples/s, expected {wanted:g}; replay it at its own rate"
            )
        return float(found)

    def _map(self, datatype: str) -> np.ndarray:
        """The data file as frames: [n, M] complex64, or [n, M, 2] int16."""
        if datatype not in DATATYPES:
            raise SemcomError(
                f"{self._meta}: datatype {datatype} is not one of {', '.join(DATATYPES)}; convert "
                "the samples to one of them"
            )
        try:
            raw = np.memmap(self._data, np.uint8, "r")
        except OSError as cause:
            raise SemcomError(f"{self._data}: cannot be read ({cause.strerror})") from cause
        except ValueError as cause:  # an empty file
            raise SemcomError(f"{self._data}: empty; record it again") from cause
        component = np.dtype(DATATYPES[datatype])
        shape = (self.channels,) if component.kind == "c" else (self.channels, 2)
        frame = component.itemsize * math.prod(shape)
        if len(raw) % frame:
            raise SemcomError(
                f"{self._data}: {len(raw)} bytes are not a whole number of {frame}-byte frames "
                f"({self.channels} x {datatype}); truncated, copy it again"
            )
        return np.asarray(raw).view(component).reshape(-1, *shape)

    def _check_complete(self, fields: dict) -> None:
        segments = self.metadata["captures"] + self.metadata["annotations"]
        ends = (s[sigmf.SAMPLE_START_KEY] + s.get(sigmf.SAMPLE_COUNT_KEY, 0) for s in segments)
        promised = max(ends, default=0) - fields.get(sigmf.OFFSET_KEY, 0)
        if len(self) < promised:
            raise SemcomError(
                f"{self._data}: {len(self)} samples per channel, {self._meta.name} names "
                f"{promised}; truncated, copy it again"
            )
        if sigmf.SHA512_KEY in fields:
            with open(self._data, "rb") as file:
                found = hashlib.file_digest(file, "sha512").hexdigest()
            if found != fields[sigmf.SHA512_KEY].lower():
                raise SemcomError(
                    f"{self._data}: not the samples whose core:sha512 is in {self._meta.name}; "
                    "truncated or changed, copy both again"
                )


def told(path) -> tuple[dict, dict]:
    """(settings, {"antennas": M, "sample_rate": [Hz], which may be missing}) of a recording, only
    from its metadata; SemcomError if they are not valid SigMF."""
    fields = _load(files_of(path)[0])["global"]
    own = {"antennas": int(fields.get(sigmf.NUM_CHANNELS_KEY, 1))}
    if sigmf.SAMPLE_RATE_KEY in fields:
        own["sample_rate"] = float(fields[sigmf.SAMPLE_RATE_KEY])
    return _settings(fields), own


def _settings(fields: dict) -> dict:
    return {
        key.removeprefix(NAMESPACE): value
        for key, value in fields.items()
        if key.startswith(NAMESPACE)
    }


def _load(path: Path) -> dict:
    """The metadata in a file; SemcomError if they are not valid SigMF."""
    try:
        metadata = read_json(path, parse_constant=_no_constant)
        sigmf.validate.validate(metadata)
    except FileNotFoundError as cause:
        raise SemcomError(
            f"{path}: missing; a recording is a pair of files, .sigmf-meta and .sigmf-data"
        ) from cause
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be read ({cause.strerror})") from cause
    except jsonschema.ValidationError as cause:
        raise SemcomError(f"{path}: not valid SigMF: {_reason(cause)}") from cause
    except ValueError as cause:
        raise SemcomError(f"{path}: not JSON ({cause})") from cause
    return metadata


def _no_constant(name: str):
    raise ValueError(f"{name} is not a number")
