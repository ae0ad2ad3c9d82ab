# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Reads what a recording says of its senders, which is all that a replay is judged by.

A recording has, as fields ``semcom:NAME`` of its metadata:

    the options of the run, as records have them; of the SNR only where it is known
    data, clips, count   the set's name, the fingerprint and the number of its clips
    files, places        of films: their names, and what each frame was (see Films.told)
    weights, weights_sha256, settings   name and digest of the weights, and settings (see
                         systems.loading) that both ends ran with
    frames               that were sent, or, of a run that was cut short, that may have been heard

A field that is not there, or null, is not known: then the options of the replay say it.
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

OLD_NAMES = {  # of fields, as earlier versions wrote them
    "snr_db": "snr",
    "pilot_length": "burst_pilots",
    "pilot_spacing": "burst_spacing",
    "max_peak_db": "max_peak",
}
ITS_OWN = {"detector", "ask_below", "until_errors"}  # of the receiver: a replay may choose again
NOT_TOLD = {*options.fields(ReceiverOptions), *options.fields(RadioOptions)} - ITS_OWN
TOLD = {
    name
    for name, item in options.fields(Scenario).items()
    if name not in {*NOT_TOLD, "sample_rate"} and not item.metadata.get("place")
}
KINDS = {"settings": str, "weights": str, "weights_sha256": str, "clips": str, "count": int}
NOISE = ("snr", "sidelink_snr", "return_snr")  # [dB] that a replay cannot choose


def told_of_point(point: Scenario) -> dict:
    """What a recording tells of the options of the run that makes it."""
    known = {name: value for name, value in settings(point).items() if name in TOLD}
    return {**known, "radio": point.radio}


def told_of_model(point: Scenario, model: str) -> dict:
    """What a recording tells of weights and settings; where a set lies is not told."""
    weights, text = parted(model)
    chosen = read_settings(point.system, text)
    if hasattr(chosen, "data"):
        chosen = dataclasses.replace(chosen, data="")
    told = {"settings": joined("", chosen)[1:]} if chosen else {}
    if weights:
        told |= {"weights": Path(weights).name, "weights_sha256": sha256(weights)}
    return told


def told_of_clips(clips) -> dict:
    """What a recording tells of the clips that were sent."""
    if isinstance(clips, Films):
        return {"data": clips.name, **clips.told()}
    return {"data": clips.name, "clips": fingerprint(clips), "count": len(clips)}


@dataclass(frozen=True)
class Told:
    """What the recording ``path`` tells; ``options`` by name, ``fields`` all of it."""

    path: str
    options: dict
    fields: dict

    @property
    def noise(self) -> dict:
        """SNRs [dB] by option's name, None where they are not known."""
        return {name: self.options.get(name) for name in NOISE}

    def recalled(self, given: dict) -> dict:
        """The options ``given`` (name -> value, or a list) with those that the recording tells;
        SemcomError for one that contradicts it."""
        if "sample_rate" not in {**self.options, **given}:
            raise SemcomError(f"{self.path}: no core:sample_rate; say which it is by --sample-rate")
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
        """The shipped weights of that name, if it is they and nothing else is asked for."""
        if "checkpoint" in given or "weights" not in self.fields:
            return {}
        path = models_folder() / Path(self.fields["weights"]).name
        same = path.is_file() and sha256(path) == self.fields.get("weights_sha256")
        return {"checkpoint": str(path)} if same else {}

    def recall_point(self, point: Scenario) -> Scenario:
        """A point with what the recording tells; what is not at its default counts as given."""
        given = {n: v for n, v in vars(point).items() if v != getattr(Scenario, n)}
        return Scenario(**self.recalled(given))

    def model(self, point: Scenario, clips) -> str:
        """Weights and settings for a point; SemcomError if they are not those of the sender."""
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
        """Refuse to judge by other clips than those that were sent; films recall their windows."""
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
        """The most frames that so many samples hold; SemcomError if more are told or asked for."""
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
    """What a recording tells, checked; SemcomError that names the file and the field."""
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
    """A ValueError in what a recording tells becomes a SemcomError that names the place."""
    try:
        yield
    except ValueError as cause:
        raise SemcomError(f"{path}: {what}: {cause}; mend the metadata or leave it out") from cause
