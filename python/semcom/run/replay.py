# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Reads the fields of a recording that describe its senders, for the evaluation of a replay.

A recording has these fields ``semcom:NAME`` in its metadata:

    the options of the run, as in records; the SNR only if it is known
    data, clips, count   the set's name, the fingerprint and the number of its clips
    files, places        of films: their names, and the window of each frame (see Films.told)
    weights, weights_sha256   name and digest of the weights
    settings             of the system at both ends (see systems.loading)
    frames               number of sent frames; of a run that was stopped, up to the last that was
                         heard, null without one

A missing or null field is unknown; then the options of the replay are used.
"""

from __future__ import annotations

import contextlib
import dataclasses
from dataclasses import dataclass
from pathlib import Path

from ..base import options
from ..base.errors import SemcomError
from ..base.files import sha256
from ..chain.options import ReceiverOptions
from ..data.clipset import fingerprint
from ..data.films import Films
from ..protocol import recording
from ..systems.choice import weights_for
from ..systems.loading import joined, parted, read_settings
from ..weights.names import models_folder
from .budget import model_for
from .channel_uses import burst_plan
from .options import RadioOptions
from .scenario import Scenario, check, settings

OLD_NAMES = {  # name of a field in earlier versions -> present name
    "snr_db": "snr",
    "pilot_length": "burst_pilots",
    "pilot_spacing": "burst_spacing",
    "max_peak_db": "max_peak",
}
ITS_OWN = {
    "detector",
    "ask_below",
    "until_errors",
}  # options of the receiver, which a replay may choose
NOT_TOLD = {*options.fields(ReceiverOptions), *options.fields(RadioOptions)} - ITS_OWN
TOLD = {
    name
    for name, item in options.fields(Scenario).items()
    if name not in {*NOT_TOLD, "sample_rate"} and not item.metadata.get("place")
}
KINDS = {"settings": str, "weights": str, "weights_sha256": str, "clips": str, "count": int}
NOISE = ("snr", "sidelink_snr", "return_snr")  # [dB] that a replay cannot choose


def told_of_point(point: Scenario) -> dict:
    """The fields of a recording with the options of its run."""
    known = {name: value for name, value in settings(point).items() if name in TOLD}
    return {**known, "radio": point.radio}


def told_of_model(point: Scenario, model: str) -> dict:
    """The fields of a recording with weights and settings, without paths."""
    weights, text = parted(model)
    chosen = read_settings(point.system, text)
    if hasattr(chosen, "data"):
        chosen = dataclasses.replace(chosen, data="")
    told = {"settings": joined("", chosen)[1:]} if chosen else {}
    if weights:
        told |= {"weights": Path(weights).name, "weights_sha256": sha256(weights)}
    return told


def told_of_clips(clips) -> dict:
    """The fields of a recording with the sent clips."""
    if isinstance(clips, Films):
        return {"data": clips.name, **clips.told()}
    return {"data": clips.name, "clips": fingerprint(clips), "count": len(clips)}


@dataclass(frozen=True)
class Told:
    """The description of senders in the recording ``path``: ``options`` by name, and all
    ``fields``."""

    path: str
    options: dict
    fields: dict

    @property
    def noise(self) -> dict:
        """{option: SNR [dB]}, None if unknown."""
        return {name: self.options.get(name) for name in NOISE}

    def recalled(self, given: dict) -> dict:
        """The options ``given`` ({name: value or list}) with those of the recording; SemcomError
        for one that contradicts it."""
        if "sample_rate" not in {**self.options, **given}:
            raise SemcomError(f"{self.path}: no core:sample_rate; give --sample-rate")
        first = {n: v[0] if isinstance(v, list) and v else v for n, v in given.items()}
        point = Scenario(**(first | self.options))
        told = {n: v for n, v in self.options.items() if not options.broken(point, n)}
        for name in [name for name in told if name in given and name not in ITS_OWN]:
            values = given[name] if isinstance(given[name], list) else [given[name]]
            odd = [value for value in values if value != told[name]]
            if odd:
                raise SemcomError(
                    f"{options.flag(name)} {odd[0]}: {self.path} was recorded with {told[name]}; "
                    "leave it out"
                )
        return told | self._weights(given) | given

    def _weights(self, given: dict) -> dict:
        """The shipped weights of the recording's name, if they are the same and none are given."""
        if "checkpoint" in given or "weights" not in self.fields:
            return {}
        path = models_folder() / Path(self.fields["weights"]).name
        same = path.is_file() and sha256(path) == self.fields.get("weights_sha256")
        return {"checkpoint": str(path)} if same else {}

    def recall_point(self, point: Scenario) -> Scenario:
        """A point with the options of the recording; options that differ from their default count
        as given."""
        given = {n: v for n, v in vars(point).items() if v != getattr(Scenario, n)}
        return Scenario(**self.recalled(given))

    def model(self, point: Scenario, clips) -> str:
        """Weights and settings for a point; SemcomError if the sender's were others."""
        if "settings" in self.fields:
            with _of(self.path, "semcom:settings"):
                chosen = read_settings(point.system, self.fields["settings"])
            if hasattr(chosen, "data"):
                chosen = dataclasses.replace(chosen, data=point.data)
            model = joined(weights_for(point, clips), chosen)
        else:
            model = model_for(dataclasses.replace(point, uses=0), clips)
        weights, wanted = parted(model)[0], self.fields.get("weights_sha256")
        if weights and wanted not in (None, found := sha256(weights)):
            raise SemcomError(
                f"{self.path}: was sent with the weights {self.fields.get('weights')} (SHA-256 "
                f"{wanted[:12]}...), which {weights} ({found[:12]}...) are not; name those with "
                "--checkpoint"
            )
        return model

    def check_clips(self, clips, split: str) -> None:
        """SemcomError if the set is not the sent one; for films, set the windows that were sent."""
        if isinstance(clips, Films):
            if self.fields.get("clips"):
                by = self.fields.get("data")
                raise SemcomError(f"{self.path}: was sent from the set {by}; leave --media out")
            try:
                clips.recall(self.fields)
            except SemcomError as cause:
                raise SemcomError(f"{self.path}: {cause}") from cause
        elif "files" in self.fields:
            raise SemcomError(f"{self.path}: was sent from films; name them with --media")
        elif self._differs("clips", fingerprint(clips)) or self._differs("count", len(clips)):
            told = f" ({self.options['split']})" if "split" in self.options else ""
            raise SemcomError(
                f"{self.path}: was sent from the set {self.fields.get('data')}{told}, which holds "
                f"other clips than {clips.name} ({split}); name that set with --data, and its split"
            )

    def check_frames(self, point: Scenario, samples: int) -> int:
        """The most frames in ``samples`` samples; SemcomError if more are declared or expected."""
        plan = burst_plan(point)
        most = 1 + samples // (plan.sps * plan.layout(len(point.terminals())).total(1))
        if point.frames > most:
            raise SemcomError(
                f"{self.path}: {point.frames} frames are expected, its {samples} samples hold "
                f"{most} at most; mend semcom:frames in the metadata, or give fewer --frames"
            )
        return most

    def _differs(self, name: str, own) -> bool:
        return self.fields.get(name, own) != own


def told_by(path: str) -> Told:
    """The description in a recording; SemcomError, with file and field, for a wrong value."""
    fields, own = recording.told(path)
    fields = {OLD_NAMES.get(n, n): value for n, value in fields.items() if value is not None}
    found = {}
    for name in TOLD & set(fields):
        with _of(path, f"semcom:{name}"):
            found[name] = options.from_file(Scenario, name, fields[name])
    for name, kind in KINDS.items():
        with _of(path, f"semcom:{name}"):
            if not isinstance(fields.get(name, kind()), kind):
                raise ValueError(f"{fields[name]!r}, expected {kind.__name__}")
    with _of(path, "its semcom: fields together"):
        check(Scenario(radio=f"replay:{path}", **found))
    return Told(path, found | own, fields)


@contextlib.contextmanager
def _of(path: str, what: str):
    """A context in which a ValueError becomes a SemcomError with the recording and the field."""
    try:
        yield
    except ValueError as cause:
        raise SemcomError(f"{path}: {what}: {cause}; mend the metadata or leave it out") from cause
