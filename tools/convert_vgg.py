# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Convert the published Torch files of VGG-19 or VGGish into safetensors; no code in them is run.

    tools/convert_vgg.py vgg19 vgg19-dcbb9e9d.pth --out vgg19.safetensors
    tools/convert_vgg.py vggish vggish-10086976.pth --pca vggish_pca_params-970ea276.pth \\
        --out vggish.safetensors

The first file is torchvision's, of which features.* is kept; the others are those of
harritaylor/torchvggish.  Tensors keep their names and become float32.
"""

import argparse
import hashlib
import json
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import check_writable
from gnuradio.semcom.base.programs import exit_status
from gnuradio.semcom.nets.vgg import VGG19Pool5, VGGish
from gnuradio.semcom.weights import store as checkpoint

NETWORKS = {"vgg19": VGG19Pool5, "vggish": VGGish}
PUBLISHED = {
    "vgg19": "torchvision's vgg19-dcbb9e9d.pth",
    "vggish": "vggish-10086976.pth of harritaylor/torchvggish",
    "pca": "vggish_pca_params-970ea276.pth of harritaylor/torchvggish",
}
UNUSED = {"vgg19": ("classifier.",)}  # what is behind pool5


class PickledType:
    """Stands in for numpy.dtype while a pickle is read: its code and byte order."""

    def __init__(self, code, *_):
        self.code, self.order = code, "="

    def __setstate__(self, state):
        self.order = state[1]


class PickledArray:
    """Stands in for numpy.ndarray while a pickle is read, so that the file runs no NumPy code.

    The PCA file holds arrays, not tensors, which weights_only refuses.  Declaring NumPy's own
    classes safe would expose their ``__setstate__``, which trusts its arguments, to the file.
    """

    state = None

    def __init__(self, *_):
        pass

    def __setstate__(self, state):
        self.state = state

    def tensor(self) -> torch.Tensor:
        """The array as a float32 tensor; ValueError if it is none of float32 or float64."""
        _, shape, kind, by_columns, raw = self.state
        if kind.code not in ("f4", "f8"):
            raise ValueError(f"dtype {kind.code!r}, expected f4 or f8")
        values = np.frombuffer(raw, np.dtype(kind.code).newbyteorder(kind.order))
        values = values.reshape(shape, order="F" if by_columns else "C")
        return torch.from_numpy(values.astype(np.float32))


STAND_INS = [
    (PickledArray, "numpy.core.multiarray._reconstruct"),
    (PickledArray, "numpy._core.multiarray._reconstruct"),  # the name since NumPy 2
    (PickledArray, "numpy.ndarray"),
    (PickledType, "numpy.dtype"),
]


def read(path: Path, published: str) -> dict:
    """Read a file of torch.save that holds tensors and plain containers alone; no code of the file
    is run."""
    try:
        path.open("rb").close()
    except OSError as cause:
        raise SemcomError(f"{path}: cannot be read ({cause.strerror}); give {published}") from cause
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(STAND_INS):
            warnings.simplefilter("ignore")  # of old formats; an error is one line
            content = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as cause:  # a broken or hostile pickle fails in any way
        raise SemcomError(f"{path}: {reason_for(cause)}; give {published}") from cause
    if not isinstance(content, dict):
        raise SemcomError(
            f"{path}: holds a {type(content).__name__}, expected named tensors; give {published}"
        )
    return content


def reason_for(cause: Exception) -> str:
    """Why torch.load refused, in our own words: Torch's advise loading it unguarded."""
    code = re.search(r"GLOBAL (\S+)", str(cause))
    if code:
        return f"asks for {code[1]!r}, which weights do not need: refused, nothing of it was run"
    if re.search(r"legacy \.tar|TorchScript", str(cause)):
        return "TorchScript or Torch's tar format of 2016, which only running its code would read"
    return "not a whole file of torch.save"


def pick(path: Path, content: dict, shapes: dict, what: str) -> dict[str, torch.Tensor]:
    """The tensors named in ``shapes`` (name -> shape), float32; SemcomError if ``content`` lacks
    one or has one of another shape."""
    give = f"give {PUBLISHED[what]}"
    for name in shapes:
        if name not in content:
            raise SemcomError(f"{path}: tensor {name} is missing; {give}")
    for name in content:
        if name not in shapes and not str(name).startswith(UNUSED.get(what, ())):
            raise SemcomError(f"{path}: tensor {name!r} is not part of {what}; {give}")
    found = {name: dense(f"{path}: tensor {name}", content[name], give) for name in shapes}
    if "pca_means" in found:  # [128], or a column
        found["pca_means"] = found["pca_means"].flatten()
    for name, shape in shapes.items():
        if found[name].shape != shape:
            raise SemcomError(
                f"{path}: tensor {name} has shape {tuple(found[name].shape)}, expected "
                f"{tuple(shape)}; {give}"
            )
    for name, tensor in found.items():
        if not torch.isfinite(tensor).all():
            raise SemcomError(f"{path}: tensor {name} holds NaN or infinity; fetch the file again")
    # copies, as tensors of a file may share their memory and safetensors' may not
    alone = dict(dtype=torch.float32, copy=True, memory_format=torch.contiguous_format)
    return {name: tensor.to(**alone) for name, tensor in found.items()}


def dense(where: str, value, give: str) -> torch.Tensor:
    """``value`` if it is a tensor of floating point, in memory."""
    if isinstance(value, PickledArray):
        try:
            return value.tensor()
        except Exception as cause:  # its state is whatever the file says
            raise SemcomError(f"{where} is no array of float32 or float64; {give}") from cause
    if not isinstance(value, torch.Tensor):
        raise SemcomError(f"{where} is a {type(value).__name__}, expected numbers; {give}")
    plain = value.layout is torch.strided and value.device.type == "cpu"
    if not plain or not value.is_floating_point():
        raise SemcomError(
            f"{where} is {value.dtype}, {value.layout}, on {value.device}, expected a dense "
            f"float32; {give}"
        )
    return value.detach()


def wanted(network: str, pca: bool) -> tuple[dict, dict]:
    """Names and shapes in the network's file and in that of the PCA (none without ``pca``)."""
    with torch.device("meta"):
        built = VGGish(pca=pca) if network == "vggish" else NETWORKS[network]()
    shapes = {name: tensor.shape for name, tensor in built.state_dict().items()}
    of_pca = {name: shape for name, shape in shapes.items() if name.startswith("pca_")}
    return {name: shape for name, shape in shapes.items() if name not in of_pca}, of_pca


def convert(network: str, path: Path, out: Path, pca: Path | None = None) -> int:
    """Write the safetensors file ``out``, whole or not at all; returns how many tensors it has.

    Its header: the network, and the name and SHA-256 of each file that it was made of.
    """
    if pca is not None and network != "vggish":
        raise SemcomError(f"--pca {pca}: {network} has no PCA; leave it out")
    if out.suffix != ".safetensors":
        raise SemcomError(f"--out {out}: expected a name that ends in .safetensors")
    check_writable(out)
    shapes, of_pca = wanted(network, pca is not None)
    tensors = pick(path, read(path, PUBLISHED[network]), shapes, network)
    header = {
        "format": checkpoint.FORMAT,
        "system": network,
        "variant": "features",
        "config": {"pca": True, "last_relu": False} if pca else {},
        "classes": [],
        "data": path.name,
        "sha256": digest(path),
    }
    if pca is not None:
        tensors |= pick(pca, read(pca, PUBLISHED["pca"]), of_pca, "pca")
        header |= {"pca_source": pca.name, "pca_sha256": digest(pca)}
    checkpoint.write(out, tensors, {checkpoint.KEY: json.dumps(header)})
    return len(tensors)


def digest(path: Path) -> str:
    """SHA-256 of a file; published names end in its first eight digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("network", choices=tuple(NETWORKS))
    parser.add_argument("file", type=Path, metavar="IN.pth")
    parser.add_argument("--out", type=Path, required=True, metavar="OUT.safetensors")
    parser.add_argument("--pca", type=Path, metavar="PCA.pth", help="VGGish's PCA, to be added")
    args = parser.parse_args()
    count = convert(args.network, args.file, args.out, args.pca)
    print(f"wrote {args.out}: {count} tensors, {args.out.stat().st_size:,} bytes")


if __name__ == "__main__":
    sys.exit(exit_status("convert_vgg.py", main))
