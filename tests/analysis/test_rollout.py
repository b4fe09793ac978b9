import torch
from hypothesis import given
from hypothesis import strategies as st

from course_utils.analysis.rollout import attention_rollout


@given(st.integers(1, 4), st.integers(1, 3), st.integers(1, 7))
def test_rollout_of_attention_that_stays_put_stays_put_and_rows_sum_to_one(layers, heads, tokens):
    stay = torch.eye(tokens).expand(2, heads, tokens, tokens)
    for rollout in attention_rollout([stay] * layers):
        torch.testing.assert_close(rollout, torch.eye(tokens).expand(2, tokens, tokens))
    mixed = [torch.rand(2, heads, tokens, tokens).softmax(-1) for _ in range(layers)]
    for rollout in attention_rollout(mixed):
        torch.testing.assert_close(rollout.sum(-1), torch.ones(2, tokens))


def test_rollout_follows_the_path_of_information_from_the_first_layer_up():
    """Layer 1 copies token 2 to token 1, layer 2 copies token 1 to token 0: token 0 has seen token 2."""
    first, second = torch.eye(3), torch.eye(3)
    first[1] = torch.tensor([0.0, 0.0, 1.0])
    second[0] = torch.tensor([0.0, 1.0, 0.0])
    up = attention_rollout([first[None, None], second[None, None]])[-1]
    down = attention_rollout([second[None, None], first[None, None]])[-1]
    torch.testing.assert_close(up[0, 0], torch.tensor([0.5, 0.25, 0.25]))
    assert down[0, 0, 2] == 0
