# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Blocks for USRPs: a source of samples, and a sink that sends bursts at given times."""

from gnuradio import blocks, gr

from ..base.errors import SemcomError
from . import guard
from .burst_timer import AMPLITUDE, burst_timer
from .device_time import TX_LENGTH
from .front import Front, radio_end
from .guard import DeviceLost
from .stream_watch import stream_watch
from .usrp_holders import is_busy, told_holders

AHEAD_S = 0.3  # [s] from a stream command to the common start of all channels
ERRORS = (RuntimeError, ValueError, IndexError)  # that gr-uhd raises


class usrp_transmitter(radio_end):
    """Transmits bursts on the first channel of a USRP, each at its time.

    Input 0  complex64 samples of unit mean power during a burst; sent 14 dB below full scale.
             Bursts without samples in between: tx_sob and tx_length on the first sample of each,
             and tx_time if the burst has a time; otherwise it is sent 50 ms after it came
    ``counts()`` returns the errors that the device reported: underflow, late and others.

    device       UHD's device arguments, such as serial=30F1234; '': the only device
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB]
    antenna      name of the antenna port; '': the device's default
    subdev       UHD's subdevice specification, such as A:A; '': the device's default

    SemcomError if the device is not found or refuses a setting.  A device that takes no samples for
    2 s ends the flowgraph with a line that names it.
    """

    def __init__(self, device="", sample_rate=4e6, frequency=2.45e9, gain=10.0, antenna="",
                 subdev=""):  # fmt: skip
        radio_end.__init__(self, "usrp_transmitter", 1, 0)
        self.front = _Usrp(device, 1)
        # The length tag is needed: with tx_sob alone gr-uhd sends an empty start of burst, with
        # which libuhd overwrites the end of a first burst that is sent at once.
        self.usrp = self.front.open("usrp_sink", sample_rate, subdev, str(TX_LENGTH))
        self.front.set_up(frequency, gain, antenna)
        self._timer = burst_timer(self.front.now, sample_rate, AMPLITUDE)
        self.watch = stream_watch(f"no samples taken by {self.front.words}", self._look())
        self.connect(self, self._timer, self.usrp)
        self.msg_connect(self.usrp, "async_msgs", self.watch, "events")

    def _look(self):
        """A function for stream_watch: (samples sent, whether more are due).  It does not refer to
        this block, so that its memory can be freed."""
        usrp, timer = self.usrp, self._timer

        def look():
            sent = usrp.nitems_read(0)
            return sent, timer.nitems_written(0) > sent and timer.is_due()

        return look


class usrp_antennas(radio_end):
    """Receives the samples of the first M channels of a USRP.

    Outputs 0..M-1  complex64 samples, tagged rx_time by UHD: at the start and after an overflow

    device       UHD's device arguments, such as serial=30F1234; '': the only device
    antennas     number M of channels
    sample_rate  [Hz]
    frequency    [Hz] of the carrier
    gain         [dB] of each channel
    antenna      antenna port of all channels ("RX2") or of each ("TX/RX,RX2"); '': the device's
                 default
    subdev       UHD's subdevice specification, such as "A:A A:B"; '': the device's default

    SemcomError if the device is not found or refuses a setting.  A stream that stops is restarted
    once, which is a fault (exit status 1); if it does not come back, the flowgraph ends with a line
    that names the device.
    """

    def __init__(self, device="", antennas=2, sample_rate=4e6, frequency=2.45e9, gain=20.0,
                 antenna="", subdev=""):  # fmt: skip
        radio_end.__init__(self, "usrp_antennas", 0, antennas)
        self.front = _Usrp(device, antennas)
        self.usrp = self.front.open("usrp_source", sample_rate, subdev)
        self.front.set_up(frequency, gain, antenna)
        self._taken = blocks.copy(gr.sizeof_gr_complex)  # its counter shows whether samples come
        self.watch = stream_watch(
            f"no samples from {self.front.words}", self._look(), self.front.restart
        )
        self.msg_connect(self.watch, "command", self.usrp, "command")
        self.connect(self.usrp, self._taken, self)
        for m in range(1, antennas):
            self.connect((self.usrp, m), (self, m))

    def _look(self):
        """A function for stream_watch: (samples received, whether all were passed on).  It does not
        refer to this block, so that its memory can be freed."""
        usrp, taken = self.usrp, self._taken

        def look():
            came = usrp.nitems_written(0)
            return came, taken.nitems_read(0) >= came

        return look

    def set_min_output_buffer(self, items):
        """Sets the least output buffer [items] of each antenna; GNU Radio does not pass it to the
        blocks inside a hier block."""
        self.usrp.set_min_output_buffer(items)


class _Usrp(Front):
    """One direction (transmit or receive) of a USRP, with gr-uhd's block."""

    def __init__(self, device: str, channels: int):
        Front.__init__(self, f"USRP '{device}'", channels)
        self.device, self.block = device, None

    def open(self, kind: str, sample_rate: float, subdev: str, *more):
        """Make gr-uhd's block; SemcomError if the device cannot be opened.

        kind         name of the block: usrp_source or usrp_sink
        sample_rate  [Hz]
        more         further arguments of gr-uhd's block
        """
        self.check_arguments(self.device)
        self._uhd = _uhd()
        streams = self._uhd.stream_args(cpu_format="fc32", channels=list(range(self.channels)))
        try:
            self.block = getattr(self._uhd, kind)(self.device, streams, *more)
            if subdev:
                self.block.set_subdev_spec(subdev, 0)
            self.block.set_samp_rate(sample_rate)
            found = self.block.get_samp_rate()
        except ERRORS as cause:
            raise SemcomError(f"{self.words}: {_reason(cause, subdev)}") from cause
        self.check_rate(found, sample_rate)
        guard.name(self.block, self.words)
        return self.block

    def set_up(self, frequency, gain, antenna):
        try:
            Front.set_up(self, frequency, gain, antenna)
        except SemcomError:
            raise
        except ERRORS as cause:
            raise SemcomError(f"{self.words}: {' '.join(str(cause).split())}") from cause

    def tune(self, frequency, channel):
        self.block.set_center_freq(frequency, channel)
        span = self.block.get_freq_range(channel)
        return self.block.get_center_freq(channel), span.start(), span.stop()

    def amplify(self, gain, channel):
        self.block.set_gain(gain, channel)
        span = self.block.get_gain_range(channel)
        return self.block.get_gain(channel), span.start(), span.stop()

    def ports(self, channel):
        return list(self.block.get_antennas(channel))

    def plug(self, port, channel):
        self.block.set_antenna(port, channel)

    def now(self) -> float:
        """The device's time [s]; DeviceLost if it does not answer."""
        return self._ask(self.block.get_time_now).get_real_secs()

    def restart(self) -> None:
        """Restart the stream of samples."""
        command = self._uhd.stream_cmd_t(self._uhd.stream_mode_t.STREAM_MODE_START_CONTINUOUS)
        command.stream_now = self.channels == 1
        command.time_spec = self._uhd.time_spec_t(self.now() + AHEAD_S)
        self._ask(self.block.issue_stream_cmd, command)

    def _ask(self, method, *arguments):
        try:
            return method(*arguments)
        except ERRORS as cause:
            reason = " ".join(str(cause).split())
            raise DeviceLost(f"{self.words} does not answer ({reason})") from cause


def _uhd():
    try:
        from gnuradio import uhd
    except ImportError as cause:
        raise SemcomError("USRP: this GNU Radio has no gr-uhd; install it") from cause
    return uhd


def _reason(cause: Exception, subdev: str) -> str:
    """The reason why a device could not be opened, and the remedy."""
    reason = " ".join(str(cause).split())
    if is_busy(reason):
        return f"{told_holders()} ({reason})"
    if subdev and "No devices" not in reason:
        return f"{reason}; uhd_usrp_probe lists the subdevices; is '{subdev}' one?"
    return f"{reason}; name a device that uhd_find_devices lists"
