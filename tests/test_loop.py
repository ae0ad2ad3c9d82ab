# SPDX-License-Identifier: GPL-3.0-or-later
# Copyright 2026 gr-semcom contributors
"""The loop of trainings on toys: a parabola with known steps, resuming, two optimisers; and the
recipe of distillation, which counts steps."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from gnuradio.semcom.base.errors import SemcomError
from gnuradio.semcom.training.loop import Loop, Recipe
from gnuradio.semcom.training.options import DistillationConfig, LoopConfig
from gnuradio.semcom.training.recipes.distillation import Distillation, Example, Student
from torch.optim.lr_scheduler import LambdaLR

START = torch.tensor([3.0, -2.0, 5.0])


def constant(optimizer):
    """A learning rate that stays."""
    return LambdaLR(optimizer, lambda step: 1.0)


class Parabola(Recipe):
    """|x - noise|^2 / 2 of a point x; the score is minus its distance from zero."""

    score_name = "minus distance"
    steps_per_epoch = 4

    def __init__(self, config):
        self.config = config
        self.model = torch.nn.Module()
        self.model.x = torch.nn.Parameter(START.clone())

    def batches(self, epoch):
        for step in range(self.steps_per_epoch):
            yield step + 1, 0.1 * torch.randn(3)

    def loss(self, batch, name):
        return 0.5 * (self.model.x - batch).square().sum()

    def score(self, kept):
        return -float(kept.x.detach().norm())


class Descent(Parabola):
    """Plain gradient descent of a constant rate, without noise: x falls by (1 - rate) a step."""

    RATE = 0.2

    def optimizers(self):
        return {"model": torch.optim.SGD(self.model.parameters(), self.RATE)}

    def schedule(self, optimizer):
        return constant(optimizer)

    def batches(self, epoch):
        for step in range(self.steps_per_epoch):
            yield step + 1, torch.zeros(3)


def config(**changes):
    return replace(LoopConfig(epochs=5, average=0.5, clip=100.0, seed=3), **changes)


def test_steps_average_loss_and_score_in_closed_form(tmp_path):
    loop = Loop(Descent(config(epochs=1)), tmp_path)
    seen = []
    loop.run(seen.append)
    points = [START * 0.8**k for k in range(5)]
    losses = [0.5 * float(x.square().sum()) for x in points[:4]]
    assert seen == pytest.approx(losses)
    average = points[1]
    for x in points[2:]:
        average = 0.5 * average + 0.5 * x
    torch.testing.assert_close(loop.recipe.model.x.data, points[4])
    torch.testing.assert_close(loop.averaged.module.x.data, average)
    (line,) = loop.history
    assert line["loss"] == pytest.approx(np.average(losses, weights=[1, 2, 3, 4]))
    assert line["validation"] == pytest.approx(-float(average.norm()))
    torch.testing.assert_close(loop.best_weights["x"], average)


def test_a_gradient_is_cut_to_the_largest_norm(tmp_path):
    recipe = Descent(config(clip=1.0))
    Loop(recipe, tmp_path).step(torch.zeros(3))
    torch.testing.assert_close(recipe.model.x.data, START - Descent.RATE * START / START.norm())


def test_the_learning_rate_rises_and_falls_along_a_cosine():
    recipe = Parabola(config(warmup=0.2, learning_rate=0.5))  # 20 steps, of which 4 rise
    (optimizer,) = recipe.optimizers().values()
    schedule, rates = recipe.schedule(optimizer), []
    for _ in range(20):
        rates.append(schedule.get_last_lr()[0])
        optimizer.step()
        schedule.step()
    assert rates[:4] == pytest.approx([0.125, 0.25, 0.375, 0.5])
    assert rates[4:] == pytest.approx([0.25 * (1 + math.cos(math.pi * k / 16)) for k in range(16)])


def interrupted(recipe, folder, after):
    """A run that is stopped in the middle of an epoch, after so many steps."""
    loop, steps = Loop(recipe, folder), []

    def stop(loss):
        steps.append(loss)
        if len(steps) == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        loop.run(stop)


@pytest.mark.parametrize("after", [3, 4, 10, 19])
def test_a_run_that_was_stopped_in_an_epoch_ends_to_the_digit_as_an_unbroken_one(after, tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    whole = Loop(Parabola(config()), tmp_path / "a")
    whole.run()
    interrupted(Parabola(config()), tmp_path / "b", after)
    again = Loop(Parabola(config()), tmp_path / "b")
    assert again.resume() == (after > 4)
    assert again.epoch == (after - 1) // 4
    again.run()
    for one, other in (
        (whole.recipe.model.x, again.recipe.model.x),
        (whole.averaged.module.x, again.averaged.module.x),
        (whole.best_weights["x"], again.best_weights["x"]),
    ):
        assert torch.equal(one, other)
    assert (whole.best, whole.best_epoch) == (again.best, again.best_epoch)
    told = [{k: line[k] for k in ("epoch", "loss", "validation")} for line in again.history]
    assert told == [{k: line[k] for k in told[0]} for line in whole.history]


def test_a_run_ends_when_its_score_has_not_improved_for_so_long(tmp_path):
    recipe = Parabola(config(epochs=50, patience=3))
    scores = iter([0.1, 0.3, 0.2, 0.3, 0.25, 0.9])
    recipe.score = lambda kept: next(scores)
    loop = Loop(recipe, tmp_path)
    loop.run()
    assert (loop.epoch, loop.best_epoch, loop.best) == (5, 1, 0.3)  # an equal score is no better


def test_a_loss_that_is_not_finite_ends_the_training_before_its_weights_are_kept(tmp_path):
    loop = Loop(Parabola(config()), tmp_path)
    losses = iter([1.0, 1.0, 1.0, 1.0, 1.0, math.nan, 1.0, 1.0])
    loop.step = lambda batch: next(losses)
    with pytest.raises(SemcomError, match="loss of epoch 1 is nan: .* lower --learning-rate"):
        loop.run()
    again = Loop(Parabola(config()), tmp_path)
    assert again.resume() and again.epoch == 1


def test_a_state_is_resumed_only_with_its_origin(tmp_path):
    loop = Loop(Parabola(config(epochs=1)), tmp_path, origin={"data": "a"})
    loop.run()
    assert Loop(Parabola(config(epochs=1)), tmp_path, origin={"data": "a"}).resume()
    with pytest.raises(SemcomError, match="other options, data or --init"):
        Loop(Parabola(config(epochs=1)), tmp_path, origin={"data": "b"}).resume()
    state = torch.load(loop.state_file, weights_only=True)
    del state["origin"]  # as in states of earlier versions
    torch.save(state, loop.state_file)
    assert Loop(Parabola(config(epochs=1)), tmp_path, origin={"data": "b"}).resume()


def test_scores_may_be_negative(tmp_path):
    loop = Loop(Parabola(config(epochs=1)), tmp_path)
    loop.run()
    assert loop.best < -1 and loop.best_weights


class Rivals(Parabola):
    """Two players: x lowers (x y), then y raises it, with an optimiser each."""

    def __init__(self, config):
        self.config, self.calls = config, []
        self.model = torch.nn.Module()
        self.model.x = torch.nn.Parameter(torch.tensor(2.0))
        self.model.y = torch.nn.Parameter(torch.tensor(3.0))

    def optimizers(self):
        return {name: torch.optim.SGD([getattr(self.model, name)], 0.1) for name in "xy"}

    def schedule(self, optimizer):
        return constant(optimizer)

    def loss(self, batch, name):
        x, y = self.model.x, self.model.y
        self.calls.append((name, float(x.detach()), float(y.detach())))
        return x * y * (1 if name == "x" else -1)


def test_two_optimisers_take_turns_and_each_moves_its_own(tmp_path):
    recipe = Rivals(config(epochs=2))
    loop = Loop(recipe, tmp_path)
    loop.step(None)
    x = 2 - 0.1 * 3
    assert recipe.calls == [("x", 2, 3), ("y", pytest.approx(x), 3)]
    assert float(recipe.model.x.detach()) == pytest.approx(x)
    assert float(recipe.model.y.detach()) == pytest.approx(3 + 0.1 * x)
    loop.save()
    other = Loop(Rivals(config(epochs=2)), tmp_path)
    assert other.resume() and torch.equal(other.recipe.model.y, recipe.model.y)


def test_a_state_of_another_recipe_is_told(tmp_path):
    Loop(Rivals(config()), tmp_path).save()
    with pytest.raises(SemcomError, match="another version or recipe"):
        Loop(Parabola(config()), tmp_path).resume()


class Tiny(Student):
    """Two numbers in, three out for the teacher, 29 classes."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.net = torch.nn.Module()
        self.net.stack = torch.nn.Linear(2, 4)
        self.teach, self.classify = torch.nn.Linear(4, 3), torch.nn.Linear(4, 29)

    def forward(self, seen):
        features = self.net.stack(seen)
        return self.teach(features).relu(), self.classify(features)


def example(rng):
    seen = rng.standard_normal(2).astype(np.float32)
    return Example(seen, np.abs(seen[[0, 1, 0]]), int(seen[0] > 0))


def distillation(steps):
    options = DistillationConfig(steps=steps, batch=5, learning_rate=3e-2, seed=2)
    held_out = [example(np.random.default_rng(i)) for i in range(70)]
    return Distillation(Tiny(), options, example, held_out)


def test_distillation_by_steps_goes_on_and_ends_with_its_last_step(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
    whole = Loop(distillation(120), tmp_path / "a")
    whole.run()
    assert whole.schedules["model"].last_epoch == 120
    interrupted(distillation(120), tmp_path / "b", 70)
    again = Loop(distillation(120), tmp_path / "b")
    assert again.resume() and again.epoch == 1
    again.run()
    for name, value in whole.averaged.state_dict().items():
        assert torch.equal(again.averaged.state_dict()[name], value), name
    assert whole.history[-1]["validation"] > 0.85
    assert whole.history[-1]["loss"] < whole.history[0]["loss"]
    short = Loop(distillation(7), tmp_path)
    short.run()
    assert (short.epoch, short.schedules["model"].last_epoch) == (1, 7)
