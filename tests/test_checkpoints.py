# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Checkpoints that are not what they should be: one line, before any memory is taken."""

import json
import os
import resource
import subprocess
import sys

import pytest
import torch
from conftest import ROOT
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets.pilot_ave_plus import PilotAvePlus, PilotAvePlusConfig
from gnuradio.semcom.systems import loading
from gnuradio.semcom.weights import store
from safetensors import safe_open

SMALL = dict(symbols=2, hidden=4, attention_hidden=3, heads=2, audio_dim=3, visual_dim=4)


@pytest.fixture
def path(tmp_path):
    torch.manual_seed(7)
    net = PilotAvePlus(PilotAvePlusConfig(**SMALL, height=1, width=1), ["one", "two"])
    store.save(tmp_path / "x.safetensors", net, variant="full", data="synthetic")
    return tmp_path / "x.safetensors"


def changed(path, header=(), tensors=lambda found: found, **config):
    """Write the checkpoint with parts of its header, configuration or tensors changed."""
    with safe_open(path, framework="pt") as file:
        told = json.loads(file.metadata()[store.KEY])
        found = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    told |= dict(header)
    if config:
        told["config"] |= config
    store.write(path, tensors(found), {store.KEY: json.dumps(told)})


def refused(path, *words):
    with pytest.raises(SemcomError) as caught:
        loading.load_any(path)
    for word in (str(path), *words):
        assert word in str(caught.value)
    assert len(str(caught.value)) < 300 + len(str(path))


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "null"), ([4], "[4]"), ("4", '"4"'), (4.0, "4.0"), (True, "true"), ({}, "{}")],
)
def test_a_value_of_another_type_is_named(path, value, told):
    changed(path, hidden=value)
    refused(path, f"config hidden is {told}, expected one such as 256")


@pytest.mark.parametrize("value", [0, 1, 2**62, 2**63, 2**70])
def test_sizes_of_no_network_are_told_without_a_trace_of_torch(path, value):
    changed(path, hidden=value)
    refused(path, "config")


def test_a_share_that_is_no_number_is_named(path):
    changed(path, dropout=float("nan"))
    refused(path, "dropout nan")


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ({"system": ["span"]}, 'header\'s system is ["span"], expected str'),
        ({"config": None}, "header's config is null, expected dict"),
        ({"config": []}, "header's config is [], expected dict"),
        ({"classes": "one"}, 'header\'s classes is "one", expected list'),
        ({"classes": ["one", 2]}, "header's classes are not all names"),
        ({"data": None}, "header's data is null, expected str"),
    ],
)
def test_a_header_of_other_types_is_named(path, header, says):
    changed(path, header)
    refused(path, says)


def test_a_header_that_nests_without_end_is_one_line(path):
    with safe_open(path, framework="pt") as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    store.write(path, tensors, {store.KEY: "[" * 100_000})
    refused(path, "metadata has no readable 'semcom' header")


@pytest.mark.parametrize("kind", [torch.float8_e4m3fn, torch.float8_e5m2, torch.complex64])
def test_tensors_of_other_kinds_are_named(path, kind):
    try:
        changed(path, tensors=lambda found: {n: v.float().to(kind) for n, v in found.items()})
    except KeyError:
        pytest.skip(f"this version of safetensors writes no {kind}")
    refused(path, f"is {str(kind)[6:]}, expected float16, bfloat16 or float32")


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float32, torch.float64])
def test_tensors_of_other_floats_are_read(path, kind):
    wanted = loading.load_any(path).state_dict()
    changed(path, tensors=lambda found: {n: v.to(kind) for n, v in found.items()})
    for name, tensor in loading.load_any(path).state_dict().items():
        torch.testing.assert_close(tensor, wanted[name], rtol=1e-2, atol=1e-2)


def test_names_of_data_parallel_are_told(path):
    changed(path, tensors=lambda found: {f"module.{n}": v for n, v in found.items()})
    refused(path, "begin with 'module.', as DataParallel has them; save the state of its .module")


@pytest.mark.parametrize("shape", [(), (3,), (2, 1)])
def test_scales_that_fit_no_matrix_are_told(path, shape):
    def scaled(found):
        name = next(n for n, v in found.items() if v.dim() == 2 and len(v) not in (1, 3))
        return found | {name: found[name].to(torch.int8), f"{name}.scale": torch.ones(shape)}

    changed(path, tensors=scaled)
    refused(path, f".scale of shape {shape} fits no matrix")


def test_a_missing_right_is_told(path):
    path.chmod(0)
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        with pytest.raises(SemcomError, match="you lack the right to read it"):
            store.read_header(path)
    finally:
        if root:
            os.seteuid(0)


SIZES = ({"hidden": 10**9}, {"symbols": 10**6, "hidden": 10**6}, {"heads": 2**40})


@pytest.mark.parametrize("sizes", SIZES, ids=str)
def test_sizes_of_terabytes_are_refused_in_little_memory(path, sizes):
    changed(path, **sizes)
    script = (
        "import sys\n"
        "from gnuradio.semcom.base.programs import exit_status\n"
        "from gnuradio.semcom.systems import loading\n"
        "sys.exit(exit_status('x', lambda: bool(loading.load_any(sys.argv[1]))))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, path], capture_output=True, text=True, cwd=ROOT, timeout=120,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30)),
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
    assert str(path) in done.stderr and done.stderr.count("\n") == 1, done.stderr
