# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Where samples leave and come: USRPs, and ZeroMQ sockets to a mock radio, each with one port."""

import pmt
from gnuradio import blocks, gr, zeromq

from ..base.errors import SemcomError
from .guard import guarded

ITEM = gr.sizeof_gr_complex
SOCKET_MS, MESSAGES = 20, 64
AMPLITUDE = 0.2  # of unit mean power at a USRP, whose full scale is 1: peaks are 11 dB higher


def _signatures(inputs: int, outputs: int) -> list:
    return [gr.io_signature(n, n, ITEM) for n in (inputs, outputs)]


def _socket(kind, size, address):
    try:
        return kind(size, 1, address, SOCKET_MS, True, MESSAGES)
    except RuntimeError as cause:
        raise SemcomError(f"{address}: cannot be used by ZeroMQ ({cause})") from cause


class zmq_transmitter(gr.hier_block2):
    """Samples and their tags to a ZeroMQ PUSH socket that is bound here, as apps/mock_radio.py
    takes them.

    Input 0  complex64 samples

    address  of the socket, as tcp://*:5551; the mock radio connects to it
    """

    def __init__(self, address="tcp://*:5551"):
        gr.hier_block2.__init__(self, "zmq_transmitter", *_signatures(1, 0))
        self.connect(self, _socket(zeromq.push_sink, ITEM, address))


class zmq_antennas(gr.hier_block2):
    """Samples and their tags of a receiver's antennas from a mock radio's ZeroMQ PUB socket.

    Outputs 0..M-1  complex64 samples

    address   of the socket, as tcp://127.0.0.1:5561
    antennas  M, interleaved in the socket's messages, so that they lose alike
    """

    def __init__(self, address="tcp://127.0.0.1:5561", antennas=2):
        gr.hier_block2.__init__(self, "zmq_antennas", *_signatures(0, antennas))
        source = _socket(zeromq.sub_source, ITEM * antennas, address)
        split = blocks.vector_to_streams(ITEM, antennas)
        self.connect(source, split)
        for m in range(antennas):
            self.connect((split, m), (self, m))


class usrp_transmitter(gr.hier_block2):
    """Samples to the first channel of a USRP, bursts at their times (tx_sob, tx_time, tx_eob).

    Input 0  complex64 samples of unit mean power while a burst is on; 14 dB below full scale

    ``events`` counts what the device complained of: underflow, time_error (late) and others.

    device       UHD's device arguments, as serial=30F1234; '' is the only one
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB]
    antenna      its port, '' for the device's default
    """

    def __init__(self, device="", sample_rate=4e6, frequency=2.45e9, gain=10.0, antenna=""):
        gr.hier_block2.__init__(self, "usrp_transmitter", *_signatures(1, 0))
        self.usrp = _usrp("usrp_sink", device, sample_rate, frequency, gain, antenna)
        scale = blocks.multiply_const_cc(AMPLITUDE)
        self.connect(self, scale, self.usrp)
        self._counter = _EventCounter()
        self.msg_connect(self.usrp, "async_msgs", self._counter, "events")
        self.events = self._counter.events

    def counts(self) -> dict:
        """``events`` as they are now, for those who look while the flowgraph runs."""
        return dict(self.events)

    def set_frequency(self, frequency):
        """Carrier [Hz]."""
        self.usrp.set_center_freq(frequency, 0)

    def set_gain(self, gain):
        """Gain [dB]."""
        self.usrp.set_gain(gain, 0)


class usrp_antennas(gr.hier_block2):
    """Samples of the first M channels of a USRP.

    Outputs 0..M-1  complex64 samples, tagged rx_time by UHD: at the start and after an overflow

    device       UHD's device arguments, as serial=30F1234; '' is the only one
    antennas     M, how many channels
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB] of each channel
    antenna      port of each channel, '' for the device's default
    """

    def __init__(self, device="", antennas=2, sample_rate=4e6, frequency=2.45e9, gain=20.0,
                 antenna=""):  # fmt: skip
        gr.hier_block2.__init__(self, "usrp_antennas", *_signatures(0, antennas))
        self.antennas = antennas
        self.usrp = _usrp("usrp_source", device, sample_rate, frequency, gain, antenna, antennas)
        for m in range(antennas):
            self.connect((self.usrp, m), (self, m))

    def set_min_output_buffer(self, items):
        """Of each antenna; GNU Radio does not hand it on to the blocks inside."""
        self.usrp.set_min_output_buffer(items)

    def set_frequency(self, frequency):
        """Carrier [Hz]."""
        for m in range(self.antennas):
            self.usrp.set_center_freq(frequency, m)

    def set_gain(self, gain):
        """Gain [dB]."""
        for m in range(self.antennas):
            self.usrp.set_gain(gain, m)


class _EventCounter(gr.basic_block):
    """Counts the events of a USRP's asynchronous messages by their names."""

    def __init__(self):
        gr.basic_block.__init__(self, "usrp_events", [], [])
        self.events = {}
        self.message_port_register_in(pmt.intern("events"))
        self.set_msg_handler(pmt.intern("events"), self._count)

    @guarded
    def _count(self, message):
        told = pmt.cdr(message) if pmt.is_pair(message) else message
        codes = pmt.dict_ref(told, pmt.intern("event_code"), pmt.PMT_NIL)
        while pmt.is_pair(codes):
            name = pmt.write_string(pmt.car(codes))
            self.events[name] = self.events.get(name, 0) + 1
            codes = pmt.cdr(codes)


def _usrp(kind, device, sample_rate, frequency, gain, antenna, channels=1):
    """A UHD block, ready; SemcomError with one line if there is no such device."""
    try:
        from gnuradio import uhd
    except ImportError as cause:
        raise SemcomError("USRP: this GNU Radio has no gr-uhd; install it") from cause
    try:
        arguments = uhd.stream_args(cpu_format="fc32", channels=list(range(channels)))
        usrp = getattr(uhd, kind)(device, arguments)
        usrp.set_samp_rate(sample_rate)
        for channel in range(channels):
            usrp.set_center_freq(frequency, channel)
            usrp.set_gain(gain, channel)
            if antenna:
                usrp.set_antenna(antenna, channel)
    except RuntimeError as cause:
        reason = " ".join(str(cause).split())
        raise SemcomError(
            f"USRP '{device}': {reason}; see what uhd_find_devices lists, and name one"
        ) from cause
    if abs(usrp.get_samp_rate() - sample_rate) > 1e-9 * sample_rate:
        raise SemcomError(
            f"USRP '{device}': gives {usrp.get_samp_rate():g} Hz for a sample rate of "
            f"{sample_rate:g} Hz; choose one that its clock divides into"
        )
    return usrp


def or_exit(block, *arguments, **options):
    """``block(*arguments)``; a SemcomError ends the program with its one line.

    For flowgraphs that GRC generated: their main program shows the traceback of everything.
    """
    try:
        return block(*arguments, **options)
    except SemcomError as cause:
        raise SystemExit(f"error: {cause}") from None
