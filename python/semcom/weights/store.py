# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Checkpoints: safetensors files with a JSON header under the metadata key ``semcom``; loading them
runs no code."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .. import __version__
from ..base.errors import SemcomError, first_line
from ..base.files import replacing, sha256
from ..nets.calibration import Calibration

KEY = "semcom"
CALIBRATION = "calibration"  # key of the header, and attribute of a system
FORMAT = 1
SCALE = ".scale"  # suffix of the scales of a matrix stored in eight bits
ZERO = ".zero"  # suffix of the integers that stand for 0 in a quantised network
SMALL = 1024  # elements below which a matrix is not stored in eight bits
OLD_NAMES = {"default": "span"}  # name of a system in earlier headers -> present name
HEADER = {"system": str, "variant": str, "config": dict, "classes": list, "data": str}
REQUIRED = ("format", *HEADER)
SHARED = "shared"  # key of the header: tensors in another checkpoint in the same folder
PARALLEL = "module."
USUAL = 1024  # largest size of a network that is built without a test on the meta device
KINDS = {torch.float16, torch.bfloat16, torch.float32, torch.float64, torch.bool, torch.uint8,
         torch.int8, torch.int16, torch.int32, torch.int64}  # fmt: skip


def save(path: str | Path, system: torch.nn.Module, *, variant: str, data: str, **header) -> None:
    """Write a system in half precision; the file gets its name only when it is complete.

    variant  full, audio_only, video_only, no_estimation or error_free
    data     name of the training set
    header   further JSON values (training configuration, seed, metrics)
    """
    header = {
        "format": FORMAT,
        "system": system.name,
        "variant": variant,
        "data": data,
        "config": system.config_dict(),
        "classes": list(system.classes),
        "version": __version__,
        **header,
    }
    tensors = {k: v.detach().cpu().half().contiguous() for k, v in system.state_dict().items()}
    write(path, tensors, {KEY: json.dumps(header)})


def eight_bits(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors with matrices as int8 [rows, ...] and a float16 scale for each row as NAME.scale;
    others are unchanged.  This halves the size; the error of a weight is at most 1/254 of the
    largest of its row."""
    stored = {}
    for name, tensor in tensors.items():
        stored[name] = tensor
        if tensor.dim() > 1 and tensor.numel() >= SMALL:
            rows = tensor.float().flatten(1)
            scale = (rows.abs().amax(1) / 127).clamp_min(1e-7).half()
            whole = (rows / scale.float()[:, None]).round().clamp(-127, 127)
            stored[name] = whole.to(torch.int8).view_as(tensor)
            stored[name + SCALE] = scale
    return stored


def all_bits(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The inverse of :func:`eight_bits`; int8 matrices become float32.

    A matrix may have one scale for all rows.  Matrices of networks that were published in eight
    bits, int8 or uint8, may have the integer that stands for 0, of each row or of all, as
    NAME.zero.
    """
    whole = {name: v for name, v in tensors.items() if not name.endswith((SCALE, ZERO))}
    for name, value in whole.items():
        if name + SCALE in tensors and value.dtype in (torch.int8, torch.uint8):
            scale, zero = tensors[name + SCALE].float(), tensors.get(name + ZERO, torch.zeros(1))
            rows = value.float().flatten(1) - zero.float()[:, None]
            whole[name] = (rows * scale[:, None]).view_as(value)
    return whole


def write(path: str | Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> None:
    """Write tensors and metadata as a safetensors file, which is complete or absent."""
    with replacing(path, SafetensorError) as temporary:
        save_file(tensors, temporary, metadata)


def tensors_sha256(path: str | Path) -> str:
    """SHA-256 (hexadecimal) of a checkpoint's tensors; its header, which also has the times of the
    training, does not count.  SemcomError for a file that cannot be read."""
    read_header(path)
    data = Path(path).read_bytes()
    header = int.from_bytes(data[:8], "little")  # length of safetensors' header
    return hashlib.sha256(data[8 + header :]).hexdigest()


def read_header(path: str | Path) -> dict:
    """The JSON header of a checkpoint; SemcomError if the file is missing or damaged."""
    return _read(path)[0]


def without(tensors: dict[str, torch.Tensor], other: Path, names: dict[str, str]):
    """The tensors of a checkpoint that another one does not have, and the value of the header's key
    :data:`SHARED` for the others.

    other  a checkpoint, which must be in the same folder
    names  {name here: name in the other checkpoint}
    """
    of = {name for name in names for name in (name, name + SCALE)}
    own = {name: tensor for name, tensor in tensors.items() if name not in of}
    return own, {"file": other.name, "sha256": sha256(other), "tensors": names}


def _taken(path: Path, shared) -> dict[str, torch.Tensor]:
    """The tensors of the header's key :data:`SHARED` from the other checkpoint, with their names in
    this one."""
    told = shared if isinstance(shared, dict) else {}
    name, names = told.get("file"), told.get("tensors")
    whole = isinstance(name, str) and name == Path(name).name and isinstance(names, dict)
    if not (whole and all(isinstance(n, str) for n in names.values())):
        raise SemcomError(f"{path}: header's {SHARED} names no file and tensors; train it again")
    other = path.with_name(name)
    if not other.is_file():
        raise SemcomError(
            f"{path}: has some of its weights in {name}; put that file into the same folder"
        )
    if sha256(other) != told.get("sha256"):
        raise SemcomError(
            f"{path}: has some of its weights in {name}, and that is another one now; fetch both "
            "again"
        )
    theirs = _read(other, with_tensors=True)[1]
    found = {}
    for own, source in names.items():
        for end in ("", SCALE):
            if source + end in theirs:
                found[own + end] = theirs[source + end]
    return found


def load(path: str | Path, systems: dict[str, type], expected: str | None = None):
    """Load a checkpoint: (system in float32 and evaluation mode, header).

    systems   {name: class}; the header fills the class's ``Config`` dataclass
    expected  name that the system must have; None: any

    SemcomError, with file and remedy, for a damaged file or one that does not fit.
    """
    header, tensors = _read(path, with_tensors=True)
    name, config = header["system"], header["config"]
    if expected is not None and name != expected:
        raise SemcomError(f"{path}: system is {name!r}, expected {expected!r}; choose another file")
    if name not in systems:
        raise SemcomError(f"{path}: unknown system {name!r}, expected one of {', '.join(systems)}")
    cls = systems[name]
    unknown = sorted(set(config) - {field.name for field in fields(cls.Config)})
    if unknown:
        raise SemcomError(
            f"{path}: config has unknown fields {', '.join(unknown)}; update gr-semcom"
        )
    _check_types(path, cls.Config, config)
    if any(type(value) is int and value > USUAL for value in config.values()):
        with torch.device("meta"):  # without memory
            _check_fit(path, _built(path, cls, header), tensors)
    system = _built(path, cls, header)
    _fill(path, system, tensors)
    _calibrate(path, system, header)
    return system.eval(), header


def _calibrate(path, system: torch.nn.Module, header: dict) -> None:
    """Set the calibration of a system that has one from the header."""
    if hasattr(system, CALIBRATION):
        try:
            setattr(system, CALIBRATION, Calibration.read(header.get(CALIBRATION)))
        except SemcomError as cause:
            raise SemcomError(f"{path}: {cause}") from cause


def _built(path, cls: type, header: dict):
    """The system of a header with random weights."""
    try:
        return cls(cls.Config(**header["config"]), header["classes"])
    except (ValueError, TypeError, RuntimeError, ArithmeticError, AssertionError) as error:
        raise SemcomError(
            f"{path}: config does not fit {cls.name}: {first_line(error)}; train it again"
        ) from error


def _check_types(path, kind: type, config: dict) -> None:
    """SemcomError for a value of another type than its field: null, a list, text for a number."""
    for field in fields(kind):
        value, wanted = config.get(field.name, field.default), type(field.default)
        fits = type(value) in ((int, float) if wanted is float else (wanted,))
        if wanted in (int, float, str, bool) and not fits:
            raise SemcomError(
                f"{path}: config {field.name} is {json.dumps(value)[:60]}, expected one such as "
                f"{json.dumps(field.default)}; train it again"
            )


def fill(path: str | Path, part: torch.nn.Module) -> dict:
    """Load the weights of a network that is not a system into ``part``; returns the header."""
    header, tensors = _read(path, with_tensors=True)
    _fill(path, part, tensors)
    part.eval()
    return header


def _fill(path, system: torch.nn.Module, tensors: dict[str, torch.Tensor]) -> None:
    _check_fit(path, system, tensors)
    tensors = all_bits(tensors)
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise SemcomError(f"{path}: tensor {name} holds NaN or infinity; fetch the file again")
    system.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})


def _check_fit(path, system: torch.nn.Module, stored: dict[str, torch.Tensor]) -> None:
    """SemcomError for tensors whose name, dtype or shape is not the system's."""
    wanted = system.state_dict()
    tensors = {n: v for n, v in stored.items() if n in wanted or not n.endswith((SCALE, ZERO))}
    if tensors and all(name.startswith(PARALLEL) for name in tensors):
        raise SemcomError(
            f"{path}: the names of its tensors begin with {PARALLEL!r}, as DataParallel has them; "
            "save the state of its .module"
        )
    odd = sorted(set(wanted) ^ set(tensors))
    if odd:
        state = "is missing" if odd[0] in wanted else "is not part of the system"
        raise SemcomError(f"{path}: tensor {odd[0]} {state}; train it again with this version")
    for name, tensor in tensors.items():
        if tensor.shape != wanted[name].shape:
            raise SemcomError(
                f"{path}: tensor {name} has shape {tuple(tensor.shape)}, expected "
                f"{tuple(wanted[name].shape)}; train it again with this version"
            )
    for name, tensor in stored.items():
        if tensor.dtype not in KINDS:
            raise SemcomError(
                f"{path}: tensor {name} is {str(tensor.dtype).removeprefix('torch.')}, expected "
                "float16, bfloat16 or float32; save it in half precision"
            )
        of = tensors.get(name.removesuffix(SCALE).removesuffix(ZERO))
        if name not in tensors and (
            of is None or of.dim() == 0 or tensor.shape not in ((1,), (len(of),))
        ):
            raise SemcomError(
                f"{path}: tensor {name} of shape {tuple(tensor.shape)} fits no matrix; fetch the "
                "file again"
            )


def _read(path, with_tensors: bool = False) -> tuple[dict, dict[str, torch.Tensor]]:
    path = Path(path)
    try:
        if not path.is_file():
            raise SemcomError(f"{path}: no such checkpoint; give a .safetensors file, see models/")
        path.open("rb").close()
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {k: file.get_tensor(k) for k in file.keys()} if with_tensors else {}  # noqa: SIM118
    except PermissionError as error:
        raise SemcomError(f"{path}: you lack the right to read it") from error
    except (SafetensorError, OSError) as error:
        raise SemcomError(
            f"{path}: not a whole safetensors file ({error}); pickled checkpoints are refused, "
            "and a cut-off file must be fetched again"
        ) from error
    try:
        header = json.loads(metadata[KEY])
    except (KeyError, ValueError, RecursionError) as error:
        raise SemcomError(
            f"{path}: metadata has no readable {KEY!r} header; expected a checkpoint that "
            "apps/train.py wrote"
        ) from error
    missing = [name for name in REQUIRED if not isinstance(header, dict) or name not in header]
    if missing:
        raise SemcomError(f"{path}: header lacks {', '.join(missing)}; train it again")
    if header["format"] != FORMAT:
        raise SemcomError(
            f"{path}: header format is {header['format']}, expected {FORMAT}; update gr-semcom"
        )
    for name, kind in HEADER.items():
        if not isinstance(header[name], kind):
            raise SemcomError(
                f"{path}: header's {name} is {json.dumps(header[name])[:60]}, expected "
                f"{kind.__name__}; train it again"
            )
    if not all(isinstance(name, str) for name in header["classes"]):
        raise SemcomError(f"{path}: header's classes are not all names; train it again")
    header["system"] = OLD_NAMES.get(header["system"], header["system"])
    if with_tensors and SHARED in header:
        tensors |= _taken(path, header[SHARED])
    return header, tensors
