# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Natural clips with their truth, and the receiver's answers for each."""

from collections import Counter
from pathlib import Path

import numpy as np
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.base.files import read_json
from gnuradio.semcom.data.films import Films
from gnuradio.semcom.media.timeline import NOTHING, UNSURE
from gnuradio.semcom.perception.windows import LENGTH
from gnuradio.semcom.report import tables
from gnuradio.semcom.run.films import FilmsRun, Understood, run_films
from gnuradio.semcom.run.scenario import Scenario
from scipy.stats import binomtest

OTHER = "other"  # class of a clip that shows none of the events
WEAK = "weak"  # strength of a clip whose event is faint or mixed
DRAWS = 2000
NEEDED = ("file", "ave_class", "segments")  # required fields of a clip


def read(folders: list[Path]) -> list[dict]:
    """The clips of folders' clips.json, each with its ``path``; SemcomError for a file that lacks a
    required field or names a film twice."""
    found = {}
    for folder in folders:
        path = folder / "clips.json"
        try:
            clips = [(clip, *(clip[key] for key in NEEDED)) for clip in read_json(path)["clips"]]
        except (OSError, ValueError, KeyError, TypeError) as cause:
            raise SemcomError(
                f"{path}: no list of clips with {', '.join(NEEDED)} ({cause!r})"
            ) from cause
        for clip, name, *_ in clips:
            if name in found:
                raise SemcomError(f"{path}: file {name} is there already; rename it")
            found[name] = clip | {"path": str(folder / name)}
    if not found:
        raise SemcomError(f"{', '.join(map(str, folders))}: no clip; give other folders")
    return list(found.values())


def rows_of(clips: list[dict], point: Scenario) -> dict:
    """Answers and truth of each clip: {"rows": [...]}, see :func:`row`."""
    run = run_films(point, Films([clip["path"] for clip in clips]))
    return {"rows": [row(*pair) for pair in zip(clips, windows_of(clips, run), strict=True)]}


def windows_of(clips: list[dict], run: FilmsRun) -> list[Understood]:
    """The answers for each clip; SemcomError for a clip that is not exactly one window, as windows
    and truth would not correspond."""
    names = [window.name for window in run.windows]
    for clip in clips:
        if (count := names.count(clip["path"])) != 1:
            why = f"{count} windows of {LENGTH} s" if count else "nothing of it arrived"
            raise SemcomError(f"{clip['path']}: {why}, expected one; cut it, or leave it out")
    return run.windows


def row(clip: dict, window) -> dict:
    """A clip's class and strength; the five best events with their mean probabilities; the most
    frequent event in the answers, and its confidence; correct among the scored seconds; seconds of
    background, and the confidence of each second with an event."""
    truth = np.full(len(window.events), NOTHING, dtype=object)
    for start, end in clip["segments"]:
        truth[start:end] = clip["ave_class"]
    scored = np.ones(len(truth), bool)
    scored[[s for s in clip.get("uncertain_seconds", []) if s < len(truth)]] = False
    events = np.array(window.events, object)
    right, named = events == truth, events != NOTHING
    whole = dict(zip(window.classes, window.probabilities.mean(0).tolist(), strict=True))
    said = max(events[named], key=list(events).count, default=NOTHING)  # of equals, the first
    return {
        "file": clip["file"],
        "class": NOTHING if clip["ave_class"] == OTHER else clip["ave_class"],
        "strength": clip.get("label_strength", "strong"),
        "ranked": [(name, round(whole[name], 4)) for name in window.ranked()[:5]],
        "said": said,
        "sure": round(float(window.confidence[events == said].mean()), 4),
        "right": int(right[scored].sum()),
        "scored": int(scored.sum()),
        "background": int((~named).sum()),
        "seconds": len(events),
        "event_confidence": [round(float(c), 4) for c in window.confidence[named]],
    }


def spoken(row: dict) -> str:
    """The answer for a clip, in words."""
    unsure = ", unsure" if row["sure"] < UNSURE else ""
    return f"{row['said'].split(',')[0]} ({row['sure']:.0%}{unsure})"


def named(row: dict, best: int) -> bool:
    """Whether a clip's class is among its ``best`` events."""
    return row["class"] in [name for name, _ in row["ranked"][:best]]


def balanced(rows: list[dict], best: int) -> float:
    """Mean over the classes of the share of clips whose class is among the ``best`` events."""
    by_class = {}
    for each in rows:
        by_class.setdefault(each["class"], []).append(named(each, best))
    return float(np.mean([np.mean(hits) for hits in by_class.values()]))


def interval(rows: list[dict], best: int) -> tuple[float, float]:
    """95 % bootstrap interval of :func:`balanced` over clips, resampled within their classes: a
    class of one clip adds no spread."""
    rng, by_class = np.random.default_rng(0), {}
    for each in rows:
        by_class.setdefault(each["class"], []).append(named(each, best))
    hits = [np.array(each, float) for each in by_class.values()]
    drawn = [np.mean([rng.choice(each, len(each)).mean() for each in hits]) for _ in range(DRAWS)]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return float(low), float(high)


def share(rows: list[dict]) -> str:
    """How many of the clips have their class as the most probable event, with the 95 % interval of
    the share, and in how many the decision is that class."""
    hits, said = sum(named(each, 1) for each in rows), sum(r["said"] == r["class"] for r in rows)
    low, high = binomtest(hits, len(rows)).proportion_ci(0.95, method="exact")
    return f"{hits} of {len(rows)} clips ({low:.2f} to {high:.2f}; {said} by the decision)"


def summary(label: str, rows: list[dict]) -> str:
    """The figures over clips with a strong and a weak event, and over those without."""
    with_event = [each for each in rows if each["class"] != NOTHING]
    strong = [each for each in with_event if each["strength"] != WEAK]
    weak = [each for each in with_event if each["strength"] == WEAK]
    none = [each for each in rows if each["class"] == NOTHING]
    classes = {each["class"] for each in strong}
    low, high = interval(strong, 1)
    seconds = sum(each["right"] for each in strong) / sum(each["scored"] for each in strong)
    constant = max(Counter(each["class"] for each in strong).values()) / len(strong)
    text = (
        f"- {label}: {share(strong)}; balanced clip accuracy {balanced(strong, 1):.2f} "
        f"({low:.2f} to {high:.2f}), among the best three {balanced(strong, 3):.2f}, over "
        f"{len(classes)} classes (constant answers: balanced {1 / len(classes):.2f}, best three "
        f"{min(1.0, 3 / len(classes)):.2f}, {constant:.2f} of the clips); {seconds:.2f} of their "
        "scored seconds"
    )
    if weak:
        hits = sum(named(each, 1) for each in weak)
        text += f"; {hits} of {len(weak)} weak clips named right"
    if none:
        quiet = sum(each["background"] for each in none) / sum(each["seconds"] for each in none)
        wrong = [c for each in none for c in each["event_confidence"]]
        sure = f"{np.mean(wrong):.2f}" if wrong else "none was named"
        text += (
            f". Of {len(none)} films of none of the classes, {quiet:.2f} of the seconds say "
            f"background; mean confidence where an event is said: {sure}"
        )
    return text


def table(found: dict[str, list[dict]]) -> list[str]:
    """A row per clip with the answer over each link."""
    lines, header = {}, ["clip", "class"]
    for label, rows in found.items():
        header += [f"said, {label}", "best three", "seconds right"]
        for each in rows:
            best = ", ".join(f"{name.split(',')[0]} {p:.2f}" for name, p in each["ranked"][:3])
            weak = ", weak" if each["strength"] == WEAK else ""
            cells = lines.setdefault(each["file"], [each["class"].split(",")[0] + weak])
            cells += [spoken(each), best, f"{each['right']} of {each['scored']}"]
    return tables.markdown(header, [[name, *cells] for name, cells in lines.items()])
