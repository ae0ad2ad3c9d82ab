# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Make docs/media.md: what systems on media reach, and how fast they are.

    tools/media_report.py --clips DIR [--runs runs/media]

runs is what tools/train_media.py left, of which the test splits count; clips has natural
clips with clips.json.  Points run through the GNU Radio flowgraph.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ["GR_CONF_PERFCOUNTERS_ON"] = "True"  # GNU Radio reads it once, when it is loaded

import cv2
import numpy as np
import pmt
from gnuradio import gr
from gnuradio.semcom.base.errors import exit_status
from gnuradio.semcom.base.files import replacing
from gnuradio.semcom.blocks import guard
from gnuradio.semcom.blocks.media_source import media_source, shared_features, shared_store
from gnuradio.semcom.chain import reference
from gnuradio.semcom.data import open_set
from gnuradio.semcom.data.clipset import clip_event
from gnuradio.semcom.media.overlay import draw
from gnuradio.semcom.media.sources import PICTURES
from gnuradio.semcom.perception.windows import MediaWindows
from gnuradio.semcom.report import tables
from gnuradio.semcom.report.film import views
from gnuradio.semcom.run import media
from gnuradio.semcom.run.flowgraph import LinkFlowgraph
from gnuradio.semcom.run.runner import run_point
from gnuradio.semcom.run.scenario import Scenario
from gnuradio.semcom.systems.loading import shared_system
from gnuradio.semcom.systems.registry import SYSTEMS
from gnuradio.semcom.weights.names import shipped
from rich.progress import track

ROOT = Path(__file__).resolve().parents[1]
TRAINED = (
    "Male speech, man speaking", "Bark", "Helicopter", "Violin, fiddle", "Flute",
    "Acoustic guitar", "Clock", "Goat", "Baby cry, infant cry", "Chainsaw", "Cat",
)  # fmt: skip
SNR = 10.0


def points(system: str, runs: Path) -> dict[str, Scenario]:
    """What is measured of a system: trained and tested without a channel, and over one."""
    free = next((runs / "systems" / f"{system}-error_free").glob("*.safetensors"))
    return {
        "error-free": Scenario(system=system, channel="none", checkpoint=str(free)),
        "10 dB Rayleigh": over_the_air(system),
    }


def over_the_air(system: str) -> Scenario:
    """The shipped system at 10 dB."""
    own = str(shipped(system, "full", media.DATA))
    return Scenario(system=system, channel="rayleigh", snr=SNR, checkpoint=own)


def clips_named(point: Scenario, clips) -> tuple[float, float]:
    """Share of the clips with an event whose event is the most probable of the whole clip, and
    among the best three; by the Torch twin of the link, which decides alike."""
    net = shared_system(point.system, point.checkpoint, point.device)
    with_event = [i for i in range(len(clips)) if (clips.labels(i) != len(clips.classes) - 1).any()]
    ranks = []
    for i, logits in zip(
        with_event, reference.evaluate(point, net, clips, with_event), strict=True
    ):
        whole = logits.softmax(-1)[:, :-1].mean(0)
        ranks.append(int((whole > whole[clip_event(clips, i)]).sum()))
    return float(np.mean(np.array(ranks) < 1)), float(np.mean(np.array(ranks) < 3))


def sets_table(runs: Path) -> list[str]:
    """Accuracy on the test splits of composed sets."""
    rows = []
    for name in ("raw", "drawn"):
        clips = open_set(runs / name, "test")
        for system in SYSTEMS:
            accuracy = {}
            for label, point in points(system, runs).items():
                record = run_point(point, clips)
                accuracy[label] = record["accuracy"]
                low, high = record["accuracy_ci95"]
                share = accuracy[label] / accuracy["error-free"]
                named = [f"{share_named:.3f}" for share_named in clips_named(point, clips)]
                rows.append([clips.name, system, label, f"{accuracy[label]:.3f}",
                             f"{low:.3f}-{high:.3f}", f"{share:.3f}", *named])  # fmt: skip
    header = ["set", "system", "link", "segment accuracy", "95 % range", "of the error-free",
              "clips named", "among the best three"]  # fmt: skip
    return tables.markdown(header, rows)


class Natural:
    """The natural clips: what was understood of each, beside what is there."""

    def __init__(self, folder: Path, point: Scenario):
        self.clips = json.loads((folder / "clips.json").read_text())["clips"]
        run = media.run_media(point, [folder / clip["file"] for clip in self.clips])
        self.windows = run.windows

    def rows(self) -> list[dict]:
        """A dict for each clip: its class, the five best events, the share of right seconds."""
        found = []
        for clip, window in zip(self.clips, self.windows, strict=True):
            truth = np.full(len(window.events), "background", dtype=object)
            for start, end in clip["segments"]:
                truth[start:end] = clip["ave_class"]
            scored = np.ones(len(truth), bool)
            scored[[s for s in clip.get("uncertain_seconds", []) if s < len(truth)]] = False
            right = np.array(window.events, object) == truth
            found.append({
                "file": clip["file"],
                "class": clip["ave_class"],
                "ranked": window.ranked()[:5],
                "events": window.events,
                "right": int(right[scored].sum()),
                "scored": int(scored.sum()),
            })  # fmt: skip
        return found


def balanced(rows: list[dict], best: int) -> float:
    """Mean over the classes of the share of clips whose class is among the ``best`` events."""
    by_class = {}
    for row in rows:
        by_class.setdefault(row["class"], []).append(row["class"] in row["ranked"][:best])
    return float(np.mean([np.mean(hits) for hits in by_class.values()]))


def natural_table(folder: Path, system: str, runs: Path) -> list[str]:
    """Every natural clip, and the figures over those of trained classes."""
    lines, table = [], {}
    for label, point in points(system, runs).items():
        rows = Natural(folder, point).rows()
        trained = [row for row in rows if row["class"] in TRAINED]
        seconds = sum(row["right"] for row in trained) / sum(row["scored"] for row in trained)
        classes = {row["class"] for row in trained}
        most = max(sum(row["class"] == c for row in trained) for c in classes)
        named = np.mean([row["class"] in row["ranked"][:1] for row in trained])
        lines.append(
            f"- {label}: balanced clip accuracy {balanced(trained, 1):.2f}, among the best three "
            f"{balanced(trained, 3):.2f} (best constant answer: {1 / len(classes):.2f}, or "
            f"{min(1.0, 3 / len(classes)):.2f}); {named:.2f} of the "
            f"{len(trained)} clips (best constant answer: {most / len(trained):.2f}); "
            f"{seconds:.2f} of their scored seconds"
        )
        for row in rows:
            table.setdefault(row["file"], [row["class"]]).extend(
                [", ".join(name.split(",")[0] for name in row["ranked"][:3]),
                 f"{row['right']} of {row['scored']}"]
            )  # fmt: skip
    header = ["clip", "class"]
    for label in points(system, runs):
        header += [f"best three, {label}", "seconds right"]
    return [*lines, "", *tables.markdown(header, [[name, *cells] for name, cells in table.items()])]


class Clock(gr.basic_block):
    """When the events of each frame came."""

    def __init__(self):
        gr.basic_block.__init__(self, name="clock", in_sig=[], out_sig=[])
        self.came = {}
        self.message_port_register_in(pmt.intern("events"))
        self.set_msg_handler(pmt.intern("events"), self._on_event)

    @guard.guarded
    def _on_event(self, message):
        self.came[pmt.to_python(message)["frame"]] = time.monotonic()


def delays(system: str, file: Path) -> np.ndarray:
    """[s] from the end of each second of a file that is played live to the name of its event."""
    point = over_the_air(system)
    source = media_source(file, sliding=True, realtime=True, store="latency")
    flowgraph, clock = LinkFlowgraph(point, source, point.checkpoint), Clock()
    flowgraph.msg_connect((flowgraph.sink, "events"), (clock, "events"))
    guard.run(flowgraph, timeout_s=120)
    store = shared_store("latency")
    found = [came - store.window(frame).at for frame, came in clock.came.items()]
    flowgraph.release()
    return np.array(found[1:])  # the first second warms up


def speed(system: str, files: list[Path]) -> tuple[list[str], list[str]]:
    """What each stage takes, and how late a live event is named."""
    point = over_the_air(system)
    media.run_media(point, files[:1])  # warms up
    run = media.run_media(point, files)
    seconds, wall_s = run.record["seconds"], run.record["wall_s"]
    rows = [
        [stage, f"{1000 * worked / seconds:.1f}", f"{seconds / worked:.0f}"]
        for stage, worked in {**run.stages, "all, side by side": wall_s}.items()
    ]
    late = np.concatenate([delays(system, file) for file in track(files[:3], "live")])
    text = (
        f"Live, over a sliding window of ten seconds, an event is named "
        f"{1000 * np.median(late):.0f} ms after the end of its second (median; at most "
        f"{1000 * late.max():.0f} ms in {len(late)} seconds)."
    )
    return tables.markdown(["stage", "ms per second of media", "times real time"], rows), [text]


def figure() -> None:
    """docs/figures/media.png: what the receiver makes of a drawn clip."""
    with tempfile.TemporaryDirectory() as folder:
        words = [ROOT / "apps" / "make_media.py", "--out", folder, "--seed", "62"]
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        point = over_the_air("pilot_ave_plus")
        run = media.run_media(point, [Path(folder, "clip03.mp4")], attention=True)
        (window,) = MediaWindows([run.windows[0].name], shared_features("compact", ""))
        snr_db = run.record["measured_snr_db"]
        shown = list(views(run.windows[0], window, run.attention[0], point, snr_db))
        picture = draw(shown[4 * PICTURES + 7])
    cv2.imwrite(str(ROOT / "docs" / "figures" / "media.png"), picture[..., ::-1])


def page(args) -> list[str]:
    figure()
    files = sorted(args.clips.glob("*.mp4"))
    table, late = speed("pilot_ave_plus", files)
    lines = [
        "# Systems on media",
        "",
        *(ROOT / "docs" / "media-notes.md").read_text().splitlines(),
        "",
    ]
    lines += ["## Composed clips, test split", "", *sets_table(args.runs), ""]
    for system in SYSTEMS:
        lines += [
            f"## Natural clips, `{system}`",
            "",
            *natural_table(args.clips, system, args.runs),
            "",
        ]
    cores, machine = os.cpu_count(), platform.machine()
    lines += [
        "## Time",
        "",
        f"{len(files)} clips, {cores} cores ({machine}).",
        "",
        *table,
        "",
        *late,
    ]
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=Path, default=ROOT / "runs" / "media")
    parser.add_argument("--clips", type=Path, required=True, help="folder with clips.json")
    lines = page(parser.parse_args())
    with replacing(ROOT / "docs" / "media.md") as temporary:
        Path(temporary).write_text("\n".join(lines).rstrip() + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(exit_status("media_report.py", main))
