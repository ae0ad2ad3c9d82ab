# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The terminals and the receiver with bursts on the air, where no clock or carrier is shared."""

from gnuradio import gr

from .. import frame_sync_cc
from ..base.errors import SemcomError
from ..protocol.burst import SIDELINK_CODE, BurstFormat
from ..protocol.schedule import Schedule
from ..systems.loading import shared_system
from ..systems.registry import DEFAULT_SYSTEM
from ..systems.registry import system as entry_of
from .dump import dump
from .fragmenter import fragmenter
from .heard_schedule import HeardSchedule
from .hier import HasModel, item_size, signature
from .repeater import repeater
from .semantic_decoder import semantic_decoder
from .semantic_encoder import semantic_encoder
from .transmitters import following_transmitter, leading_transmitter

AIR_WINDOW = 8  # frames under way on the air: bursts and answers take a while
SEGMENTS = 10  # a clip's, of which a sidelink burst's length is reckoned


def system_number(name: str) -> int:
    """What a burst's header says of the system."""
    return entry_of(name).number


def segment(net, name: str) -> int:
    """[symbols] that a terminal's payload is a multiple of; 1 where it may have any length."""
    return 1 if net.ragged else net.payload(name, 1)


class radio_terminal(HasModel, gr.hier_block2):
    """A terminal on the air: turns what it takes, and what its antenna hears, into the samples
    of bursts.

    The first terminal of a topology leads: it sends when it has something (leading_transmitter),
    with sidelink bursts in front where another hears it.  One that hears it follows, and sends when
    that says (following_transmitter).

    Input 0   items of the terminal, a frame a clip
    Input 1   complex64 samples of the terminal's antenna (only of one that hears another)
    Output 0  complex64 samples
    Output 1  complex64, the symbols alone, for measurements
    Message port ``attention``: where it looked, see semantic_encoder
    Message port ``bursts``: the sidelink bursts that were heard, see frame_sync_cc

    ``repeater`` sends again what the receiver asks for, if ``attempts`` are above 1 (else None):
    what comes over the return link goes to its message port ``answers``.  (A port of this block
    that passed it on would keep the block's memory.)

    A frame whose sidelink bursts were lost is sent without guidance, if the period of those before
    tells when.
    ``schedule`` tells when bursts are due (None for one that leads), ``sync`` hears the sidelink.

    system            name in the registry
    name              of the terminal, in the system's topology
    checkpoint        file of the weights; '' is the one shipped for the synthetic set
    device            Torch device
    sample_rate       [Hz]
    pause             [s] of silence between frames that is part of the samples, of a terminal that
                      leads, see leading_transmitter
    continuous        a sample out for each one in, of a terminal that follows, see
                      following_transmitter
    sidelink_timeout  [s] to wait for the sidelink if nothing tells the time; 0: for ever
    dump_path         folder for every internal signal; '': none
    fragment          [symbols] of a burst's payload at most, of a terminal that is the only one; 0:
                      a burst carries a whole frame
    attempts          most transmissions of a frame; above 1 of an only terminal alone
    window            most frames under way, see repeater
    timeout           [s] after which what was not answered is sent again; 0: never
    overdue           see repeater
    plan              more of semcom.protocol.burst.BurstFormat: sps [samples per symbol],
                      pilot_length [symbols], pilot_spacing [symbols], turnaround [s], copies,
                      max_peak_db [dB]
    """

    def __init__(self, system=DEFAULT_SYSTEM, name="audio", checkpoint="", device="cpu",
                 sample_rate=4e6, pause=0.0, continuous=False, sidelink_timeout=0.0, dump_path="",
                 fragment=0, attempts=1, window=AIR_WINDOW, timeout=1.0, overdue=None,
                 **plan):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        place, c64 = net.topology.terminal(name), gr.sizeof_gr_complex
        self.name, self.terminal = name, name
        gr.hier_block2.__init__(
            self,
            f"radio_{name}_terminal",
            signature(item_size(net.item(name)), *[c64] * len(place.hears)),
            signature(c64, c64),
        )
        self.message_port_register_hier_out("attention")
        self.message_port_register_hier_out("bursts")
        plan = BurstFormat(sample_rate, **plan)
        self.plan = plan
        number, longest = system_number(system), net.payload(name, SEGMENTS)
        if net.topology.is_heard(name):
            plan.check_payload(longest)
        model = (system, name, checkpoint, device)
        if place.hears:
            self._follow(plan, model, number, place.hears[0], sidelink_timeout, continuous)
            dump(self, self.sync, 0, dump_path, "heard")
        else:
            self.schedule = self.sync = None
            self.encoder = semantic_encoder(*model, aligned=False)
            self.transmitter = leading_transmitter(plan, number, len(net.topology), pause)
        self.msg_connect(self.encoder, "attention", self, "attention")
        stages = [self.encoder]
        if (fragment or attempts > 1) and len(net.topology) > 1:
            raise SemcomError(
                f"fragment {fragment}, attempts {attempts}: 0 and 1 expected, since "
                f"{len(net.topology)} terminals share the uplink's bursts"
            )
        if fragment:
            stages.append(fragmenter(fragment, segment(net, name)))
        self.repeater = None
        if attempts > 1:
            self.repeater = repeater(1, attempts, window, 0.0 if overdue else timeout, overdue)
            stages.append(self.repeater)
        self.stages = stages  # GNU Radio does not keep Python blocks alive
        self.connect((self, 0), (self.encoder, 0))
        self.connect(*stages, (self.transmitter, 0))
        self.connect(self.transmitter, (self, 0))
        self.connect(stages[-1], (self, 1))
        dump(self, self.encoder, 0, dump_path, f"{name}_symbols")
        dump(self, self.transmitter, 0, dump_path, f"{name}_samples")

    def _follow(self, plan, model, number, sender, sidelink_timeout, continuous):
        """What hears the sidelink, and sends when it says."""
        net = shared_system(model[0], str(model[2]), model[3])
        self.sync = frame_sync_cc(
            1, plan.rows(1), plan.sample_rate, plan.sps, plan.pilot_spacing, "zf", SIDELINK_CODE,
            number, [segment(net, sender)],
        )  # fmt: skip
        self.schedule = HeardSchedule(
            Schedule(plan, net.payload(sender, SEGMENTS), number), self.sync
        )
        self.encoder = semantic_encoder(
            *model, sidelink_timeout, self.schedule.go_without, aligned=False
        )
        self.transmitter = following_transmitter(plan, number, self.schedule, continuous)
        self.msg_connect(self.sync, "bursts", self, "bursts")
        self.connect((self, 1), self.sync, (self.encoder, 1))
        if continuous:
            self.connect((self, 1), (self.transmitter, 1))


class radio_receiver(HasModel, gr.hier_block2):
    """The receiver on the air: turns the samples of its antennas into the outcome of each frame.

    Inputs 0..M-1     complex64 samples
    Output 0          items of the system's outcome, see semantic_decoder
    Outputs 1..K      complex64, the symbols of each terminal as they were separated
    Message port ``bursts``: the bursts that were heard, see frame_sync_cc
    Message port ``answers``: for the return link, see semantic_decoder
    Message port ``judgement``: see semantic_decoder

    system       name in the registry
    checkpoint   name or file of the weights; '' is those shipped for the synthetic set
    device       Torch device: cpu, cuda, ...
    antennas     M, at least as many as terminals
    sample_rate  [Hz] nominal
    detector     zf or lmmse
    dump_path    folder for every internal signal; '': none
    attempts     most transmissions of a frame, see semantic_decoder
    ask_below    expected share that is right, 0 to 1, below which a frame is asked for again
    window       most frames that the sender has under way, see repeater
    plan         more of semcom.protocol.burst.BurstFormat: sps [samples per symbol], pilot_length
                 [symbols], pilot_spacing [symbols], copies, max_peak_db [dB]; turnaround [s] is of
                 the terminals, and means nothing here
    """

    def __init__(self, system=DEFAULT_SYSTEM, checkpoint="", device="cpu", antennas=2,
                 sample_rate=4e6, detector="zf", dump_path="", attempts=1, ask_below=0.9,
                 window=AIR_WINDOW, **plan):  # fmt: skip
        net = shared_system(system, str(checkpoint), device)
        terminals, c64 = len(net.topology), gr.sizeof_gr_complex
        gr.hier_block2.__init__(
            self,
            "radio_receiver",
            signature(*[c64] * antennas),
            signature(item_size(net.outcome_item), *[c64] * terminals),
        )
        # A receiver keeps no turnaround, so none is too short for it.
        self.plan = plan = BurstFormat(sample_rate, **{**plan, "turnaround": None})
        self.sync = frame_sync_cc(
            antennas, plan.rows(terminals), sample_rate, plan.sps, plan.pilot_spacing, detector,
            0, system_number(system), [segment(net, name) for name in net.topology.names],
        )  # fmt: skip
        self.decoder = semantic_decoder(system, checkpoint, device, attempts, ask_below, window)
        self.message_port_register_hier_out("bursts")
        self.msg_connect(self.sync, "bursts", self, "bursts")
        self.message_port_register_hier_out("answers")
        self.msg_connect(self.decoder, "answers", self, "answers")
        self.message_port_register_hier_out("judgement")
        self.msg_connect(self.decoder, "judgement", self, "judgement")
        for m in range(antennas):
            self.connect((self, m), (self.sync, m))
            dump(self, self, m, dump_path, f"antenna_{m}")
        for k in range(terminals):
            self.connect((self.sync, k), (self.decoder, k))
            self.connect((self.sync, k), (self, 1 + k))
            dump(self, self.sync, k, dump_path, f"detected_{k}")
        self.connect(self.decoder, (self, 0))
        dump(self, self.decoder, 0, dump_path, "outcomes", net.outcome_item)

    def set_detector(self, detector):
        """zf or lmmse, from the next burst on."""
        self.sync.set_method(detector)
