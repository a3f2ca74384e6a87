import pytest
import torch
from global_context import MODELS, SEEDS, SIZE, at_object, averaged, draw, reach
from same_or_count import COLUMNS, LR, MOST_STEPS, gap, in_validation, learn, pairs, squares


@pytest.mark.parametrize("question", ["count", "same"])
def test_labels_answer_the_question(question):
    images, labels, row = pairs(400, 0, question)
    assert images.shape == (400, 1, SIZE, SIZE) and row.shape == (400, 2)
    middles = [images[torch.arange(400), 0, row[:, k], column] for k, column in enumerate(COLUMNS)]
    left, right = (middle > 0 for middle in middles)
    assert torch.equal(labels.bool(), left & right if question == "count" else left == right)
    assert 0.4 < labels.float().mean() < 0.6
    cases = {(a, b) for a, b in zip(left.tolist(), right.tolist())}
    assert len(cases) == 4


def test_squares_are_five_by_five_and_apart():
    image = squares(torch.tensor([[True, False]]), torch.tensor([[10, 13]]))[0, 0]
    assert (image == 2).sum() == (image == -2).sum() == 25
    assert image[8:13, 2:7].eq(2).all() and image[11:16, 17:22].eq(-2).all()


@pytest.mark.parametrize("key, both", [("local", False), ("wide", True)])
def test_a_cell_sees_both_squares_or_one(key, both):
    torch.manual_seed(0)
    model, x = MODELS[key][1](), pairs(8, 0, "same")[0]
    cells = model(x).shape[-1]
    seen = [reach(model, x, cells // 2, j).any(0) for j in range(cells)]
    assert any(columns[:7].any() and columns[17:].any() for columns in seen) == both


def test_gap_is_zero_for_a_sum_alone():
    class Scores(torch.nn.Module):
        def __init__(self, f):
            super().__init__()
            self.f = f

        def forward(self, x):
            left, right = x[:, 0, SIZE // 2, 4], x[:, 0, SIZE // 2, 19]
            score = self.f(left, right)
            return torch.stack([torch.zeros_like(score), score], 1)[:, :, None, None]

    assert gap(Scores(lambda a, b: a + 3 * b)) == 0
    assert gap(Scores(lambda a, b: a * b)) == pytest.approx(2)


def test_learning_stops_where_it_fits_or_at_the_most_steps(monkeypatch):
    model, steps = learn(MODELS["local"][1], at_object, "near", 0, draw)
    assert 10 < steps < 100
    monkeypatch.setattr("same_or_count.MOST_STEPS", 12)
    assert learn(MODELS["local"][1], at_object, "far", 0, draw)[1] == 12 < MOST_STEPS


def test_validation_is_of_seeds_of_its_own_and_tells_the_rates_apart(monkeypatch):
    asked = []

    def learnt(make, read, question, seed, scenes, lr, most):
        return lr, most

    def right(model, read, question, seed, scenes):
        asked.append(seed)
        return {0.001: 0.5, 0.003: 1, 0.01: 0.8, 0.03: 0.7}[model]

    monkeypatch.setattr("same_or_count.learn", learnt)
    monkeypatch.setattr("same_or_count.accuracy", right)
    found = in_validation(None, averaged, "count", pairs)
    assert max(found, key=found.get) == LR and found[0.001] == 0.5
    assert not set(asked) & set(SEEDS)
