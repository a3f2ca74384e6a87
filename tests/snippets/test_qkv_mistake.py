import pytest
import qkv_mistake
import torch


def test_class_without_self_cannot_be_made():
    with pytest.raises(TypeError, match=r"__init__\(\) takes 2 positional arguments but 3 were given"):
        qkv_mistake.WithoutSelf(192, 64)


def test_forward_without_self_cannot_be_called():
    model = qkv_mistake.HalfMended(192, 64)
    with pytest.raises(TypeError, match=r"forward\(\) takes 1 positional argument but 2 were given"):
        model(torch.zeros(2, 197, 192))


def test_mended_class_gives_three_projections():
    assert [tuple(y.shape) for y in qkv_mistake.Mended(192, 64)(torch.zeros(2, 197, 192))] == [(2, 197, 64)] * 3


def test_error_of_returns_what_was_raised_or_none():
    assert isinstance(qkv_mistake.error_of(lambda: 1 / 0), ZeroDivisionError)
    assert qkv_mistake.error_of(lambda: 1) is None
