import pytest

from mundap.project import texts


@pytest.mark.parametrize(
    "term, expected", [("위치 임베딩", "위치-임베딩"), ("Q·K·V", "q-k-v"), (" ViT-B/16 ", "vit-b-16"), ("!?", "")]
)
def test_slug(term, expected):
    assert texts.slug(term) == expected
