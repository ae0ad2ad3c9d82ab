# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Blocks that record samples to SigMF files and replay them."""

from contextlib import ExitStack

import numpy as np
from gnuradio import gr

from ..base.files import check_writable
from ..protocol.recording import NAMESPACE, Recording, describe, files_of, record
from .guard import WORK_DONE, guarded


class sigmf_sink(gr.sync_block):
    """Records the samples of M antennas to the pair PATH.sigmf-data and PATH.sigmf-meta.

    Inputs 0 to M - 1  complex64, an antenna each; tags are not recorded

    When the flowgraph stops, the files get their names and replace older ones; they hold the
    samples until then.  If no sample came, or the disk was full (which ends the flowgraph with one
    line), no file is written, and older ones stay.  Each start of the flowgraph begins a new
    recording.

    path         PATH, with either suffix or without
    channels     number M of antennas
    sample_rate  [Hz]
    frequency    [Hz] of the carrier; None: there is none
    hardware     text that names radio and antennas
    description  text that describes the recording
    settings     dict of JSON values, which ``sigmf_source.settings`` has in a replay

    ``frames`` counts the samples per antenna since the start.  SemcomError if the path cannot be
    written, or a value cannot be recorded.
    """

    def __init__(self, path, channels, sample_rate, frequency=None, hardware="", description="",
                 settings=None):  # fmt: skip
        self.path = path
        self.metadata = describe(channels, sample_rate, frequency, hardware, description, settings)
        check_writable(files_of(path)[1])
        gr.sync_block.__init__(self, "sigmf_sink", [np.complex64] * channels, [])
        self._files, self._recorder, self._told = ExitStack(), None, dict

    def start(self) -> bool:
        self._files, self._recorder = ExitStack(), None
        return True

    def tell(self, told) -> None:
        """Add to ``settings`` the dict that ``told()`` returns when the flowgraph stops."""
        self._told = told

    @property
    def frames(self) -> int:
        """Number of samples per antenna since the start."""
        return self._recorder.frames if self._recorder else 0

    @guarded
    def work(self, input_items, output_items):
        with (
            self._files.pop_all() as files
        ):  # an error deletes the files; without one they stay open
            if not self._recorder:
                self._recorder = files.enter_context(record(self.path, self.metadata))
            self._recorder.append(input_items)
            self._files = files.pop_all()
        return len(input_items[0])

    @guarded
    def stop(self) -> bool:
        for name, value in self._told().items():
            self.metadata.set_global_field(f"{NAMESPACE}{name}", value)
        self._files.close()
        return True


class sigmf_source(gr.sync_block):
    """Replays a SigMF recording, of this or another program, as fast as its samples are read.

    Outputs 0 to M - 1  complex64, an antenna each; ci16_le samples are scaled to +-1

    The recording is checked before the flowgraph starts; a core:sha512 requires reading all samples
    once.  The files are mapped into memory, not loaded.  Each start of the flowgraph begins with
    the first sample.  For real time, put a blocks.throttle at ``sample_rate`` behind it.

    path         PATH, with either suffix or without
    channels     number M of antennas that the recording must have; None: any
    sample_rate  [Hz] rate that the recording must have; None: any
    repeat       True: replay in an endless loop

    ``sample_rate`` [Hz], ``frequency`` [Hz] (None: unknown) and the dict ``settings`` are the
    recording's; ``recording`` is the semcom.protocol.recording.Recording.  SemcomError if the
    recording is damaged or does not have these properties.
    """

    def __init__(self, path, channels=None, sample_rate=None, repeat=False):
        self.recording = Recording(path, channels, sample_rate)
        self.repeat = repeat
        gr.sync_block.__init__(self, "sigmf_source", [], [np.complex64] * self.recording.channels)
        self._at = 0

    def start(self) -> bool:
        self._at = 0
        return True

    @property
    def sample_rate(self) -> float:
        """Sample rate [Hz] of the recording."""
        return self.recording.sample_rate

    @property
    def frequency(self) -> float | None:
        """Carrier [Hz] of the recording; None: unknown."""
        return self.recording.frequency

    @property
    def settings(self) -> dict:
        """Dict of JSON values that the recording's program stored."""
        return self.recording.settings

    @property
    def sent(self) -> int:
        """Number of samples per antenna since the start."""
        return self._at

    @guarded
    def work(self, input_items, output_items):
        if self._at == len(self.recording):
            if not self.repeat:
                return WORK_DONE
            self._at = 0
        frames = self.recording.read(self._at, self._at + len(output_items[0]))
        for out, samples in zip(output_items, frames.T, strict=True):
            out[: len(samples)] = samples
        self._at += len(frames)
        return len(frames)
