# %% [markdown]
# # 흔한 실수: `self`를 빼먹은 클래스
#
# 파이썬은 `객체.메서드(인자)`를 `클래스.메서드(객체, 인자)`로 불러요. 그래서 메서드의 첫 매개변수는 늘 그 객체 자신, `self`예요.
# 빼먹으면 정의할 때는 조용하다가 **부르는 순간** `TypeError`가 나요. 어떤 말이 나오고 어떻게 읽는지 볼게요.

# %%
import torch
from torch import nn


class WithoutSelf(nn.Module):
    """Broken on purpose: neither method takes self."""

    def __init__(dim, head_dim):  # the mistake: no self
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Linear(dim, head_dim) for _ in range(3))

    def forward(tokens):  # and again
        return self.wq(tokens), self.wk(tokens), self.wv(tokens)


class HalfMended(nn.Module):
    """Broken on purpose: self in __init__ alone."""

    def __init__(self, dim, head_dim):
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Linear(dim, head_dim) for _ in range(3))

    def forward(tokens):  # the mistake: no self
        return self.wq(tokens), self.wk(tokens), self.wv(tokens)


class Mended(nn.Module):
    """Q, K, V of one head: (B, N, D) -> three of (B, N, d)."""

    def __init__(self, dim, head_dim):
        super().__init__()
        self.wq, self.wk, self.wv = (nn.Linear(dim, head_dim) for _ in range(3))

    def forward(self, tokens):
        return self.wq(tokens), self.wk(tokens), self.wv(tokens)


def error_of(call):
    """The exception that call() raises, or None."""
    try:
        call()
    except Exception as error:
        return error


# %% [markdown]
# ## 만드는 순간
#
# `WithoutSelf(192, 64)`에 건넨 것은 두 개지만 파이썬은 새로 만든 객체를 맨 앞에 붙여 **세 개**를 넘겨요.
# 매개변수는 둘뿐이니 "2개를 받는데 3개가 왔다"고 해요. 건넨 것보다 하나 많다고 하면 `self`부터 찾아보세요.

# %%
if __name__ == "__main__":
    evidence = {}
    init_error = error_of(lambda: WithoutSelf(192, 64))
    evidence["init_error"] = type(init_error).__name__
    evidence["init_given_too_many"] = (
        "takes 2 positional arguments but 3 were given" in str(init_error)
    )
    print(f"{type(init_error).__name__}: {init_error}")

# %% [markdown]
# ## 부르는 순간
#
# `__init__`만 고치면 객체는 만들어져요. 하지만 `forward`도 메서드라서, 토큰을 넣으면 같은 오류가 나요.

# %%
if __name__ == "__main__":
    tokens = torch.zeros(2, 197, 192)  # (B, N, D)
    half_mended = HalfMended(192, 64)
    forward_error = error_of(lambda: half_mended(tokens))
    evidence["forward_error"] = type(forward_error).__name__
    evidence["forward_given_too_many"] = (
        "takes 1 positional argument but 2 were given" in str(forward_error)
    )
    print(f"{type(forward_error).__name__}: {forward_error}")

# %% [markdown]
# ## 둘 다 고치면
#
# `self`가 있어야 `__init__`에서 만든 Linear를 `forward`에서 다시 찾을 수 있어요.

# %%
if __name__ == "__main__":
    q, k, v = Mended(192, 64)(tokens)  # (B, N, d) each
    evidence["mended_shape"] = " x ".join(str(size) for size in q.shape)
    print("q, k, v의 모양:", *(tuple(y.shape) for y in (q, k, v)))

# %%
if __name__ == "__main__":
    tolerance = {}
    evidence
