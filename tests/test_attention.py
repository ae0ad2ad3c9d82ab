# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""Attention of systems: its measures against loops, the figure, and the program."""

import json
import math

import numpy as np
import pytest
import torch
from conftest import tiny_system
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.chain.link import TorchLink
from gnuradio.semcom.data import AVE_CLASSES, BACKGROUND
from gnuradio.semcom.evaluation import attention
from gnuradio.semcom.evaluation.attention import Watched
from gnuradio.semcom.nets.localisers import PSPConfig, PSPLocaliser
from gnuradio.semcom.report import attention as attention_figure
from gnuradio.semcom.weights import store as checkpoint

N, T, ROWS, COLUMNS = 4, 7, 5, 6
PROGRAM = "apps/attention.py"


def some_attention(*shape, seed=0):
    """Attention of random sharpness; some cells are exactly zero."""
    mass = np.random.default_rng(seed).random((*shape, ROWS, COLUMNS)) ** 6
    mass[mass < 1e-4] = 0
    return mass / mass.sum((-2, -1), keepdims=True)


def psp():
    torch.manual_seed(0)
    config = PSPConfig(attention_width=12, recurrent=9, projection=15, common_dim=8)
    return PSPLocaliser(config, AVE_CLASSES).eval()


@pytest.fixture
def psp_checkpoint(tmp_path):
    path = tmp_path / "psp.safetensors"
    checkpoint.save(path, psp(), variant="error_free", data="synthetic")
    return path


# --- measures -------------------------------------------------------------------------------------


def test_measures_equal_loops():
    one, other = some_attention(N, T), some_attention(N, T, seed=1)
    entropy, share = attention.entropy_bits(one), attention.strongest_share(one, 4)
    distance = attention.distance(one, other)
    for n in range(N):
        for t in range(T):
            cells, others = one[n, t].flatten().tolist(), other[n, t].flatten().tolist()
            bits = -sum(p * math.log2(p) for p in cells if p > 0)
            assert entropy[n, t] == pytest.approx(bits)
            assert share[n, t] == pytest.approx(sum(sorted(cells)[-4:]))
            apart = sum(abs(p - q) for p, q in zip(cells, others, strict=True)) / 2
            assert distance[n, t] == pytest.approx(apart)


def test_measures_at_their_ends():
    point = np.zeros((2, 5, 6))
    point[0, 1, 2] = point[1, 4, 5] = 1
    even = np.full((5, 6), 1 / 30)
    assert attention.entropy_bits(point).tolist() == [0, 0]
    assert attention.entropy_bits(even) == pytest.approx(math.log2(30))
    assert attention.strongest_share(even, 9) == pytest.approx(9 / 30)
    assert attention.distance(point[0], point[1]) == 1
    assert attention.distance(even, even) == 0


def test_records_are_means_over_clips_of_event_and_background_segments():
    truth = np.full((N, T), BACKGROUND)
    truth[0, 2:5] = truth[1, 1:] = 3
    truth[2] = 4  # no background at all; clip 3 has no event
    sources = np.random.default_rng(2).random((N, T, ROWS, COLUMNS)) < 0.2
    watched = [
        Watched(name, some_attention(N, T, seed=seed), truth, np.ones((N, T)))
        for seed, name in enumerate("ab")
    ]
    found = attention.records(watched, truth, BACKGROUND, sources)
    assert [(r["system"], r["segments"], r["clips"]) for r in found[:4]] == [
        ("a", "event", 3), ("a", "background", 3), ("b", "event", 3), ("b", "background", 3),
    ]  # fmt: skip
    mass = watched[1].attention
    per_clip = []
    for n in (0, 1, 2):
        chosen = [t for t in range(T) if truth[n, t] != BACKGROUND]
        per_clip.append(np.mean([mass[n, t][sources[n, t]].sum() for t in chosen]))
    assert found[2]["source_share"] == pytest.approx(np.mean(per_clip))
    low, high = found[2]["source_share_ci95"]
    assert low < found[2]["source_share"] < high
    assert "distance_from_first" not in found[0] and "source_share" not in found[3]
    assert found[4]["system"] == "uniform attention"
    assert found[4]["entropy_bits"] == pytest.approx(math.log2(30))


def test_markdown_says_what_cannot_be_known():
    truth = np.full((N, T), 3)
    watched = [Watched("a", some_attention(N, T), truth, np.ones((N, T)))]
    without = attention.markdown(attention.records(watched, truth, BACKGROUND))
    assert "not whether it is on the source" in without and "mass on the source" not in without
    assert "| a | background | 0 | - | - | - |" in without
    everywhere = np.ones((N, T, ROWS, COLUMNS), bool)
    known = attention.markdown(attention.records(watched, truth, BACKGROUND, everywhere))
    assert "| 1.000 ± 0.000 | - |" in known and "not whether" not in known


def test_clips_are_chosen_by_the_length_of_their_event(clips):
    chosen = attention.clips_with_event(clips, 5)
    lengths = [int((clips.labels(i) != BACKGROUND).sum()) for i in range(chosen[-1] + 1)]
    assert chosen == [i for i, length in enumerate(lengths) if 3 <= length <= 7]
    with pytest.raises(SemcomError, match="no clip has an event of 11 to 12"):
        attention.clips_with_event(clips, 1, 11, 12)


# --- systems --------------------------------------------------------------------------------------


def batch(clips, count=2):
    return [
        torch.from_numpy(np.stack([read(i) for i in range(count)]))
        for read in (clips.audio, clips.visual)
    ]


@pytest.mark.parametrize("terminals", ["audio+video", "video"])
def test_a_radio_system_looks_where_its_terminal_looked(clips, terminals):
    system, link = tiny_system(terminals), TorchLink("awgn", seed=3)
    audio, visual = batch(clips)
    snr, frame = torch.zeros(2), torch.arange(2)
    found, probabilities = attention.attention_of(system, link, audio, visual, snr, frame)
    heard = None
    if terminals != "video":
        sent = system.encode_audio(audio)
        heard = link.sidelink(sent.flatten(1), snr, frame).view_as(sent)
    torch.testing.assert_close(found, system.guide(visual, heard))
    logits = link(system, {"audio": audio, "video": visual}, snr, snr, frame)
    torch.testing.assert_close(probabilities, logits.softmax(-1))


def test_a_localiser_needs_no_link(clips):
    audio, visual = batch(clips)
    net = psp()
    found, probabilities = attention.attention_of(net, None, audio, visual, None, None)
    torch.testing.assert_close(found, net.attend(visual, audio)[1])
    torch.testing.assert_close(probabilities, net(audio, visual)[0].softmax(-1))


def test_watching_does_not_depend_on_the_batch(clips):
    models = {"radio": (tiny_system(), TorchLink("rayleigh")), "psp": (psp(), None)}
    done = []
    watched = attention.watch(models, clips, range(5), 3.0, done.append, batch=2)
    again = attention.watch(models, clips, [4], 3.0)
    assert done == [2, 2, 1]
    for one, other in zip(watched, again, strict=True):
        assert one.attention.shape == (5, 10, 7, 7) and one.decided.shape == (5, 10)
        np.testing.assert_allclose(one.attention[4:], other.attention, atol=1e-5)
        np.testing.assert_allclose(one.confidence[4:], other.confidence, atol=1e-5)


# --- the figure -----------------------------------------------------------------------------------


def panel(systems, **extra):
    truth = np.array([BACKGROUND, 9, 9, 9, 9, BACKGROUND, BACKGROUND])
    rows = [
        Watched(f"system {k}", some_attention(T, seed=k), np.full(T, 9), np.full(T, 0.5))
        for k in range(systems)
    ]
    return attention_figure.Panel("a clip", truth, rows, **extra)


def words_of(axes):
    return [text.get_text() for text in axes.texts]


def test_the_figure_has_a_row_per_system_and_one_scale():
    figure = attention_figure.draw([panel(2), panel(3)], AVE_CLASSES)
    truths, bar = [figure.axes[0], figure.axes[3]], figure.axes[-1]
    rows = [axes for axes in figure.axes[:-1] if axes not in truths]
    assert len(rows) == 5
    assert {len(axes.images) for axes in rows} == {T}
    assert len({image.norm for axes in rows for image in axes.images}) == 1
    assert bar.get_xlabel().startswith("attention")
    assert words_of(rows[0])[0] == "system 0"
    assert [word.startswith("×") for word in words_of(rows[0])[1:]] == [True] + 4 * [False] + [
        True, True,
    ]  # fmt: skip
    hatched = [patch.get_hatch() is not None for patch in rows[0].patches]
    assert hatched == [True] + 4 * [False] + 2 * [True]
    assert words_of(truths[0])[2:] == ["background", *4 * ["Ukulele"], *2 * ["background"]]


def test_the_maps_stand_upright_and_the_source_is_framed():
    cells = np.zeros((T, ROWS, COLUMNS), bool)
    cells[1, 0:2, 3:6] = True  # above, on the right
    figure = attention_figure.draw([panel(1, sources=cells)], AVE_CLASSES)
    axes = figure.axes[1]
    frame = axes.patches[0]
    left, top, width, height = frame.get_x(), frame.get_y(), frame.get_width(), frame.get_height()
    assert (left, top) == pytest.approx((1.03 + 0.94 / 2, 0.03))
    assert (width, height) == pytest.approx((0.94 / 2, 0.94 * 2 / ROWS))
    low, high = axes.get_ylim()
    assert low > high and axes.images[0].get_extent() == pytest.approx([0.03, 0.97, 0.97, 0.03])


def test_attention_is_laid_over_pictures(tmp_path):
    pictures = np.random.default_rng(0).random((T, 8, 9, 3))
    shown = panel(1, pictures=pictures)
    axes = attention_figure.draw([shown], AVE_CLASSES).axes[1]
    assert len(axes.images) == 2 * T
    np.testing.assert_array_equal(axes.images[2].get_array(), pictures[1])
    alpha = axes.images[3].get_alpha()
    assert alpha.shape == (ROWS, COLUMNS) and alpha.min() > 0.1 and alpha.max() < 0.9
    attention_figure.save(tmp_path / "figure.pdf", [shown], AVE_CLASSES)
    assert (tmp_path / "figure.pdf").read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Fixed-wing aircraft, airplane", "Fixed-wing\naircraft"),
        ("Frying (food)", "Frying"),
        ("background", "background"),
    ],
)
def test_names_fit_their_boxes(name, shown):
    assert attention_figure.short(name) == shown


# --- the program ----------------------------------------------------------------------------------


def size_of(png):
    """(width, height) in the header of a PNG file."""
    return tuple(int.from_bytes(png.read_bytes()[k : k + 4], "big") for k in (16, 20))


def test_the_program_draws_and_measures(program, tmp_path, tiny_checkpoint, psp_checkpoint):
    figure, records = tmp_path / "attention.png", tmp_path / "attention.json"
    done = program(
        PROGRAM, "--systems", tiny_checkpoint, psp_checkpoint, "--clips", 1, "--frames", 6,
        "--out", figure, "--json", records,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "| pilot_ave_plus, full | event | 6 |" in done.stdout
    assert "| psp | event | 6 |" in done.stdout and "mass on the source" in done.stdout
    inches = attention_figure.HEAD + 3 * attention_figure.BOX + 2 * attention_figure.SEGMENT
    inches += 3 * attention_figure.SPACE + attention_figure.FOOT
    width = attention_figure.MARGIN + 10 * attention_figure.SEGMENT + 0.1
    assert size_of(figure) == pytest.approx((250 * width, 250 * inches), abs=2)
    found = json.loads(records.read_text())["records"]
    assert len(found) == 6 and {r["system"] for r in found} >= {"pilot_ave_plus, full", "psp"}
    assert found[0]["snr_db"] == 10 and found[0]["data"] == "synthetic"


def test_equal_names_are_told_apart_by_their_paths(program, tmp_path, psp_checkpoint):
    other = tmp_path / "other.safetensors"
    other.write_bytes(psp_checkpoint.read_bytes())
    done = program(
        PROGRAM, "--systems", psp_checkpoint, other, "--clips", 1, "--frames", 2,
        "--out", tmp_path / "a.png",
    )  # fmt: skip
    assert f"| {psp_checkpoint} | event" in done.stdout and f"| {other} | event" in done.stdout


def one_line(done, *words):
    """The program said in one line what was wrong."""
    assert done.returncode == 2
    assert done.stderr.startswith("attention.py: error: ") and done.stderr.count("\n") == 1
    for word in words:
        assert word in done.stderr


def test_unusable_input_is_refused_in_one_line(program, tmp_path, psp_checkpoint):
    bad = tmp_path / "bad.safetensors"
    bad.write_bytes(psp_checkpoint.read_bytes()[:-100])
    deaf = tmp_path / "deaf.safetensors"
    checkpoint.save(deaf, tiny_system("audio"), variant="audio_only", data="synthetic")
    out = ("--out", tmp_path / "a.png")
    one_line(program(PROGRAM, "--systems", bad, *out), "bad.safetensors", "safetensors")
    one_line(program(PROGRAM, "--systems", deaf, *out), "deaf.safetensors", "no attention")
    one_line(program(PROGRAM, "--out", tmp_path / "a.txt"), "--out", ".png")
    one_line(program(PROGRAM, "--data", tmp_path / "none", *out), "no such folder")
