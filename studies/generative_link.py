# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Films, stills, sounds and sentences over the link of one terminal, with M3E-VSC and with
classical codes, in the chain of ``semcom.chain`` (tests check that it equals the GNU Radio
flowgraph)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from gnuradio.semcom.blocks.return_link import answer_symbols
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data.clipset import AVE_CLASSES
from gnuradio.semcom.data.descriptions import DescriptionSentences, text, tokens
from gnuradio.semcom.data.material_raw import RawMaterial
from gnuradio.semcom.media.clip import Media
from gnuradio.semcom.media.codecs import pictures
from gnuradio.semcom.media.codecs.texts import TextCodec as ClassicalText
from gnuradio.semcom.media.sources import MediaSource
from gnuradio.semcom.media.spectrum import RATE
from gnuradio.semcom.media.store import STORE, handle_items
from gnuradio.semcom.nets.m3e.text import LENGTH
from gnuradio.semcom.phy.coding import BlockCode
from gnuradio.semcom.phy.csi import symbol_no_eff
from gnuradio.semcom.systems.digital import Digital, DigitalSettings
from gnuradio.semcom.systems.loading import load_system
from gnuradio.semcom.systems.m3e_vsc import M3ESettings
from gnuradio.semcom.tasks.media import MediaTask
from gnuradio.semcom.tasks.text import Text, TextTask
from gnuradio.semcom.training.stills import middle
from gnuradio.semcom.training.xi import received
from sklearn.metrics import roc_auc_score

from .adaptation import CARRIERS, Carrier, carriers

PILOTS = 32  # symbols of a frame
ANSWER = answer_symbols(PILOTS, 0)  # symbols of an answer on the return link
STILL = 64  # [pixels]
UNLIKE = 0.6  # likeness of two sentences below which a frame is asked for again
SECOND = 1481  # symbols of a GOP with one key frame and sound, of a clip of ten seconds


@dataclass(frozen=True)
class Channel:
    """A channel at an SNR [dB]."""

    model: str
    snr: float

    def through(self, frame: torch.Tensor, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Detected symbols [n] of a frame, and their noise variance [n]."""
        link = TorchLink(self.model, "ls", "lmmse", num_rx=1, pilot_length=PILOTS)
        symbols, noise = link.uplink(
            frame[None, None], torch.tensor([self.snr]), torch.tensor([number])
        )
        return symbols[0, 0], symbol_no_eff(noise, len(frame))[0, 0]


# --- media and sentences to send ---


def spread(items: list, count: int) -> list:
    """``count`` of ``items``, evenly spread."""
    return [items[i] for i in np.unique(np.linspace(0, len(items) - 1, count).astype(int))]


def stills(raw: RawMaterial, count: int) -> list[Media]:
    """Photographs of all classes as squares of 64 pixels."""
    pairs = [(event, photo) for event in sorted(raw.pictures) for photo in raw.pictures[event]]
    return [
        Media(middle(photo, STILL)[None], label=AVE_CLASSES[event])
        for event, photo in spread(pairs, count)
    ]


def seconds(raw: RawMaterial, count: int) -> list[Media]:
    """The middle second of recordings of all classes."""
    pairs = [(event, sound) for event in sorted(raw.sounds) for sound in raw.sounds[event]]
    return [Media(sound=_second(sound), label=AVE_CLASSES[event])
            for event, sound in spread(pairs, count)]  # fmt: skip


def films(folder: Path, height: int) -> Iterator[Media]:
    """The natural clips of a folder with clips.json at full length, with pictures of ``height``
    pixels."""
    for known in json.loads((folder / "clips.json").read_text(encoding="utf-8"))["clips"]:
        parts = list(MediaSource(folder / known["file"], height=height))
        shown = np.concatenate([part.pictures for part in parts])
        sound = np.concatenate([part.sound for part in parts])
        event = known["ave_class"]
        yield Media(shown, sound, event if event in AVE_CLASSES else "")


def uses_a_second(clips: Iterable[Media], codec: str, quality: int, size: int) -> float:
    """Mean channel uses of a second of clips with LDPC 3/4 and QPSK, pilots included; the coded
    pictures may be longer than a unit of the link."""
    code, sent = BlockCode("qpsk", "3/4", 648), []
    for media in clips:
        units = pictures.encode(codec, media.pictures, quality, size)
        bits = 8 * sum(len(unit) for unit in units)
        sent.append((code.symbols(bits) + PILOTS, media.seconds))
    uses, lengths = np.sum(sent, axis=0)
    return float(uses / lengths)


def _second(sound: np.ndarray) -> np.ndarray:
    start = max(0, (len(sound) - RATE) // 2)
    return np.pad(sound[start : start + RATE], (0, max(0, RATE - len(sound)))).clip(-1, 1)


# --- links ---


class Generative:
    """M3E-VSC with a checkpoint and settings.

    checkpoint  weights; '': the shipped ones
    settings    fields of M3ESettings
    """

    def __init__(self, checkpoint: str, **settings):
        self.net = load_system("m3e_vsc", checkpoint)
        self.net.configure(M3ESettings(**settings))

    def over(self, media: Media, channel: Channel, number: int) -> tuple[Media | None, int]:
        """The received clip (None: nothing arrived), and its channel uses, pilots included.

        number  number of the frame, by which fading and noise are drawn
        """
        frame = self.net.frame(media)
        shown, _ = self.net.received(*channel.through(frame, number))
        return shown, len(frame) + PILOTS


class Classical:
    """One codec of pictures or sound, LDPC and QAM.

    terminal  "audio" or "video"
    settings  fields of DigitalSettings
    """

    def __init__(self, terminal: str, **settings):
        variant = {"audio": "audio_only", "video": "video_only"}[terminal]
        self.terminal = terminal
        self.net = Digital(DigitalSettings(task="media", variant=variant, **settings))

    def over(self, media: Media, channel: Channel, number: int) -> tuple[Media | None, int]:
        """See :meth:`Generative.over`."""
        items = handle_items(STORE.keep(media), media.seconds)
        frame = self.net.send(self.terminal, [items], {})[0]
        symbols, noise = channel.through(frame, number)
        said = self.net.outcome([symbols[None]], [noise[None]])[0]
        return _alike(media, TASK.outcome(said.numpy())), len(frame) + PILOTS


TASK = MediaTask()


def _alike(sent: Media, shown: Media | None) -> Media | None:
    """The received clip with as many pictures as were sent, as a classical link repeats
    pictures."""
    if shown is None:
        return None
    places = np.arange(len(sent.pictures)) * len(shown.pictures) // max(1, len(sent.pictures))
    return Media(shown.pictures[places] if len(places) else sent.pictures,
                 shown.sound if len(sent.sound) else sent.sound)  # fmt: skip


def measured(link, clips: Sequence[Media], channel: Channel) -> dict:
    """Figures of the task media over some clips, and their mean channel uses."""
    scores, uses = [], []
    for number, media in enumerate(clips):
        shown, count = link.over(media, channel, number)
        scores.append(TASK.score(media, shown))
        uses.append(count)
    figures = TASK.figures(np.array(scores), 0)
    named = {media.label for media in clips}
    each = {
        name: TASK.figures(np.array([s for s, m in zip(scores, clips, strict=True)
                                     if m.label == name]), 0) for name in sorted(named)
    }  # fmt: skip
    figures["picture_classes"] = {name: own["picture_class"] for name, own in each.items()}
    return figures | {"uses": float(np.mean(uses))}


# --- the classical link at its best within a budget ---


def best_still(clips: Sequence[Media], channel: Channel, uses: int) -> dict:
    """The settings of ``digital`` (codec, modulation, code) with the best expected stills at a
    channel, within ``uses`` channel uses; chosen on validation ``clips`` by
    W = p SSIM + (1 - p) SSIM(mid-grey), p the share of frames received without error.
    """
    grey = _mean([TASK.score(media, None) for media in clips])
    best = (grey, {})
    for carrier in carriers(uses - PILOTS, CARRIERS):
        arrives = _arrives(carrier, uses - PILOTS, channel)
        if arrives < 0.01:
            continue
        for codec in ("h265_still", "webp", "avif"):
            settings = asdict(carrier) | {"source": codec, "quality": 90, "size": STILL,
                                          "payload": uses - PILOTS}  # fmt: skip
            worth = arrives * _clean(clips, settings) + (1 - arrives) * grey
            best = max(best, (worth, settings), key=lambda pair: pair[0])
    return best[1]


_KNOWN: dict = {}


def _clean(clips: Sequence[Media], settings: dict) -> float:
    """Mean SSIM of stills received without error."""
    key = (id(clips), *sorted(settings.items()))
    if key not in _KNOWN:
        link = Classical("video", **settings)
        shown = [link.over(media, Channel("none", 0.0), 0)[0] for media in clips]
        _KNOWN[key] = _mean([TASK.score(*pair) for pair in zip(clips, shown, strict=True)])
    return _KNOWN[key]


def _mean(scores: list) -> float:
    return float(np.mean([TASK.figures(score[None], 0)["ssim"] for score in scores]))


def _arrives(carrier: Carrier, payload: int, channel: Channel, frames: int = 200) -> float:
    """Share of frames of ``payload`` symbols of random bits that are received without error."""
    key = (carrier, payload, channel)
    if key not in _KNOWN:
        code, rng = carrier.block_code(), np.random.default_rng(0)
        came = 0
        for number in range(frames):
            bits = rng.integers(0, 2, code.largest(payload)).astype(np.uint8)
            symbols, noise = channel.through(torch.from_numpy(code.encode(bits)), number)
            came += code.decode(symbols.numpy(), noise.contiguous().numpy())[1].all()
        _KNOWN[key] = came / frames
    return _KNOWN[key]


# --- sentences ---


def padded(sentences: Sequence[str]) -> torch.Tensor:
    """Tokens [n, LENGTH] of sentences."""
    rows = [tokens(said) for said in sentences]
    return torch.tensor([row + [0] * (LENGTH - len(row)) for row in rows])


def text_by_net(net, sentences: Sequence[str], channel: Channel, width: int) -> dict:
    """Figures of the task text for M3E-VSC with ``width`` symbols per sentence, pilots not
    counted."""
    with torch.inference_mode():
        logits, noise = received(net.text, padded(sentences), channel.model, channel.snr, width)
        rows, _, xi = net.text.judged(logits, noise)
    said = [text(row) for row in rows.tolist()]
    return text_figures(sentences, said) | {"uses": float(width), "xi": float(xi.mean())}


def xi_figures(net, sentences: Sequence[str], points: Sequence[Channel], width: int) -> dict:
    """Xi as the receiver predicts it, and the likeness (eq. 9) of what it decoded to the sentence.

    ``auroc``  area under the ROC curve of xi for a likeness below UNLIKE, over all points
    ``means``  [mean xi, mean likeness] of each point
    """
    found = []
    with torch.inference_mode():
        for point in points:
            logits, noise = received(net.text, padded(sentences), point.model, point.snr, width)
            rows, _, xi = net.text.judged(logits, noise)
            like = [WORDS.compare(one, text(row) or " ")
                    for one, row in zip(sentences, rows.tolist(), strict=True)]  # fmt: skip
            found.append((xi.numpy(), np.array(like)))
    xi, like = (np.concatenate(each) for each in zip(*found, strict=True))
    means = [[float(each.mean()) for each in pair] for pair in found]
    return {"auroc": float(roc_auc_score(like < UNLIKE, -xi)), "means": means}


def text_asked_again(net, sentences: Sequence[str], channel: Channel, width: int, below: float,
                     attempts: int) -> dict:  # fmt: skip
    """Figures of sentences that are sent again while xi is less than ``below``, at most
    ``attempts`` times, each over an independent channel, and combined (maximum ratio).  With
    ``below`` above 1 all are repeated without a request.  ``uses`` are those of the GOP that
    contains the sentence and is sent again as a whole: payload and pilots of each attempt, and the
    answer if one is requested.
    """
    rows, uses = padded(sentences), torch.zeros(len(sentences))
    best = torch.zeros(len(rows), width, dtype=torch.complex64)
    weights = torch.zeros(len(rows), width)
    open_ = torch.ones(len(rows), dtype=bool)
    asks = below <= 1 and attempts > 1
    with torch.inference_mode():
        sent = net.text.encode(rows, width)
        for attempt in range(attempts):
            for i in open_.nonzero()[:, 0].tolist():
                symbols, noise = channel.through(sent[i], attempt * len(rows) + i)
                best[i] += symbols / noise
                weights[i] += 1 / noise
                uses[i] += SECOND + PILOTS + (ANSWER if asks else 0)
            combined = net.text.decode(best / weights.clamp_min(1e-9), 1 / weights)
            read, _, xi = net.text.judged(combined, 1 / weights)
            open_ &= xi < below
    said = [text(row) for row in read.tolist()]
    return text_figures(sentences, said) | {"uses": float(uses.mean())}


def text_by_codec(source: str, sentences: Sequence[str], channel: Channel) -> dict:
    """Figures of the task text for a classical source code with LDPC 3/4 and QPSK."""
    codec = _fitted(source)
    code, said, uses = BlockCode("qpsk", "3/4", 648), [], []
    for number, sentence in enumerate(sentences):
        frame = torch.from_numpy(code.encode(codec.encode(sentence)))
        symbols, noise = channel.through(frame, number)
        bits = code.decode(symbols.numpy(), noise.contiguous().numpy())[0]
        said.append(codec.decode(bits.ravel()) or " ")
        uses.append(len(frame))
    return text_figures(sentences, said) | {"uses": float(np.mean(uses))}


def _fitted(source: str) -> ClassicalText:
    if source not in _KNOWN:
        _KNOWN[source] = ClassicalText.fit(source, DescriptionSentences("train"))
    return _KNOWN[source]


WORDS = TextTask()


def text_figures(sentences: Sequence[str], said: Sequence[str]) -> dict:
    """Figures of the task text."""
    scores = [WORDS.score(one, Text(other)) for one, other in zip(sentences, said, strict=True)]
    return WORDS.figures(np.array(scores), 0)
