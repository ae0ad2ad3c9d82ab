# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The conversion of the published VGG-19 and VGGish files: what is taken, and what is refused."""

import hashlib
import importlib.util
import json
import os
from collections import OrderedDict

import numpy as np
import pytest
import torch
from conftest import ROOT
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets.vgg import (
    VGG19Pool5,
)
from safetensors import safe_open
from safetensors.torch import load_file
from test_vgg import SmallVGGish, filled, published, some

PROGRAM = "tools/convert_vgg.py"


def load_tool():
    spec = importlib.util.spec_from_file_location("convert_vgg", ROOT / PROGRAM)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


tool = load_tool()


@pytest.fixture(scope="module")
def vgg19():
    return filled(VGG19Pool5)


@pytest.fixture(scope="module")
def vggish():
    return filled(SmallVGGish, pca=True)


def flat_state(network, **replaced):
    """A state dict of the published shapes that takes no room: tensor i holds i alone."""
    shapes = published(network)
    if network == "vgg19":  # what follows pool5 in torchvision's file
        shapes |= {"classifier.0.weight": (4096, 25088), "classifier.0.bias": (4096,)}
    state = {name: torch.tensor(float(i)).expand(s) for i, (name, s) in enumerate(shapes.items())}
    return OrderedDict(state | replaced)


def written(path, content, **options):
    torch.save(content, path, **options)
    return path


class Parameter2017:
    """Pickles as a Parameter did in Torch 0.1, which torchvision's file is from."""

    def __init__(self, tensor):
        self.tensor = tensor

    def __reduce_ex__(self, protocol):
        return torch.nn.Parameter, (self.tensor,), (True, False, OrderedDict())


def test_vgg19_is_converted(vgg19, tmp_path):
    state = dict(vgg19.state_dict()) | {"classifier.6.bias": torch.zeros(1000)}
    path = written(tmp_path / "a.pth", state)
    out = tmp_path / "made" / "a.safetensors"
    assert tool.convert("vgg19", path, out) == 32
    tensors = load_file(out)
    assert tensors.keys() == vgg19.state_dict().keys()
    assert all(torch.equal(tensors[k], v) for k, v in vgg19.state_dict().items())
    assert list(out.parent.iterdir()) == [out]  # nothing temporary is left
    with safe_open(out, "pt") as file:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        header = json.loads(file.metadata()["semcom"])
        assert (header["system"], header["data"], header["sha256"]) == ("vgg19", "a.pth", digest)
    path.unlink()
    out.unlink()  # 80 MB each


def test_files_of_the_first_torch_are_read(tmp_path):
    name, shapes = "features.0.bias", {"features.0.bias": (64,)}
    content = {name: Parameter2017(some(64)), "classifier.0.bias": torch.zeros(3)}
    path = written(tmp_path / "old.pth", content, _use_new_zipfile_serialization=False)
    tensors = tool.pick(path, tool.read(path, ""), shapes, "vgg19")
    assert tensors.keys() == {name} and torch.equal(tensors[name], some(64))
    assert not tensors[name].requires_grad


@pytest.mark.parametrize("dtype, order", [("<f8", "C"), (">f4", "F")])
def test_arrays_of_the_pca_file_are_read_without_numpy(tmp_path, monkeypatch, dtype, order):
    """The port's file holds NumPy arrays."""
    vectors = some(128, 128).double().numpy()
    arrays = {
        "pca_eigen_vectors": np.asarray(vectors, dtype, order=order),
        "pca_means": np.arange(128).astype(dtype)[:, None],
    }
    path = written(tmp_path / "pca.pth", arrays)
    monkeypatch.setattr(np.core.multiarray, "_reconstruct", None)  # must not be needed
    _, shapes = tool.wanted("vggish", True)
    tensors = tool.pick(path, tool.read(path, ""), shapes, "pca")
    np.testing.assert_array_equal(tensors["pca_eigen_vectors"].numpy(), vectors.astype("f4"))
    assert torch.equal(tensors["pca_means"], torch.arange(128).float())


def test_vggish_is_converted_with_its_pca(vggish, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(tool, "VGGish", SmallVGGish)
    weights = {k: v for k, v in vggish.state_dict().items() if not k.startswith("pca_")}
    path = written(tmp_path / "vggish.pth", weights)
    tensors = {"pca_eigen_vectors": some(128, 128), "pca_means": some(128, 1).double()}
    pca = written(tmp_path / "pca.pth", tensors)
    out = tmp_path / "vggish.safetensors"
    monkeypatch.setattr(
        "sys.argv", [PROGRAM, "vggish", *map(str, (path, "--out", out)), "--pca", str(pca)]
    )
    tool.main()
    assert capsys.readouterr().out.startswith(f"wrote {out}: 20 tensors, 20,")
    net = SmallVGGish(pca=True)
    net.load_state_dict(load_file(out), assign=True)  # names and shapes are its own
    assert all(torch.equal(net.state_dict()[name], value) for name, value in weights.items())
    assert torch.equal(net.pca_eigen_vectors, tensors["pca_eigen_vectors"])
    assert torch.equal(net.pca_means, tensors["pca_means"].float().flatten())
    with safe_open(out, "pt") as file:
        header = json.loads(file.metadata()["semcom"])
        assert (header["system"], header["pca_source"]) == ("vggish", "pca.pth")
        assert header["config"] == {"pca": True, "last_relu": False}


def refused(words, network, path, out, **options):
    """The conversion fails with one line that names the file and holds the words; no output."""
    before = out.read_bytes() if out.exists() else None
    with pytest.raises(SemcomError) as error:
        tool.convert(network, path, out, **options)
    line = str(error.value)
    assert "\n" not in line and len(line) < 300, line
    for word in words:
        assert word in line
    assert (out.read_bytes() if out.exists() else None) == before
    assert [p for p in out.parent.iterdir() if p.suffix == ".safetensors"] == [out] * out.exists()


BIAS = "features.34.bias"
BAD = {
    "another network": (lambda: flat_state("vggish"), ["features.2.weight is missing", "vgg19"]),
    "a list": (lambda: [torch.zeros(3)], ["holds a list", "vgg19"]),
    "a training state": (lambda: {"state_dict": flat_state("vgg19")}, ["features.0.weight is mis"]),
    "batch norm": (
        lambda: flat_state("vgg19", **{"features.1.running_mean": torch.zeros(64)}),
        ["'features.1.running_mean' is not part of vgg19"],
    ),
    "odd names": (lambda: flat_state("vgg19") | {("a\nb", 1): 2}, ["is not part of vgg19"]),
    "a shape": (
        lambda: flat_state("vgg19", **{BIAS: torch.zeros(511)}),
        [BIAS, "shape (511,), expected (512,)", "torchvision"],
    ),
    "NaN": (
        lambda: flat_state("vgg19", **{"features.0.bias": torch.full((64,), torch.nan)}),
        ["features.0.bias", "NaN"],
    ),
    "whole numbers": (
        lambda: flat_state("vgg19", **{BIAS: torch.zeros(512, dtype=torch.int64)}),
        [BIAS, "int64", "float32"],
    ),
    "no storage": (
        lambda: flat_state("vgg19", **{BIAS: torch.zeros(512, device="meta")}),
        [BIAS, "meta"],
    ),
    "no tensor": (lambda: flat_state("vgg19", **{BIAS: "text"}), [BIAS, "is a str"]),
    "an array of objects": (
        lambda: flat_state("vgg19", **{BIAS: np.array([{}] * 512)}),
        [BIAS, "no array of float32 or float64"],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_files_that_do_not_fit_are_refused_in_one_line(tmp_path, case):
    content, words = BAD[case]
    path = written(tmp_path / "odd.pth", content())
    remedy = "fetch the file again" if case == "NaN" else "give torchvision's vgg19"
    refused(["odd.pth", *words, remedy], "vgg19", path, out(tmp_path))


def out(folder):
    """An output that was there before, to be kept."""
    path = folder / "kept.safetensors"
    path.write_text("kept")
    return path


def test_a_missing_tensor_is_named(tmp_path):
    state = flat_state("vggish")
    del state["embeddings.2.bias"]
    path = written(tmp_path / "odd.pth", state)
    words = ["odd.pth", "tensor embeddings.2.bias is missing", "vggish-10086976.pth"]
    refused(words, "vggish", path, out(tmp_path))


def test_a_file_of_the_pca_that_does_not_fit_is_named(tmp_path):
    path = written(tmp_path / "vggish.pth", flat_state("vggish"))
    good = {"pca_eigen_vectors": torch.eye(128), "pca_means": torch.zeros(128)}
    tool_of = tool.wanted("vggish", True)[1]
    for name, value, word in [
        ("pca_eigen_vectors", torch.eye(64), "shape (64, 64), expected (128, 128)"),
        ("pca_means", torch.zeros(127, 1), "shape (127,), expected (128,)"),
        ("pca_means", np.zeros(128, int), "no array"),
    ]:
        pca = written(tmp_path / "pca.pth", good | {name: value})
        with pytest.raises(SemcomError) as error:
            tool.pick(pca, tool.read(pca, ""), tool_of, "pca")
        assert all(part in str(error.value) for part in ("pca.pth", name, word, "give"))
    refused(["--pca", "leave it out"], "vgg19", path, out(tmp_path), pca=pca)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
def test_files_that_cannot_be_read_are_refused(tmp_path):
    random = np.random.default_rng(0).bytes(3000)
    whole = written(tmp_path / "whole.pth", {"a": torch.zeros(1000)}).read_bytes()
    old = written(
        tmp_path / "old.pth", {"a": torch.zeros(1000)}, _use_new_zipfile_serialization=False
    ).read_bytes()
    for content in (b"", b"no", random, whole[:-200], old[:-200], old[:30]):
        path = tmp_path / "broken.pth"
        path.write_bytes(content)
        refused(["broken.pth", "not a whole file", "give"], "vgg19", path, out(tmp_path))
    refused(["none.pth", "No such file"], "vgg19", tmp_path / "none.pth", out(tmp_path))
    script = tmp_path / "script.pth"
    torch.jit.script(torch.nn.ReLU()).save(script)
    refused(["script.pth", "TorchScript", "give"], "vgg19", script, out(tmp_path))
    with pytest.raises(SemcomError, match=r"--out .*b\.pth: expected .*\.safetensors"):
        tool.convert("vgg19", script, tmp_path / "b.pth")


class Runs:
    """Runs a function when it is unpickled in good faith."""

    def __init__(self, function, *args):
        self.how = function, args

    def __reduce__(self):
        return self.how


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("named", ["system", "eval", "open"])
def test_code_in_a_pickle_is_not_run(tmp_path, monkeypatch, zipped, named):
    mark = tmp_path / "ran"
    how = {
        "system": (os.system, f"touch {mark}"),
        "eval": (eval, f"__import__('pathlib').Path({str(mark)!r}).touch()"),
        "open": (open, str(mark), "w"),
    }[named]
    state = flat_state("vgg19", **{BIAS: Runs(*how)})
    path = written(tmp_path / "bad.pth", state, _use_new_zipfile_serialization=zipped)
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    refused(["bad.pth", named, "refused", "give"], "vgg19", path, out(tmp_path))
    assert not mark.exists()
    torch.load(path, weights_only=False)  # the trap works
    assert mark.exists()


def test_names_of_numpy_lead_to_no_code_of_its_own(tmp_path):
    """What the guard lets through for the sake of the PCA file holds data, whatever it is told."""
    odd = np.zeros(3)
    for state in ((1, (512,), "f8", False, b"x"), ("os.system", "touch ran"), {"tensor": 1}, None):

        class Forged:
            def __reduce__(self, state=state):
                return np.core.multiarray._reconstruct, odd.__reduce__()[1], state or ()

        path = written(tmp_path / "bad.pth", flat_state("vgg19", **{BIAS: Forged()}))
        refused(["bad.pth", BIAS, "no array"], "vgg19", path, out(tmp_path))


def test_the_program_ends_with_one_line(program, tmp_path):
    path = written(tmp_path / "bad.pth", flat_state("vgg19", **{BIAS: Runs(os.system, "true")}))
    done = program(PROGRAM, "vgg19", path, "--out", tmp_path / "a.safetensors")
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.startswith(f"convert_vgg.py: error: {path}: asks for 'posix.system'")
    assert done.stderr.count("\n") == 1
