# %% [markdown]
# # 오토인코더와 VAE: 부호는 어떤 분포를 따를까요?
#
# 오토인코더(autoencoder)는 이미지를 짧은 **부호** $z$로 줄였다가 되살려요. 변분 오토인코더(VAE)는 두 가지가 더 있어요.
# 부호에 잡음을 섞고, 부호의 분포가 $\mathcal{N}(0, I)$에서 벗어나는 만큼 벌점을 줘요.
# 그것만으로 무엇이 달라지는지, 벌점이 붙은 손실이 확률과 무슨 사이인지 재 볼게요.

# %%
from copy import deepcopy
from math import log
from statistics import mean, stdev

import torch
import torch.nn.functional as F
from lib.binary_digits import draw_rows, load
from lib.figure import BLUE, INK, ORANGE, show, table
from matplotlib import pyplot as plt
from parameter_count import fit, log_prob, nearest
from torch import nn

LATENT = 8  # numbers in a code


def mlp(inputs, outputs, hidden=128):
    """One hidden layer: (..., inputs) -> (..., outputs)."""
    return nn.Sequential(
        nn.Linear(inputs, hidden), nn.ReLU(), nn.Linear(hidden, outputs)
    )


def reconstruction(logits, x):
    """-log p(x|z) in nats: logits and x (..., 64) -> (...)."""
    return F.binary_cross_entropy_with_logits(
        logits, x.expand_as(logits), reduction="none"
    ).sum(dim=-1)


class Autoencoder(nn.Module):
    """A code is a point: images x (B, 64) -> codes (B, Z)."""

    def __init__(self):
        super().__init__()
        self.encoder, self.decoder = mlp(64, LATENT), mlp(LATENT, 64)

    def code(self, x):
        return self.encoder(x)  # (B, 64) -> (B, Z)

    def loss(self, x):
        return reconstruction(self.decoder(self.code(x)), x)  # (B)


class VAE(nn.Module):
    """A code is a distribution, drawn to N(0, 1) by beta times its divergence."""

    def __init__(self, beta=1.0):
        super().__init__()
        self.encoder, self.decoder, self.beta = (
            mlp(64, 2 * LATENT),
            mlp(LATENT, 64),
            beta,
        )

    def posterior(self, x):
        """q(z|x) = N(mu, sigma^2): mu and sigma, (B, Z) each."""
        mu, log_var = self.encoder(x).chunk(2, dim=-1)
        return mu, (log_var / 2).exp()

    def code(self, x):
        return self.posterior(x)[0]

    def loss(self, x):
        mu, sigma = self.posterior(x)
        z = mu + sigma * torch.randn_like(
            mu
        )  # VAE (1312.6114) §2.4: the noise comes from outside
        return reconstruction(self.decoder(z), x) + self.beta * kl(
            mu, sigma
        )  # minus the ELBO, where beta is 1


def kl(mu, sigma):
    """KL(N(mu, sigma^2) || N(0, I)) in nats, of (..., Z) -> (...): VAE, appendix
    B."""
    return (mu.square() + sigma.square() - 1 - 2 * sigma.log()).sum(dim=-1) / 2


class MeanVAE(VAE):
    """A common slip: the reconstruction as a mean over the pixels, the KL as a sum,
    or as a mean too."""

    def __init__(self, both=False):
        super().__init__()
        self.both = both

    def loss(self, x):
        mu, sigma = self.posterior(x)
        z = mu + sigma * torch.randn_like(mu)
        error = F.binary_cross_entropy_with_logits(
            self.decoder(z), x
        )  # a mean by itself, over images and 64 pixels
        return error + kl(mu, sigma).mean() / (LATENT if self.both else 1)


def train(model, x, seed, steps=500, lr=0.01):
    """Adam on batches of 100 of x (B, 64); the very same for both kinds of
    model."""
    torch.manual_seed(seed)
    optimizer = torch.optim.Adam(model.parameters(), lr, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=steps)
    for _ in range(steps):
        loss = model.loss(x[torch.randint(len(x), (100,))]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model


# %% [markdown]
# ## 아무 부호나 되살려 보면
#
# $\mathcal{N}(0, I)$에서 뽑은 부호를 디코더에 넣어요. 나온 이미지들의 분포가 처음 보는 진짜 500장의 분포와 얼마나
# 다른지는 **에너지 거리**(energy distance)로 재요. 같은 분포라면 0이에요.
# 한 장 한 장이 숫자다운지는 가장 닮은 학습 이미지와 몇 픽셀이 다른지로 봐요.
#
# 오토인코더의 디코더는 그대로 두고, 학습 이미지들의 부호가 어떤 분포인지를 조금씩 더 알려 줘 봐요.
#
# - **수 1개**: 부호 전체의 표준편차 하나로 $z$를 늘려요.
# - **수 16개**: 부호를 이루는 수 여덟 개마다 평균과 표준편차를 맞춰요. 부호를 다른 단위로 적은 **같은** 오토인코더라고 봐도 돼요.
#   인코더의 끝에서 평균을 빼고 표준편차로 나누고 디코더의 첫 층에서 되돌리면, 되살리는 일도 손실도 똑같으니까요.
# - **수 44개**: 공분산까지 맞춘 가우시안이에요.
#
# 모자란 것이 디코더의 솜씨라면 무엇을 알려 줘도 표본은 그대로일 테고, 부호의 분포라면 알려 줄수록 나아질 거예요.


# %%
def energy_distance(x, y):
    """2 E|x - y| - E|x - x'| - E|y - y'| for samples x (N, 64) and y (M, 64): about
    0 if of one distribution."""
    within = [torch.cdist(a, a).sum() / (len(a) * (len(a) - 1)) for a in (x, y)]
    return (2 * torch.cdist(x, y).mean() - sum(within)).item()


@torch.no_grad()
def rescaled(ae, x):
    """The same autoencoder, its codes of images x (B, 64) written with mean 0 and
    deviation 1."""
    same, codes = deepcopy(ae), ae.code(x)  # (B, Z)
    centre, scale = codes.mean(dim=0), codes.std(dim=0)  # (Z)
    same.encoder[-1].weight /= scale[:, None]
    same.encoder[-1].bias.copy_((same.encoder[-1].bias - centre) / scale)
    same.decoder[0].bias += same.decoder[0].weight @ centre
    same.decoder[0].weight *= scale
    return same


def fitted_codes(codes, count):
    """New codes (count, Z) from the Gaussian with the mean and the covariance of
    codes (B, Z)."""
    spread = torch.linalg.cholesky(codes.T.cov())
    return codes.mean(dim=0) + torch.randn(count, codes.shape[1]) @ spread.T


@torch.no_grad()
def decode(model, z):
    """Probability of ink (B, 64) for codes z (B, Z)."""
    return model.decoder(z).sigmoid()


# %%
if __name__ == "__main__":
    torch.set_num_threads(1)
    evidence, null = {}, {"배우지 않은 모델": {}}
    splits = [[part.float() for part in load(seed)[:2]] for seed in range(5)]
    models, raw = (
        {"ae": [], "vae": []},
        {"ae": [], "vae": []},
    )  # trained, and as they began
    for seed, (x, _) in enumerate(splits):
        torch.manual_seed(seed)
        for name, kind in (("ae", Autoencoder), ("vae", VAE)):
            raw[name].append(kind())
            models[name].append(train(deepcopy(raw[name][-1]), x, seed))


# %%
def generated(ae, vae, x):
    """Samples of all kinds: {name: (2000, 64)}, and the ink (2000, 64) of those
    that a decoder drew."""
    z = torch.randn(2000, LATENT)
    ink = {
        "independent": fit(x, 0).expand(2000, 64).float(),
        "ae": decode(ae, z),
        "ae_stretched": decode(ae, ae.code(x).std() * z),
        "ae_rescaled": decode(rescaled(ae, x), z),
        "ae_fitted": decode(ae, fitted_codes(ae.code(x).detach(), 2000)),
        "vae": decode(vae, z),
    }
    return {"real": x, **{name: torch.bernoulli(p) for name, p in ink.items()}}, ink


def measure(drawn, x, test):
    """How far samples {name: (n, 64)} are from new images test and from the
    training images x: {name: value}."""
    energy = {
        f"energy_{name}": energy_distance(images, test)
        for name, images in drawn.items()
    }
    compared = drawn | {"real": test}
    return energy | {
        f"nearest_{name}": nearest(images[:500], x)
        for name, images in compared.items()
    }


def listed(results):
    """A list of {name: value}, one for each seed, as {name: [values]}."""
    return {name: [result[name] for result in results] for name in results[0]}


# %%
if __name__ == "__main__":
    names = {
        "real": "학습 이미지",
        "independent": "픽셀마다 독립",
        "ae": "오토인코더, N(0, I)",
        "ae_stretched": "오토인코더, 수 1개를 맞춤",
        "ae_rescaled": "오토인코더, 수 16개를 맞춤",
        "ae_fitted": "오토인코더, 수 44개를 맞춤",
        "vae": "VAE, N(0, I)",
    }
    results, untrained = [], []
    for seed, (x, test) in enumerate(splits):
        torch.manual_seed(seed)
        ae, vae = models["ae"][seed], models["vae"][seed]
        drawn, ink = generated(ae, vae, x)
        with torch.no_grad():
            found = {
                f"error_{name}": model.loss(test).mean().item()
                for name, model in (("ae", ae), ("vae", vae))
            }
            found["error_vae"] -= kl(*vae.posterior(test)).mean().item()
            found["error_ae_rescaled"] = rescaled(ae, x).loss(test).mean().item()
            found |= {
                f"code_std_{name}": model.code(x).std(dim=0).mean().item()
                for name, model in (("ae", ae), ("vae", vae))
            }
        results.append(found | measure(drawn, x, test))
        untrained.append(
            measure(generated(raw["ae"][seed], raw["vae"][seed], x)[0], x, test)
        )
    evidence |= listed(results)
    null["배우지 않은 모델"] |= listed(untrained)
    energy, pixels = (
        {name: evidence[f"{kind}_{name}"] for name in names}
        for kind in ("energy", "nearest")
    )
    rows = [
        [
            names[name],
            f"{mean(energy[name]):.4f} ± {stdev(energy[name]):.4f}",
            f"{mean(pixels[name]):.1f}",
        ]
        for name in names
    ]
    table(
        "generated",
        "처음 보는 진짜와 견준 표본 (시드 다섯의 평균 ± 표준편차)",
        ["표본", "에너지 거리", "가장 닮은 학습 이미지와 다른 픽셀"],
        rows,
    )
    spreads, errors = (
        {name: mean(evidence[f"{kind}_{name}"]) for name in models}
        for kind in ("code_std", "error")
    )
    same = max(
        abs(a - b)
        for a, b in zip(evidence["error_ae_rescaled"], evidence["error_ae"])
    )
    print(
        f"부호의 표준편차: 오토인코더 {spreads['ae']:.1f}, VAE {spreads['vae']:.2f}"
    )
    print(
        f"되살리는 오차 -log p(x|z): 오토인코더 {errors['ae']:.1f}, VAE {errors['vae']:.1f}나트"
    )
    print(f"단위만 바꾼 오토인코더와 되살리는 오차의 차이 {same:.0e}나트 이하")

# %%
if __name__ == "__main__":
    alt = (
        f"N(0, I)에서 뽑은 부호를 되살리면 오토인코더는 얼룩(에너지 거리 {mean(energy['ae']):.2f}), VAE는 숫자를 닮은 그림"
        f"({mean(energy['vae']):.3f})이 나와요. 오토인코더도 부호마다 평균과 표준편차를 맞추면 {mean(energy['ae_rescaled']):.3f}, "
        f"공분산까지 맞추면 {mean(energy['ae_fitted']):.3f}이에요."
    )
    rows = {
        "오토인코더": ink["ae"],
        "VAE": ink["vae"],
        "수 16개": ink["ae_rescaled"],
    }
    show(
        draw_rows(
            [
                ("진짜", test[:8]),
                *((title, images[:8]) for title, images in rows.items()),
            ]
        ),
        "pictures",
        alt,
    )

# %% [markdown]
# ## 손실과 확률은 무슨 사이일까요?
#
# 정말 키우고 싶은 것은 $\log p(x) = \log \mathrm{E}_{z \sim \mathcal{N}(0, I)}\, p(x|z)$예요. 그런데 무작위로 뽑은 부호는
# 대부분 엉뚱한 이미지를 그려서, 어쩌다 맞는 부호가 나올 때까지 아주 많이 뽑아야 해요.
# 인코더가 "이 근처를 보라"고 알려 주면 적은 표본으로도 어림할 수 있어요. 표본이 하나일 때의 기댓값이 바로 **ELBO**예요.
#
# $$\log p(x) \;\ge\; \mathrm{E}_{q(z|x)}[\log p(x|z)] - \mathrm{KL}(q(z|x)\,\|\,\mathcal{N}(0, I))$$


# %%
@torch.no_grad()
def log_weights(vae, x, count):
    """log p(x, z) - log q(z|x) for count draws of z from q: (count, B). Its mean
    over draws tends to the ELBO."""
    mu, sigma = vae.posterior(x)
    noise = torch.randn(count, *mu.shape)
    z = mu + sigma * noise  # (count, B, Z)
    log_ratio = ((noise.square() - z.square()) / 2 + sigma.log()).sum(
        dim=-1
    )  # log p(z) - log q(z|x)
    return log_ratio - reconstruction(vae.decoder(z), x)


@torch.no_grad()
def log_p_by_prior(vae, x, count):
    """log of the mean of p(x|z) over count draws of z from N(0, I): (B)."""
    logits = vae.decoder(torch.randn(count, LATENT))  # (count, 64)
    log_p = x @ logits.T - F.softplus(logits).sum(
        dim=-1
    )  # (B, count): the reconstruction of every x by every z
    return log_p.logsumexp(dim=1) - log(count)


# %%
if __name__ == "__main__":
    counts, results, untrained = [1, 10, 100, 1000, 10_000, 100_000], [], []
    for seed, (_, test) in enumerate(splits):
        torch.manual_seed(seed)
        for vae, into in (
            (models["vae"][seed], results),
            (raw["vae"][seed], untrained),
        ):
            images = test[:100]
            weights = log_weights(vae, images, 1000)  # (1000, 100)
            by_encoder = [
                (weights[:count].logsumexp(dim=0) - log(count)).mean().item()
                for count in counts[:4]
            ]
            by_prior = [
                log_p_by_prior(vae, images, count).mean().item()
                for count in (counts if into is results else counts[:4])
            ]
            with torch.no_grad():
                minus_loss = (
                    -torch.stack([vae.loss(images).mean() for _ in range(100)])
                    .mean()
                    .item()
                )
            elbo, log_p = weights.mean().item(), by_encoder[-1]
            into.append(
                {
                    "elbo": elbo,
                    "log_p": log_p,
                    "gap": log_p - elbo,
                    "log_p_by_prior": by_prior[-1],
                    "log_p_by_prior_10": by_prior[1],
                    "formula_error": abs(minus_loss - elbo),
                    "estimates_apart": abs(log_p - by_prior[-1]),
                }
            )
            if into is results:
                curves = elbo, by_encoder, by_prior  # of the last seed in the end
    found = listed(results)
    evidence |= found
    null["배우지 않은 모델"] |= listed(untrained)
    print(f"ELBO {mean(found['elbo']):.2f} ± {stdev(found['elbo']):.2f}")
    print(f"-(복원 오차 + KL)과의 차이 {max(found['formula_error']):.3f} 이하")
    print(
        f"인코더의 도움으로 어림한 log p(x) {mean(found['log_p']):.2f}, ELBO와의 틈 {mean(found['gap']):.2f}나트"
    )
    print(
        f"N(0, I)에서 10만 개를 뽑아 어림한 log p(x) {mean(found['log_p_by_prior']):.2f}, "
        f"열 개만 뽑으면 {mean(found['log_p_by_prior_10']):.1f}"
    )

# %%
if __name__ == "__main__":
    elbo, by_encoder, by_prior = curves
    figure, axis = plt.subplots()
    axis.plot(
        counts[:4],
        by_encoder,
        color=BLUE,
        marker="o",
        label="인코더가 알려 준 데서 뽑음",
    )
    axis.plot(
        counts,
        by_prior,
        color=ORANGE,
        marker="s",
        linestyle="--",
        label="N(0, I)에서 뽑음",
    )
    axis.axhline(elbo, color=INK, linestyle=":", linewidth=1.2, label="ELBO")
    axis.set(
        xscale="log",
        xticks=counts,
        xticklabels=["1", "10", "100", "1천", "1만", "10만"],
        xlabel="뽑은 부호의 수",
        title="어림한 log p(x) (나트)",
        ylim=(-30, -15),
    )
    axis.minorticks_off()
    figure.legend(loc="outside upper center", ncols=2)
    alt = (
        f"인코더의 도움을 받으면 부호 하나로도 ELBO({elbo:.1f}) 근처에서 시작해 {by_encoder[-1]:.1f}에 닿아요. "
        f"N(0, I)에서 뽑으면 열 개로 {by_prior[1]:.1f}이고 10만 개가 되어서야 {by_prior[-1]:.1f}이에요."
    )
    show(figure, "bound", alt)

# %% [markdown]
# ## 뽑기를 어떻게 미분할까요?
#
# $z$를 그냥 뽑으면 거기서 기울기가 끊겨, 인코더는 복원이 잘됐는지 알 길이 없어요.
# $z = \mu + \sigma\varepsilon$으로 적어 난수 $\varepsilon$을 밖에서 가져오면 기울기가 $\mu$와 $\sigma$까지 흘러요. 재매개변수화예요.
#
# 뽑기를 미분하지 않는 길도 있어요. $\log p(x|z)\,\nabla_\mu \log q(z|x)$를 평균하는 점수 함수 추정(score function estimator)이에요.
# 둘의 평균은 같은데 흔들리는 정도가 달라요.


# %%
def gradients(vae, x, count):
    """Two estimates of d/dmu E_q[log p(x|z)], from each of count draws: (count, B,
    Z) each."""
    with torch.no_grad():
        mu, sigma = vae.posterior(x)
    noise = torch.randn(count, *mu.shape)
    z = (mu + sigma * noise).requires_grad_()
    log_likelihood = -reconstruction(vae.decoder(z), x)  # (count, B)
    (pathwise,) = torch.autograd.grad(log_likelihood.sum(), z)  # dz/dmu = 1
    level = log_likelihood.detach() - log_likelihood.detach().mean(
        dim=0
    )  # less the mean: less noise
    return pathwise, level[
        ..., None
    ] * noise / sigma  # d log q / dmu = noise / sigma


# %%
if __name__ == "__main__":
    ratios, agreements = [], []
    for seed, (_, test) in enumerate(splits):
        torch.manual_seed(seed)
        pathwise, score = gradients(models["vae"][seed], test[:30], 2000)
        ratios.append((score.var(dim=0).mean() / pathwise.var(dim=0).mean()).item())
        both = torch.stack(
            [pathwise.mean(dim=0).flatten(), score.mean(dim=0).flatten()]
        )
        agreements.append(both.corrcoef()[0, 1].item())
    vae = models["vae"][-1]
    vae.zero_grad()
    mu, sigma = vae.posterior(test)
    plain = torch.distributions.Normal(
        mu, sigma
    ).sample()  # drawn without a way back
    reconstruction(vae.decoder(plain), test).mean().backward()
    encoder_gradient = sum(
        p.grad.abs().sum().item()
        for p in vae.encoder.parameters()
        if p.grad is not None
    )
    print(f"2,000번 평균한 두 기울기의 상관계수 {mean(agreements):.3f}")
    print(
        f"분산은 점수 함수 쪽이 {mean(ratios):.1f}배 (시드 다섯에서 {min(ratios):.1f}~{max(ratios):.1f})"
    )
    print(
        f"z를 그냥 뽑았을 때 인코더가 복원 오차에서 받는 기울기의 크기: {encoder_gradient}"
    )
    evidence |= {
        "gradient_agreement": agreements,
        "variance_ratio": ratios,
        "encoder_gradient_without": encoder_gradient,
    }

# %% [markdown]
# ## 두 부호의 사이를 되살리면
#
# 서로 다른 두 이미지의 부호를 곧게 잇고 가운데를 되살려요. VAE는 부호의 공간이 빈틈없이 차서 사이도 숫자이고
# 오토인코더는 그렇지 않다고들 해요. 부호가 아니라 픽셀을 절반씩 섞은 것도 나란히 둬요.


# %%
def way_between(model, x, y, steps):
    """Probability of ink along the straight way between the codes of x and y (B,
    64): (steps, B, 64)."""
    with torch.no_grad():
        start, end = model.code(x), model.code(y)
    return torch.stack(
        [
            decode(model, start.lerp(end, t))
            for t in torch.linspace(0, 1, steps).tolist()
        ]
    )


# %%
if __name__ == "__main__":
    results, untrained = [], []
    for seed, (x, test) in enumerate(splits):
        torch.manual_seed(seed)
        first, second = test[:250], test[250:]
        for nets, into in ((models, results), (raw, untrained)):
            found = {
                "middle_pixels": nearest(torch.bernoulli((first + second) / 2), x)
            }
            for name in nets:
                way = way_between(
                    nets[name][seed], first, second, 3
                ).round()  # to the likelier colour of each pixel
                found |= {
                    f"end_{name}": nearest(way[0], x),
                    f"middle_{name}": nearest(way[1], x),
                }
            found["blots"] = nearest(
                decode(nets["ae"][seed], torch.randn(250, LATENT)).round(), x
            )
            into.append(found)
    found = listed(results)
    evidence |= found
    null["배우지 않은 모델"] |= listed(untrained)
    print("가장 닮은 학습 이미지와 다른 픽셀")
    for name, label in (("ae", "오토인코더"), ("vae", "VAE")):
        end, middle = found[f"end_{name}"], found[f"middle_{name}"]
        print(
            f"  {label}: 끝 {mean(end):.1f} → 가운데 {mean(middle):.1f} ± {stdev(middle):.1f}"
        )
    print(
        f"  픽셀을 절반씩 섞으면 {mean(found['middle_pixels']):.1f}, "
        f"오토인코더로 N(0, I)의 부호를 되살리면 {mean(found['blots']):.1f}"
    )

# %%
if __name__ == "__main__":
    pair = test[:1], test[3:4]
    ways = [
        (label, way_between(models[name][-1], *pair, 8)[:, 0])
        for name, label in (("ae", "오토인코더"), ("vae", "VAE"))
    ]
    pixel_way = torch.cat(
        [pair[0].lerp(pair[1], t) for t in torch.linspace(0, 1, 8).tolist()]
    )
    alt = (
        f"두 부호의 가운데를 되살리면 가장 닮은 학습 이미지와 오토인코더는 {mean(found['middle_ae']):.1f}픽셀, VAE는 "
        f"{mean(found['middle_vae']):.1f}픽셀 달라요. 픽셀을 섞은 것은 두 그림이 겹쳐 보이고 {mean(found['middle_pixels']):.1f}픽셀 달라요."
    )
    show(draw_rows([*ways, ("픽셀 섞기", pixel_way)]), "between", alt)

# %% [markdown]
# ## KL의 무게를 바꾸면
#
# 손실의 KL에 $\beta$를 곱해요. 무엇으로 배웠든 표의 ELBO는 $\beta = 1$로 셈한 것이라 서로 견줄 수 있어요.
#
# 흔한 실수 하나도 여기에 들어가요. `F.binary_cross_entropy`는 따로 말하지 않으면 **평균**을 내요. KL은 합으로 두고 복원 오차만
# 픽셀 64개의 평균으로 적은 손실은, 64를 곱해 보면 $\beta = 64$인 손실과 똑같아요. KL도 부호를 이루는 수 여덟 개의 평균으로 적으면
# 복원 오차는 64로, KL은 8로 나뉘니 $\beta = 8$이에요. 그래서 표의 64와 8은 **실수한 손실을 그대로 써서** 배워요.
# 손실의 크기만 달라지는 것이라면 합으로 적은 $\beta = 1$의 줄과 같은 수가 나올 거예요.


# %%
@torch.no_grad()
def costs(vae, test):
    """What a VAE takes for images test (T, 64), in nats an image, how far its
    samples are from them, and by how many pixels two images' decodings differ."""
    mu, sigma = vae.posterior(test)
    ink = decode(vae, mu)  # (T, 64)
    cost = kl(mu, sigma).mean().item()
    error = (
        reconstruction(vae.decoder(mu + sigma * torch.randn(20, *mu.shape)), test)
        .mean()
        .item()
    )
    samples = torch.bernoulli(decode(vae, torch.randn(2000, LATENT)))
    return {
        "error": error,
        "kl": cost,
        "elbo": -error - cost,
        "energy": energy_distance(samples, test),
        "changed": (ink - ink.roll(1, dims=0)).abs().sum(dim=-1).mean().item(),
    }


# %%
if __name__ == "__main__":
    betas, by_beta, untrained, mistaken = (
        {0.01: "beta_001", 1: "beta_1", 8: "beta_8", 64: "beta_64"},
        {},
        [],
        [],
    )
    for seed, (x, test) in enumerate(splits):
        for beta in betas:
            torch.manual_seed(seed)
            vae = models["vae"][seed]
            if beta == 0.01:
                vae = train(VAE(beta), x, seed)
            elif beta > 1:
                vae = train(MeanVAE(both=beta == 8), x, seed)
                losses = []
                for kind in (MeanVAE(both=beta == 8), VAE(beta)):
                    kind.load_state_dict(vae.state_dict())
                    torch.manual_seed(seed)  # the same noise for both
                    losses.append(kind.loss(x).mean().item())
                mistaken.append(abs(64 * losses[0] / losses[1] - 1))
            by_beta.setdefault(beta, []).append(costs(vae, test))
        untrained.append(costs(raw["vae"][seed], test))
    print(
        f"실수한 손실의 64배와 β = 64, 8인 손실의 차이 {max(mistaken):.0e} 이하 (비율)"
    )
    evidence["mistake_is_beta"] = max(mistaken)
    by_beta = {beta: listed(found) for beta, found in by_beta.items()}
    for beta, label in betas.items():
        evidence |= {
            f"{label}_{name}": found for name, found in by_beta[beta].items()
        }
        null["배우지 않은 모델"] |= {
            f"{label}_{name}": found for name, found in listed(untrained).items()
        }
    null["합으로 적은 손실"] = {
        f"{betas[beta]}_{name}": found
        for beta in (8, 64)
        for name, found in by_beta[1].items()
    }
    independent = [log_prob(fit(x, 0), test, 0).mean().item() for x, test in splits]
    rows = [
        [
            f"{beta:g}",
            *(
                f"{mean(by_beta[beta][name]):.1f} ± {stdev(by_beta[beta][name]):.1f}"
                for name in ("error", "kl", "elbo")
            ),
            f"{mean(by_beta[beta]['energy']):.3f}",
        ]
        for beta in betas
    ]
    table(
        "beta",
        "KL의 무게와 그 결과 (처음 보는 이미지 하나에 나트, 시드 다섯의 평균 ± 표준편차)",
        ["β", "복원 오차", "KL", "ELBO", "에너지 거리"],
        rows,
    )
    print(f"픽셀마다 독립인 모델의 log p(x): {mean(independent):.1f}")
    evidence["independent_log_p"] = independent

# %%
if __name__ == "__main__":
    torch.manual_seed(0)
    rows = {"진짜": test[:8]}
    for title, model in (("합", models["vae"][-1]), ("복원만 평균", vae)):
        with torch.no_grad():
            rows[title] = decode(model, model.code(test[:8]))
    alt = (
        f"복원 오차를 합으로 적은 VAE는 이미지마다 다른 그림을 되살리지만, 평균으로 적은 VAE는 여덟 장 모두 같은 회색 얼룩이에요. "
        f"두 이미지를 되살린 그림의 차이가 {mean(by_beta[1]['changed']):.1f}픽셀에서 {mean(by_beta[64]['changed']):.3f}픽셀로 줄어요."
    )
    show(draw_rows(list(rows.items())), "mistake", alt)

# %%
if __name__ == "__main__":
    tolerance = {
        **{name: 0.5 for name in evidence if not name.startswith("encoder")},
        **{name: 3 for name in evidence if name.startswith("beta_001")},
        **{name: 0.02 for name in evidence if "energy" in name},
        "energy_ae": 0.1,
        "energy_ae_stretched": 0.1,
        "mistake_is_beta": 1e-5,
        "beta_001_energy": 0.1,
        "log_p_by_prior_10": 2,
        "formula_error": 0.1,
        "variance_ratio": 3,
        "gradient_agreement": 0.05,
    }
    evidence
