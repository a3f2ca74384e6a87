import pytest
import torch
from lib.measure import accuracy, relative_error
from torch import nn


def test_accuracy_counts():
    assert accuracy(nn.Identity(), torch.eye(4)[[0, 1, 2, 2]], torch.tensor([0, 1, 2, 3])) == 0.75


def test_relative_error_by_hand():
    found, expected = torch.tensor([[3.0, 0.0], [0.0, 5.0]]), torch.tensor([[3.0, 4.0], [0.0, 0.0]])
    assert relative_error(found, expected) == pytest.approx(41**0.5 / 5)
    assert relative_error(expected, expected) == 0
