"""C2N, clean to noisy (Jang et al., ICCV 2021): learn to make real-looking noise, then train on it.

From the paper: a generator adds noise to clean images, made of a part that depends on the image and one that does not,
each through 1x1 convolutions (independent between pixels) and 3x3 convolutions (correlated); a critic compares the
result with target images (WGAN with gradient penalty); a small loss keeps the noise's mean colour at zero. Then the
restorer is trained with the L1 loss to undo the generator's noise. Depths, widths and the uniform noise of the
independent part are those of the authors' code.

Decided to bring it into this trainer
-------------------------------------
* The two stages are one run: in the head start the generator and its critic learn, after it they rest and the restorer
  learns, for as many steps as with any other method and from the same warm start. The head start comes on top, and the
  paper gives no number of steps that would fit: 50,000 at paper scale, and what the scales below say.
* Generator and critic take one step each, where WGANs often give the critic five; one backward pass does both, each
  network held while the other learns. The critic's learning rate is higher than the generator's instead (pocket: fifty
  times, bench: five times): at ten times the pocket noise ended half as strong again as the camera's. At paper scale
  the rates are the authors', equal, although there is one step of the critic here as well: nobody has run it, and
  ``options.c2n.critic_learning_rate`` is the first thing to raise. Adam's betas are 0.5 and 0.9.
* An image's rating is the sum of those of its places, for the distance as for the penalty. Of a distance that was the
  mean, the penalty was a thousand times too heavy: the critic learnt next to nothing, and the noise dwindled to a
  standard deviation of 0.006 where the simulated camera's is 0.027.
* The generator starts with little noise.
* The critic judges whole noisy images, as in the paper. It then sees colours and softness too, in which source and
  target differ. At the scales pocket and bench noise has no mean colour (``residual``; the paper's small loss is too
  weak for so short a training), and the clean pictures are softened before noise is put on them, and are what the
  restorer has to give back (``softness``). At paper scale both are the paper's.

``workbench study rivals-mended`` tries four settings on pictures that no test has; docs/results.md has what came out.
The bench settings have not been tuned.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.methods.base import Batch, Length, Method
from workbench.methods.gradients import held
from workbench.methods.random_numbers import RandomNumbers
from workbench.methods.residuals import Freedom, blurred, restrained
from workbench.recipes import Recipe
from workbench.recipes.schema import Section


def _conv(before: int, after: int, size: int = 3, bias: bool = True) -> nn.Conv2d:
    return nn.Conv2d(before, after, size, padding=size // 2, padding_mode="reflect", bias=bias)


class _Residual(nn.Module):
    """Two convolutions beside a skip."""

    def __init__(self, width: int, size: int = 3, bias: bool = True):
        super().__init__()
        self.body = nn.Sequential(_conv(width, width, size, bias), nn.PReLU(), _conv(width, width, size, bias))

    def forward(self, features: Tensor) -> Tensor:
        return features + self.body(features)


class _Pipes(nn.Module):
    """Turns random features into noise features: by 1x1 and, in parallel, by 3x3 convolutions; without biases."""

    def __init__(self, width: int, blocks: int):
        super().__init__()
        self.merge = _conv(width, width, 1)
        self.pipes = nn.ModuleList(
            nn.Sequential(*(_Residual(width, size, bias=False) for _ in range(blocks))) for size in (1, 3)
        )

    def forward(self, features: Tensor) -> Tensor:
        features = self.merge(features)
        return sum(pipe(features) for pipe in self.pipes)


class NoiseGenerator(nn.Module):
    """Noise for a clean image.

    Parameters
    ----------
    width : int
        Channels of the noise features.
    style : int
        Length of the random vector that stands for an image's shooting conditions.
    extractor, independent, dependent : int
        Residual blocks of the feature extractor and of each pipe of the two parts.
    """

    def __init__(self, width: int = 64, style: int = 32, extractor: int = 5, independent: int = 3, dependent: int = 2):
        super().__init__()
        self.width, self.style = width, style
        self.head = nn.Sequential(_conv(3, width), nn.PReLU(), _conv(width, 2 * width))
        self.merge = nn.Sequential(_conv(2 * width + style, 2 * width), nn.PReLU())
        self.extractor = nn.Sequential(*(_Residual(2 * width) for _ in range(extractor)))
        self.independent = _Pipes(width, independent)
        self.dependent = _Pipes(width, dependent)
        self.tail = _conv(width, 3, 1)
        with torch.no_grad():
            self.tail.weight.mul_(0.05)
            self.tail.bias.zero_()

    def forward(self, clean: Tensor, style: Tensor, normal: Tensor, uniform: Tensor) -> Tensor:
        """Noise to add to clean images.

        Parameters
        ----------
        clean : Tensor, shape (N, 3, H, W), range [0, 1]
        style : Tensor, shape (N, S)
            Standard normal, one vector an image.
        normal, uniform : Tensor, shape (N, width, H, W)
            Standard normal, and uniform in [0, 1).

        Returns
        -------
        Tensor, shape (N, 3, H, W)
        """
        maps = style[..., None, None].expand(-1, -1, *clean.shape[-2:])
        mean, spread = self.extractor(self.merge(torch.cat([self.head(clean), maps], dim=1))).chunk(2, dim=1)
        return self.tail(self.dependent(mean + F.relu(spread) * normal) + self.independent(uniform))


class Critic(nn.Sequential):
    """Rates every place of an image: (N, 3, H, W) to (N, 1, H, W), high for what looks like the target domain."""

    def __init__(self, width: int = 64, blocks: int = 6):
        residuals = (_Residual(width) for _ in range(blocks))
        super().__init__(_conv(3, width), nn.PReLU(), *residuals, _conv(width, 1))


def rating(places: Tensor) -> Tensor:
    """An image's rating (N,) from that of its places (N, 1, H, W): their sum."""
    return places.sum(dim=(1, 2, 3))


def gradient_penalty(critic: nn.Module, real: Tensor, made: Tensor, share: Tensor) -> Tensor:
    """How far the critic's slope between real and made images is from 1 (Gulrajani et al., NeurIPS 2017, Eq. 3).

    An image's rating is the sum over its places, as in the losses (`rating`).

    Parameters
    ----------
    critic : nn.Module
    real, made : Tensor, shape (N, 3, H, W)
    share : Tensor, shape (N, 1, 1, 1)
        Where on the line between the two, uniform in [0, 1).

    Returns
    -------
    Tensor, scalar
    """
    between = (share * real + (1 - share) * made).detach().requires_grad_()
    (slope,) = torch.autograd.grad(rating(critic(between)).sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


class C2N(Method):
    """Trains a noise generator against a critic, then the restorer on the generator's noise."""

    parts: ClassVar[frozenset[str]] = frozenset({"source", "target", "seed"})
    restores_pairs: ClassVar[bool] = False
    tasks: ClassVar[frozenset[str]] = frozenset({"denoising"})

    class Options(Section):
        """Settings of the paper and its authors' code."""

        head_start: int = Field(50_000, ge=0, description="steps in which the generator and its critic learn")
        learning_rate: float = Field(1e-4, gt=0, description="of the generator")
        critic_learning_rate: float = Field(1e-4, gt=0, description="of its critic")
        width: int = Field(64, ge=1, description="channels of the generator's noise features")
        style: int = Field(32, ge=1, description="length of the random vector of an image")
        extractor: int = Field(5, ge=0, description="residual blocks of the generator's feature extractor")
        independent: int = Field(3, ge=0, description="residual blocks of the part that does not see the image")
        dependent: int = Field(2, ge=0, description="residual blocks of the part that does")
        critic_width: int = Field(64, ge=1)
        critic_blocks: int = Field(6, ge=0)
        gradient_penalty: float = Field(10.0, ge=0, description="weight of the gradient penalty")
        zero_mean: float = Field(0.01, ge=0, description="weight of the loss that keeps the noise's mean at zero")
        residual: Freedom = Field("free", description="what the noise may be: also 'zero-mean' or 'high-pass'")
        softness: float = Field(
            0.0, ge=0, le=5, description="Gaussian blur of the clean pictures, standard deviation in pixels"
        )

    by_scale: ClassVar[dict[str, dict]] = {
        "pocket": {
            "head_start": 450, "learning_rate": 2e-5, "critic_learning_rate": 1e-3, "width": 12, "style": 8,
            "extractor": 1, "independent": 1, "dependent": 1, "critic_width": 16, "critic_blocks": 2,
            "residual": "zero-mean", "softness": 1.6,
        },
        "bench": {
            "head_start": 8000, "critic_learning_rate": 5e-4, "width": 32, "extractor": 3, "critic_width": 32,
            "critic_blocks": 4, "residual": "zero-mean", "softness": 1.6,
        },
    }  # fmt: skip

    def __init__(self, recipe: Recipe):
        super().__init__(recipe)
        options = self.options
        self.generator = NoiseGenerator(
            options.width, options.style, options.extractor, options.independent, options.dependent
        )
        self.critic = Critic(options.critic_width, options.critic_blocks)
        self.lay_out(torch.channels_last)

    @classmethod
    def length(cls, recipe: Recipe) -> Length:
        """Steps in which generator and critic learn, then those of the restorer."""
        head_start = recipe.options[recipe.method]["head_start"]
        return Length(head_start, head_start + recipe.training.max_steps)

    def extra_parameters(self) -> list[dict]:
        """The generator's and the critic's parameters at their learning rates."""
        networks = {
            "generator": (self.generator, self.options.learning_rate),
            "critic": (self.critic, self.options.critic_learning_rate),
        }
        return [
            {"name": name, "params": list(network.parameters()), "lr": rate, "betas": (0.5, 0.9)}
            for name, (network, rate) in networks.items()
        ]

    def noise(self, clean: Tensor, rng: RandomNumbers) -> Tensor:
        """Generated noise for clean images, of their shape."""
        place = (self.generator.width, *clean.shape[-2:])
        style, normal, uniform = rng.normal(self.generator.style), rng.normal(*place), rng.uniform(*place)
        return restrained(self.generator(clean, style, normal, uniform), self.options.residual)

    def losses(self, batch: Batch, step: int) -> dict[str, Tensor]:
        """In the head start the losses of generator and critic, then the restorer's L1 loss."""
        clean, rng = blurred(batch["clean"], self.options.softness), RandomNumbers(batch["seed"])
        if step < self.head_start:
            return self._adversarial(clean, batch["target"], rng)
        with torch.no_grad():
            noisy = clean + self.noise(clean, rng)
        return {"loss": F.l1_loss(self.restorer(noisy), clean)}

    def _adversarial(self, clean: Tensor, target: Tensor, rng: RandomNumbers) -> dict[str, Tensor]:
        noise = self.noise(clean, rng)
        made = clean + noise
        praise = rating(held(self.critic, made)).mean()
        zero_mean = noise.mean(dim=(0, 2, 3)).abs().sum()
        distance = (rating(self.critic(target)) - rating(self.critic(made.detach()))).mean()
        penalty = gradient_penalty(self.critic, target, made, rng.uniform(1, 1, 1))
        generator = -praise + self.options.zero_mean * zero_mean
        critic = -distance + self.options.gradient_penalty * penalty
        return {
            "loss": generator + critic,
            "generator": generator,
            "critic": critic,
            "wasserstein_distance": distance,
            "gradient_penalty": penalty,
            "zero_mean": zero_mean,
            "noise_std": noise.std(),
        }
