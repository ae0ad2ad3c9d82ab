# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""VGG-19 and VGGish layer by layer against NumPy on random weights."""

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.nets.layers import dense
from gnuradio.semcom.nets.vgg import (
    VGG19Pool5,
    VGGish,
    quantise,
    whiten,
)
from scipy.signal import correlate2d

# Configurations as published: channels of a convolution, or a pooling
VGG19 = [64, 64, "M", 128, 128, "M", *[256] * 4, "M", *[512] * 4, "M", *[512] * 4, "M"]
VGGISH = [64, "M", 128, "M", 256, 256, "M", 512, 512, "M"]
VGG19_PLACES = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
VGGISH_PLACES = [0, 3, 6, 8, 11, 13]


class SmallVGGish(VGGish):
    """VGGish with dense layers of other widths, as the published ones are 280 MB."""

    def __init__(self, last_relu=True, pca=False):
        with torch.device("meta"):
            super().__init__(last_relu, pca)
            self.embeddings = dense(6 * 4 * 512, 40, 30, 128, last_relu=last_relu)


def filled(network, **options):
    """A network with random weights that keep the size of a signal, made without default ones."""
    with torch.device("meta"):
        net = network(**options)
    net.to_empty(device="cpu")
    generator = torch.Generator().manual_seed(3)
    for name, tensor in net.state_dict().items():
        scale = (2 / tensor[0].numel()) ** 0.5 if tensor.dim() > 1 else 0.3
        if name == "pca_eigen_vectors":
            scale = 0.15
        tensor.normal_(0, scale, generator=generator)
    return net.eval()


@pytest.fixture(scope="module")
def vgg19():
    return filled(VGG19Pool5)


@pytest.fixture(scope="module")
def vggish():
    return filled(SmallVGGish, pca=True)


def some(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(5))


# --- the same in NumPy ----------------------------------------------------------------------------


def convolve(maps, weight, bias):
    """3x3 with zeros around, as the sum over the nine places of the kernel; float64."""
    padded = np.pad(maps, ((0, 0), (0, 0), (1, 1), (1, 1)))
    height, width = maps.shape[2:]
    result = bias[:, None, None, None].astype(float)
    for y in range(3):
        for x in range(3):
            under = padded[:, :, y : y + height, x : x + width]
            result = result + np.tensordot(weight[:, :, y, x], under, (1, 1))
    return result.swapaxes(0, 1)


def pool(maps):
    count, channels, height, width = maps.shape
    return maps.reshape(count, channels, height // 2, 2, width // 2, 2).max((3, 5))


def layers(configuration, weights, maps):
    """Output of every layer of a configuration: convolution, ReLU and pooling each count as one."""
    place, outputs = 0, []
    for step in configuration:
        if step == "M":
            maps = pool(maps)
            place += 1
            outputs.append(maps)
            continue
        names = f"features.{place}.weight", f"features.{place}.bias"
        before = convolve(maps, *(weights[name].double().numpy() for name in names))
        maps = np.maximum(before, 0)
        place += 2
        outputs += [before, maps]
    return outputs


def outputs_of(stack, run):
    """What every layer of ``stack`` gives while ``run`` runs."""
    outputs = []
    hooks = [
        # a copy, as ReLU works in place
        layer.register_forward_hook(lambda _, __, result: outputs.append(result.clone().numpy()))
        for layer in stack
    ]
    with torch.inference_mode():
        result = run().numpy()
    for hook in hooks:
        hook.remove()
    return outputs, result


def assert_close(found, expected):
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


def test_the_reference_is_a_convolution():
    maps, weight, bias = some(2, 3, 5, 7).numpy(), some(4, 3, 3, 3).numpy(), some(4).numpy()
    result = convolve(maps, weight, bias)
    for n in range(2):
        for c in range(4):
            parts = (correlate2d(maps[n, k], weight[c, k], "same") for k in range(3))
            np.testing.assert_allclose(result[n, c], sum(parts) + bias[c], atol=1e-5)


# --- the networks ---------------------------------------------------------------------------------


def published(network):
    """Names and shapes of the published files, written out."""
    configuration, places, inputs = VGG19, VGG19_PLACES, 3
    if network == "vggish":
        configuration, places, inputs = VGGISH, VGGISH_PLACES, 1
    shapes = {}
    channels = [step for step in configuration if step != "M"]
    for place, outputs in zip(places, channels, strict=True):
        shapes[f"features.{place}.weight"] = (outputs, inputs, 3, 3)
        shapes[f"features.{place}.bias"] = (outputs,)
        inputs = outputs
    ends = [(0, 12288, 4096), (2, 4096, 4096), (4, 4096, 128)] if network == "vggish" else []
    for place, inputs, outputs in ends:
        shapes[f"embeddings.{place}.weight"] = (outputs, inputs)
        shapes[f"embeddings.{place}.bias"] = (outputs,)
    return shapes


@pytest.mark.parametrize(
    "network, name, count", [(VGG19Pool5, "vgg19", 20_024_384), (VGGish, "vggish", 72_141_184)]
)
def test_tensors_are_named_as_published(network, name, count):
    with torch.device("meta"):
        net = network()
    assert {k: tuple(v.shape) for k, v in net.state_dict().items()} == published(name)
    assert sum(p.numel() for p in net.parameters()) == count


def test_a_picture_of_224_gives_seven_by_seven():
    with torch.device("meta"):
        assert VGG19Pool5()(torch.empty(5, 3, 224, 224)).shape == (5, 7, 7, 512)


def test_vgg19_equals_numpy_layer_by_layer(vgg19):
    pictures = some(2, 3, 32, 64)  # unequal sides, so that swapped ones differ
    kept = pictures.clone()
    expected = layers(VGG19, vgg19.state_dict(), pictures.double().numpy())
    found, result = outputs_of(vgg19.features, lambda: vgg19(pictures))
    assert len(found) == len(expected) == 37
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)
    assert result.shape == (2, 1, 2, 512)
    assert_close(result, expected[-1].transpose(0, 2, 3, 1))
    assert torch.equal(pictures, kept)


def test_vggish_equals_numpy_layer_by_layer(vggish):
    patches, weights = some(2, 1, 96, 64), vggish.state_dict()
    expected = layers(VGGISH, weights, patches.double().numpy())
    # as TensorFlow flattens [N, frames, bands, channels]
    flat = expected[-1].transpose(0, 2, 3, 1).reshape(2, 6 * 4 * 512)
    for place in (0, 2, 4):
        weight, bias = (weights[f"embeddings.{place}.{k}"].numpy() for k in ("weight", "bias"))
        expected += [flat @ weight.T + bias, np.maximum(flat @ weight.T + bias, 0)]
        flat = expected[-1]
    stack = [*vggish.features, *vggish.embeddings]
    found, result = outputs_of(stack, lambda: vggish.embed(patches))
    assert len(found) == len(expected) == 22
    for one, other in zip(found, expected, strict=True):
        assert_close(one, other)
    assert_close(result, expected[-1])
    assert (result == 0).any()


def test_vggish_without_its_last_relu(vggish):
    bare = SmallVGGish(last_relu=False, pca=True)
    bare.load_state_dict(vggish.state_dict(), assign=True)
    patches = some(1, 1, 96, 64)
    with torch.inference_mode():
        embedded = bare.embed(patches)
        assert (embedded < 0).any()
        assert torch.equal(embedded.relu(), vggish.embed(patches))


def by_loops(embedded, vectors, means):
    """Whitened and clipped values on the scale of 0 to 255, before rounding."""
    result = np.empty((len(embedded), len(vectors)))
    for n, row in enumerate(embedded):
        for k, vector in enumerate(vectors):
            white = sum(v * (e - m) for v, e, m in zip(vector, row, means, strict=True))
            result[n, k] = (min(max(white, -2.0), 2.0) + 2.0) * 255 / 4
    return result


def test_whitened_and_quantised_equals_loops():
    embedded, vectors, means = some(5, 6), some(4, 6), some(6) / 3  # sizes differ on purpose
    found = quantise(whiten(embedded, vectors, means))
    exact = by_loops(embedded.tolist(), vectors.tolist(), means.tolist())
    assert found.dtype == torch.float32
    assert np.abs(found.numpy() - exact).max() <= 0.5 + 1e-4
    assert torch.equal(found, found.round())
    ends = quantise(torch.tensor([[-9.0, -2.0, 0.01, 2.0, 9.0]]))
    assert ends.tolist() == [[0, 0, 128, 255, 255]]


def test_vggish_with_pca_gives_bytes(vggish):
    patches, weights = some(1, 1, 96, 64), vggish.state_dict()
    with torch.inference_mode():
        found, embedded = vggish(patches), vggish.embed(patches)
    exact = by_loops(
        embedded.tolist(), weights["pca_eigen_vectors"].tolist(), weights["pca_means"].tolist()
    )
    assert found.shape == (1, 128)  # the port drops the axis of one patch
    assert np.abs(found.numpy() - exact).max() <= 0.5 + 1e-3
    assert len(found.unique()) > 10 and found.min() >= 0 and found.max() <= 255


@pytest.mark.parametrize("shape", [(2, 1, 64, 96), (2, 96, 64), (1, 2, 96, 64)])
def test_patches_of_another_shape_are_refused(vggish, shape):
    with pytest.raises(SemcomError, match=r"expected \[N, 1, 96, 64\], frames by bands"):
        vggish(torch.zeros(shape))
