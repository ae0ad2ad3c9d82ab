# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Names of the codecs; importing this module loads no codec."""

STILL = ("jpeg", "webp", "avif", "h264_still", "h265_still", "vp9_still")  # a unit per picture
GOP = ("h264", "h265", "vp9", "av1")  # a unit per group of pictures
PICTURES = (*STILL, *GOP)
SOUNDS = ("pcm", "flac", "aac", "mp3", "opus", "amr_nb", "codec2")
TEXTS = ("letters5", "huffman_letters", "huffman_words", "brotli", "bigram")
