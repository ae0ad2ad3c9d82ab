# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Hier blocks for radios without a common clock or carrier: a terminal and the receiver, with
bursts."""

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

AIR_WINDOW = 8  # most unanswered frames: bursts and answers are delayed over the air
SEGMENTS = 10  # of a clip, from which the length of a sidelink burst follows


def system_number(name: str) -> int:
    """The number of a system in burst headers."""
    return entry_of(name).number


class radio_terminal(HasModel, gr.hier_block2):
    """A terminal for a radio: encodes its items, and sidelink bursts of another terminal, as the
    samples of bursts.

    The first terminal of a topology leads: it sends each frame as it comes (leading_transmitter),
    with sidelink bursts before it if another terminal listens.  A terminal that listens to it
    follows, and sends at the times that the sidelink bursts define (following_transmitter).

    Input 0   items of the terminal, a frame per clip
    Input 1   complex64 samples of the terminal's antenna (only of a terminal that follows)
    Output 0  complex64 samples
    Output 1  complex64, the symbols of the bursts, for measurements
    Message port ``attention``: attention of the encoder, see semantic_encoder
    Message port ``bursts``: the received sidelink bursts, see frame_sync_cc

    ``repeater`` is the block that repeats frames at the receiver's request, if ``attempts`` is
    above 1 (otherwise None): the return link's messages go to its message port ``answers``.  (A
    port of this hier block that passed them on would prevent its memory from being freed.)

    If the sidelink bursts of a frame are lost, it is sent without guidance, provided that the
    period of earlier bursts gives its time.

    ``schedule`` has the times of the bursts (None for a terminal that leads); ``sync`` receives the
    sidelink.

    system            name in the registry
    name              name of the terminal in the system's topology
    checkpoint        file of the weights; '' is the one shipped for the synthetic set
    device            Torch device: cpu, cuda, ...
    sample_rate       [Hz]
    pause             [s] silence in the samples before and after each frame, of a terminal that
                      leads, see leading_transmitter
    continuous        put out a sample for each one of input 1, of a terminal that follows, see
                      following_transmitter
    sidelink_timeout  [s] time to wait for a sidelink frame whose time is unknown; 0: for ever
    dump_path         folder for every internal signal; '': none
    fragment          [symbols] longest payload of a burst, only for systems with one terminal; 0: a
                      burst carries a whole frame
    attempts          most transmissions of a frame; above 1 only for systems with one terminal
    window            most unanswered frames, see repeater
    timeout           [s] time without an answer after which a frame is repeated; 0: never
    overdue           see repeater
    plan              further fields of semcom.protocol.burst.BurstFormat: sps [samples per symbol],
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
                f"fragment {fragment}, attempts {attempts}: expected 0 and 1, since "
                f"{len(net.topology)} terminals share the uplink's bursts"
            )
        if fragment:
            stages.append(fragmenter(fragment, net.unit(name)))
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
        """Connect the receiver of the sidelink, and the transmitter that sends at its times."""
        net = shared_system(model[0], str(model[2]), model[3])
        self.sync = frame_sync_cc(
            1, plan.rows(1), plan.sample_rate, plan.sps, plan.pilot_spacing, "zf", SIDELINK_CODE,
            number, [net.unit(sender)],
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
    """The receiver for a radio: finds bursts in its antennas' samples and decodes each frame's
    outcome.

    Inputs 0..M-1     complex64 samples
    Output 0          items of the system's outcome, see semantic_decoder
    Outputs 1..K      complex64, the detected symbols of each terminal
    Message port ``bursts``: the received bursts, see frame_sync_cc
    Message port ``answers``: for the return link, see semantic_decoder
    Message port ``judgement``: see semantic_decoder

    system       name in the registry
    checkpoint   name or file of the weights; '' is those shipped for the synthetic set
    device       Torch device: cpu, cuda, ...
    antennas     number M of antennas, at least the number of terminals
    sample_rate  [Hz] nominal
    detector     MIMO detector: zf or lmmse
    dump_path    folder for every internal signal; '': none
    attempts     most transmissions of a frame, see semantic_decoder
    ask_below    expected share of correct items, 0 to 1, below which a repetition is requested
    window       most unanswered frames of the sender, see repeater
    plan         further fields of semcom.protocol.burst.BurstFormat: sps [samples per symbol],
                 pilot_length [symbols], pilot_spacing [symbols], copies, max_peak_db [dB];
                 turnaround [s] has no effect here
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
        # The receiver does not use the turnaround, so no value is too short for it.
        self.plan = plan = BurstFormat(sample_rate, **{**plan, "turnaround": None})
        self.sync = frame_sync_cc(
            antennas, plan.rows(terminals), sample_rate, plan.sps, plan.pilot_spacing, detector,
            0, system_number(system), [net.unit(name) for name in net.topology.names],
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
        """Sets the detector, zf or lmmse, from the next burst on."""
        self.sync.set_method(detector)
