# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The two published networks of AVE's features: VGG-19 up to pool5, and VGGish.

Their tensors are named as in the published files, which tools/convert_vgg.py converts to
safetensors; the weights are not shipped with the project.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ..base.errors import SemcomError
from .layers import dense

PATCH = (96, 64)  # frames of 10 ms, mel bands
EMBEDDING = 128
WHITE_LIMIT = 2.0  # [standard deviations] limit of whitened embeddings
STEPS = 255  # steps of eight bits


def convolutions(inputs: int, blocks: tuple[tuple[int, int], ...]) -> nn.Sequential:
    """Blocks of (channels, count) 3x3 convolutions with ReLU, each ending in 2x2 max pooling.

    [N, inputs, H, W] -> [N, channels of the last block, H / 2^blocks, W / 2^blocks]
    """
    layers: list[nn.Module] = []
    for channels, count in blocks:
        for _ in range(count):
            # in place, since the maps of the first block are by far the largest
            layers += [nn.Conv2d(inputs, channels, 3, padding=1), nn.ReLU(inplace=True)]
            inputs = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


class VGG19Pool5(nn.Module):
    """VGG-19 up to its fifth pooling: configuration E of Simonyan and Zisserman, Very Deep
    Convolutional Networks for Large-Scale Image Recognition, arXiv 1409.1556, Table 1.

    Tensors are the ``features.*`` of torchvision's vgg19, to be loaded without ``classifier.*``.
    AVE's visual features of a second are the mean of this over 16 frames (Tian et al., ECCV 2018).

    Input
        pictures: [N, 3, 224, 224] float32, RGB in 0 to 1, less ImageNet's mean (0.485, 0.456,
        0.406) and divided by its standard deviation (0.229, 0.224, 0.225); other sizes give other
        maps, a 32nd of them
    Output
        [N, 7, 7, 512] float32, not negative
    """

    def __init__(self):
        super().__init__()
        self.features = convolutions(3, ((64, 2), (128, 2), (256, 4), (512, 4), (512, 4)))

    def forward(self, pictures: Tensor) -> Tensor:
        return self.features(pictures).permute(0, 2, 3, 1).contiguous()


class VGGish(nn.Module):
    """VGGish (Hershey et al., CNN Architectures for Large-Scale Audio Classification, ICASSP 2017,
    arXiv 1609.09430): configuration A of VGG without its last block, on log-mel patches.

    Tensors are those of the Torch port harritaylor/torchvggish: ``features.*``, ``embeddings.*``
    and, with ``pca``, the ``pca_eigen_vectors`` [128, 128] and ``pca_means`` [128] of its second
    file.  The two arguments select the features:

        last_relu  pca
        True       False  AVE's: the network as first published, with a ReLU at the end
        False      True   AudioSet's, up to rounding: Google's code since tensorflow/models #9080
        True       True   the port's own default

    Input
        patches: [N, 1, 96, 64] float32, log(mel magnitude + 0.01), frames by bands
    Output
        [N, 128] float32; with ``pca`` whole numbers from 0 to 255
    """

    def __init__(self, last_relu: bool = True, pca: bool = False):
        super().__init__()
        self.pca = pca
        self.features = convolutions(1, ((64, 1), (128, 1), (256, 2), (512, 2)))
        self.embeddings = dense(6 * 4 * 512, 4096, 4096, EMBEDDING, last_relu=last_relu)
        if pca:
            self.register_buffer("pca_eigen_vectors", torch.eye(EMBEDDING))
            self.register_buffer("pca_means", torch.zeros(EMBEDDING))

    def forward(self, patches: Tensor) -> Tensor:
        embedded = self.embed(patches)
        if self.pca:
            return quantise(whiten(embedded, self.pca_eigen_vectors, self.pca_means))
        return embedded

    def embed(self, patches: Tensor) -> Tensor:
        """Patches [N, 1, 96, 64] -> embeddings [N, 128], neither whitened nor quantised."""
        if patches.shape[1:] != (1, *PATCH):  # bands by frames would fit the layers, too
            raise SemcomError(
                f"log-mel patches {list(patches.shape)}: expected [N, 1, {PATCH[0]}, {PATCH[1]}], "
                "frames by bands"
            )
        # flattened with channels last, as in TensorFlow, from which the weights come
        return self.embeddings(self.features(patches).permute(0, 2, 3, 1).flatten(1))


def whiten(embedded: Tensor, eigen_vectors: Tensor, means: Tensor) -> Tensor:
    """PCA with whitening, as of the released AudioSet embeddings (vggish_postprocess.py of
    tensorflow/models): [N, d] -> [N, k];  eigen_vectors [k, d], means [d]."""
    return (embedded - means) @ eigen_vectors.T


def quantise(white: Tensor) -> Tensor:
    """Whitened [N, d] [standard deviations] -> integers q from 0 to 255, float32; q 4/255 - 2 is
    the inverse.

    Rounded as in the Torch port; Google's code truncates and is up to one step lower.
    """
    clipped = white.clamp(-WHITE_LIMIT, WHITE_LIMIT)
    return ((clipped + WHITE_LIMIT) * (STEPS / (2 * WHITE_LIMIT))).round()
