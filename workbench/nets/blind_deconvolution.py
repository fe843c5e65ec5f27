"""Networks without learned weights for the blind deconvolution of each image by itself, with deep priors.

The saved weights are nothing but the random start of the two generators, from which every image is optimised anew, by
`workbench.restorers.per_image`. Both models hold that one kernel blurs the whole image, evenly in all colours, in the
values as they are stored.
"""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.nets.unet import Window

KERNEL_INPUTS = 200
SSIM_RADIUS = 5


def _block(before: int, after: int, size: int, stride: int = 1) -> nn.Sequential:
    # With one image a batch, instance normalisation is what the papers' batch normalisation comes to.
    return nn.Sequential(
        nn.Conv2d(before, after, size, stride, padding=size // 2, padding_mode="replicate"),
        nn.InstanceNorm2d(after, affine=True),
        nn.LeakyReLU(0.2),
    )


class ImageGenerator(nn.Module):
    """Encoder and decoder with narrow skips, the deep image prior (Ulyanov et al., CVPR 2018): noise to an image.

    Parameters
    ----------
    inputs, outputs : int
        Channels of the noise and of what is generated, in [0, 1].
    width, skip, levels : int
        Channels, channels of the skips, and how often the sides are halved.
    """

    def __init__(self, inputs: int, outputs: int, width: int, skip: int, levels: int):
        super().__init__()
        widths = [inputs] + [width] * levels
        self.down = nn.ModuleList(
            nn.Sequential(_block(before, width, 3, stride=2), _block(width, width, 3)) for before in widths[:-1]
        )
        self.skips = nn.ModuleList(_block(before, skip, 1) for before in widths[:-1])
        self.up = nn.ModuleList(
            nn.Sequential(
                nn.InstanceNorm2d(width + skip, affine=True), _block(width + skip, width, 3), _block(width, width, 1)
            )
            for _ in range(levels)
        )
        self.last = nn.Conv2d(width, outputs, 1)

    def forward(self, noise: Tensor) -> Tensor:
        """(1, inputs, H, W) to (1, outputs, H, W)."""
        features, kept = noise, []
        for down, skip in zip(self.down, self.skips, strict=True):
            kept.append(skip(features))
            features = down(features)
        for up in self.up:
            beside = kept.pop()
            features = F.interpolate(features, size=beside.shape[-2:], mode="bilinear", align_corners=False)
            features = up(torch.cat([features, beside], dim=1))
        return torch.sigmoid(self.last(features))


def reblur(image: Tensor, kernel: Tensor) -> Tensor:
    """Each colour of (1, C, H + K - 1, W + K - 1) under the kernel (K, K) where it lies wholly inside: (1, C, H, W)."""
    return F.conv2d(image.transpose(0, 1), kernel[None, None]).transpose(0, 1)


def centroid(kernel: Tensor) -> tuple[int, int]:
    """The pixel (row, column) nearest to the centre of mass of a kernel (K, K) of sum 1."""
    places = torch.arange(len(kernel), device=kernel.device, dtype=kernel.dtype)
    return round(float(kernel.sum(1) @ places)), round(float(kernel.sum(0) @ places))


def structural_dissimilarity(image: Tensor, reference: Tensor) -> Tensor:
    """1 - SSIM of images (N, C, H, W) in [0, 1], with a Gaussian window (sigma 1.5)."""
    from torchmetrics.functional.image import structural_similarity_index_measure  # slow to import

    return 1 - structural_similarity_index_measure(image, reference, data_range=1.0)


class SelfDeblur(nn.Module):
    """SelfDeblur (Ren et al., CVPR 2020): one generator makes a sharp image, another the kernel that blurs it.

    Both are optimised until the sharp image under the kernel is the blurred one: by the mean squared error for the
    first tenth of the steps, by 1 - SSIM after it. The learning rates are halved three times. The kernel generator ends
    in a softmax, so the kernel is positive and of sum 1. The defaults are the authors'.

    Differing from their code: the generator makes all three colours, not luma alone; the schedule is in shares of the
    steps; and since a kernel may lie off its centre while the sharp image lies off the other way, the image is
    cut out where the kernel's centre of mass says.

    Parameters
    ----------
    steps, image_learning_rate, kernel_learning_rate
        Options of the procedure that go with this size (`workbench.restorers.per_image.PerImage`).
    kernel_size : int
        Side of the kernel in pixels, odd; must hold the blur.
    width, skip, levels, inputs : int
        Size of the image generator and channels of its noise (`ImageGenerator`).
    hidden : int
        Width of the kernel generator's hidden layer.
    """

    kind: ClassVar[str] = "per-image"
    outputs: ClassVar[int] = 3
    multiple: ClassVar[int] = 1

    def __init__(
        self,
        steps: int = 5000,
        kernel_size: int = 31,
        width: int = 128,
        skip: int = 16,
        levels: int = 5,
        inputs: int = 8,
        hidden: int = 1000,
        image_learning_rate: float = 1e-2,
        kernel_learning_rate: float = 1e-4,
    ):
        super().__init__()
        if kernel_size < 1 or kernel_size % 2 == 0 or min(steps, width, skip, levels, inputs, hidden) < 1:
            raise ValueError("kernel_size must be odd, and all sizes and steps positive")
        self.kernel_size, self.levels, self.inputs = kernel_size, levels, inputs
        self.options = {
            "steps": steps, "image_learning_rate": image_learning_rate, "kernel_learning_rate": kernel_learning_rate,
        }  # fmt: skip
        self.image_generator = ImageGenerator(inputs, self.outputs, width, skip, levels)
        self.kernel_generator = nn.Sequential(
            nn.Linear(KERNEL_INPUTS, hidden), nn.ReLU6(), nn.Linear(hidden, kernel_size**2), nn.Softmax(dim=0)
        )

    @property
    def halo(self) -> int:
        """Pixels of surroundings that a tile is given."""
        return self.kernel_size

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Nothing: there is no pass that restores.

        Raises
        ------
        WorkbenchError
        """
        raise WorkbenchError("a per-image restorer learns nothing over images; use --method selfdeblur or vdip")

    def generate(self, place: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        """What the generators make of their inputs.

        Parameters
        ----------
        place : Tensor, shape (1, inputs, H, W)
        code : Tensor, shape (200,)

        Returns
        -------
        made : Tensor, shape (1, outputs, H, W)
            The sharp image comes first.
        kernel : Tensor, shape (K, K)
        """
        return self.image_generator(place), self.kernel_generator(code).view(self.kernel_size, -1)

    def jittered(self, place: Tensor, rng: torch.Generator) -> Tensor:
        """The image generator's input with noise, which regularises it."""
        return place + 0.001 * torch.randn(place.shape, generator=rng).to(place.device)

    def preparation(self, steps: int) -> int:
        """Steps that come before the ``steps`` themselves."""
        return 0

    def preparation_loss(self, made: Tensor, kernel: Tensor, blurred: Tensor) -> Tensor:
        """What those steps minimise."""
        raise NotImplementedError

    def loss(
        self, made: Tensor, kernel: Tensor, blurred: Tensor, step: int, steps: int, rng: torch.Generator
    ) -> Tensor:
        """What step ``step`` of ``steps`` minimises, for what `generate` made of a blurred image (1, 3, H, W)."""
        again = reblur(made, kernel)
        return F.mse_loss(again, blurred) if step < 0.1 * steps else structural_dissimilarity(again, blurred)


def _differences(images: Tensor) -> tuple[Tensor, Tensor]:
    """Differences to the neighbour below and to the right."""
    return images.diff(dim=-2), images.diff(dim=-1)


class Vdip(SelfDeblur):
    """VDIP (Huo et al., AAAI 2023): SelfDeblur with a distribution for every pixel and a sparse prior of its gradients.

    The image generator makes a mean and a standard deviation. For a tenth of the steps (in addition to ``steps``) they
    are brought to the blurred image and zero, the kernel to an even one. Then the evidence lower bound is maximised:
    the expected error of the sampled image under the kernel, of its first and of its second differences, against the
    entropy of the pixels, the sparse prior of their gradients, in its variational form, and a normal prior of the
    kernel. The priors' weight falls tenfold at every fifth of the steps. From 40 % of the steps on, the mean alone
    follows 1 - SSIM. The defaults are the authors', as is everything but what `SelfDeblur` says.

    The authors' code has a further term, the error of the gradients under the kernel. It equals that of the first
    differences, for convolution and difference commute; here that one counts twice.
    """

    outputs: ClassVar[int] = 6

    def __init__(self, steps: int = 5000, inputs: int = 3, **settings):
        super().__init__(steps=steps, inputs=inputs, **settings)

    def preparation(self, steps: int) -> int:
        """A tenth of the steps."""
        return round(0.1 * steps)

    def jittered(self, place: Tensor, rng: torch.Generator) -> Tensor:
        """The input as it is."""
        return place

    def preparation_loss(self, made: Tensor, kernel: Tensor, blurred: Tensor) -> Tensor:
        """The distance of mean and deviation from the blurred image and zero, and of the kernel from an even one."""
        edge = self.kernel_size // 2
        inner = made[..., edge : edge + blurred.shape[-2], edge : edge + blurred.shape[-1]]
        even = torch.full_like(kernel, 1 / kernel.numel())
        return F.mse_loss(inner, torch.cat([blurred, torch.zeros_like(blurred)], dim=1)) + F.mse_loss(kernel, even)

    def loss(
        self, made: Tensor, kernel: Tensor, blurred: Tensor, step: int, steps: int, rng: torch.Generator
    ) -> Tensor:
        """The negative evidence lower bound, later 1 - SSIM of the mean; as of `SelfDeblur.loss`."""
        mean, deviation = made.chunk(2, dim=1)
        if step >= 0.4 * steps:
            return structural_dissimilarity(reblur(mean, kernel), blurred)
        drawn = torch.randn(mean.shape, generator=rng).to(mean.device)
        error = expected_error(reblur(mean + deviation * drawn, kernel), blurred) / mean.numel()
        return error + 0.1 * 0.1 ** (step * 5 // steps) * divergence(mean, deviation, kernel)


def expected_error(again: Tensor, blurred: Tensor) -> Tensor:
    """The negative log likelihood of VDIP: squared errors of values, first and second differences, summed."""
    residual = again - blurred
    first = _differences(residual)
    second = [each for one in first for each in _differences(one)]
    # 1/2, 1/4 (twice, see `Vdip`) and 1/8
    return (
        residual.square().sum() / 2
        + sum(each.square().sum() for each in first) / 2
        + sum(each.square().sum() for each in second) / 8
    )


def divergence(mean: Tensor, deviation: Tensor, kernel: Tensor) -> Tensor:
    """What VDIP's posterior of image and kernel differs from its priors by, up to a constant.

    Parameters
    ----------
    mean, deviation : Tensor, shape (1, 3, H, W)
        Of every pixel.
    kernel : Tensor, shape (K, K)

    Returns
    -------
    Tensor, scalar
        The mean over pixels, but for the kernel's term, whose weight is that of the authors' code.
    """
    down, right = (change.square() for change in _differences(mean))
    variance = deviation.square()
    down = down + variance[..., 1:, :] + variance[..., :-1, :]
    right = right + variance[..., 1:] + variance[..., :-1]
    # The prior's own variance of a gradient is at its best where it is the gradient's expected square: then held.
    prior = sum((square / (square.detach() + 1e-6)).mean() for square in (down, right)) / 4
    return prior - deviation.clamp_min(1e-30).log().mean() + 5 * kernel.square().sum()
