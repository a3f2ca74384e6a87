"""A model that has learnt nothing: the same numbers, elsewhere in their matrices."""

import torch
from lib.scramble import scrambled


def test_numbers_of_a_matrix_are_shuffled_within_it_and_vectors_stay(small_vit):
    other, again = scrambled(small_vit), scrambled(small_vit)
    pairs = zip(small_vit.named_parameters(), other.parameters(), again.parameters(), strict=True)
    for (name, before), after, repeated in pairs:
        assert torch.equal(before.flatten().sort().values, after.flatten().sort().values), name
        assert torch.equal(before, after) == (before.ndim == 1 or before.numel() == 1), name
        assert torch.equal(after, repeated), name
