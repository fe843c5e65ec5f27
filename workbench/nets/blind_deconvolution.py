"""Restorers without learned weights: blind deconvolution of each image by itself, with deep priors.

The saved weights are nothing but the random start of the two generators, from which every image is optimised anew. So
restoring is the cost: ``steps`` times a pass through the image generator, there and back, over the whole image,
hundreds to thousands of times that of a trained restorer. A bar on stderr shows how far an image is.

Both models hold that one kernel blurs the whole image, evenly in all colours, in the values as they are stored. An
image that is restored in tiles has a kernel for each tile, and seams where these disagree.
"""

from __future__ import annotations

import copy
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from workbench.errors import WorkbenchError
from workbench.nets.unet import Window
from workbench.progress import progress_bar

# Shares of the steps at which both learning rates are halved (2000, 3000 and 4000 of 5000).
_HALVINGS = (0.4, 0.6, 0.8)
_KERNEL_INPUTS = 200
_SSIM_RADIUS = 5


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
    steps : int
        Steps of optimisation for each image; the paper's are 5000.
    kernel_size : int
        Side of the kernel in pixels, odd; must hold the blur.
    width, skip, levels, inputs : int
        Size of the image generator and channels of its noise (`ImageGenerator`).
    hidden : int
        Width of the kernel generator's hidden layer.
    image_learning_rate, kernel_learning_rate : float
    """

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
        self.steps, self.kernel_size, self.levels, self.inputs = steps, kernel_size, levels, inputs
        self.learning_rates = image_learning_rate, kernel_learning_rate
        self.image_generator = ImageGenerator(inputs, self.outputs, width, skip, levels)
        self.kernel_generator = nn.Sequential(
            nn.Linear(_KERNEL_INPUTS, hidden), nn.ReLU6(), nn.Linear(hidden, kernel_size**2), nn.Softmax(dim=0)
        )

    @property
    def halo(self) -> int:
        """Pixels of surroundings that a tile is given."""
        return self.kernel_size

    def forward(self, degraded: Tensor, window: Window | None = None) -> Tensor:
        """Deblur each image by itself.

        Parameters
        ----------
        degraded : Tensor, shape (N, 3, H, W), range [0, 1]
        window : Window, optional
            Ignored: a tile is deblurred as an image of its own.

        Returns
        -------
        Tensor, shape (N, 3, H, W)

        Raises
        ------
        WorkbenchError
            In training mode: there is nothing to be learned over images.
        """
        if self.training:
            raise WorkbenchError("a per-image restorer learns nothing over images; use --method selfdeblur or vdip")
        # The optimisation needs gradients, wherever it is called from.
        with torch.inference_mode(False), torch.enable_grad():
            return torch.cat([self._deblurred(image[None].detach().clone().float()) for image in degraded])

    def estimate(self, blurred: Tensor) -> tuple[Tensor, Tensor]:
        """Optimise both generators for one image.

        Parameters
        ----------
        blurred : Tensor, shape (1, 3, H, W), range [0, 1]
            Sides of at least ``2 ** (levels + 1)``, and wider than SSIM's window reaches.

        Returns
        -------
        image : Tensor, shape (1, 3, H + K - 1, W + K - 1)
            The sharp image with the surroundings that blur into the blurred one; K is ``kernel_size``.
        kernel : Tensor, shape (K, K)
        """
        device, margin = blurred.device, self.kernel_size - 1
        height, width = blurred.shape[-2:]
        rng = torch.Generator().manual_seed(0)
        place = 0.1 * torch.rand(1, self.inputs, height + margin, width + margin, generator=rng).to(device)
        code = 0.1 * torch.rand(_KERNEL_INPUTS, generator=rng).to(device)
        generators = [copy.deepcopy(each).requires_grad_() for each in (self.image_generator, self.kernel_generator)]
        make_image, make_kernel = generators
        optimizer = torch.optim.Adam(
            [
                {"params": each.parameters(), "lr": rate}
                for each, rate in zip(generators, self.learning_rates, strict=True)
            ]
        )
        halvings = [round(share * self.steps) for share in _HALVINGS]
        schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, halvings, gamma=0.5)

        def made() -> tuple[Tensor, Tensor]:
            return make_image(place + self._jitter(place, rng)), make_kernel(code).view(self.kernel_size, -1)

        def follow(loss: Tensor) -> None:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

        total = self._preparation + self.steps
        bar = progress_bar(total, f"{type(self).__name__} {width}x{height}", "step")
        bar.leave = False
        with bar:
            for _ in range(self._preparation):
                follow(self._preparation_loss(*made(), blurred))
                bar.update()
            for step in range(self.steps):
                follow(self._loss(*made(), blurred, step, rng))
                schedule.step()
                bar.update()
        with torch.no_grad():
            return make_image(place)[:, :3], make_kernel(code).view(self.kernel_size, -1)

    def _deblurred(self, blurred: Tensor) -> Tensor:
        height, width = blurred.shape[-2:]
        least = max(2 ** (self.levels + 1), _SSIM_RADIUS + 1)
        pad = (0, max(least - width, 0), 0, max(least - height, 0))
        image, kernel = self.estimate(F.pad(blurred, pad, mode="replicate"))
        top, left = centroid(kernel)
        return image[..., top : top + height, left : left + width]

    _preparation = 0

    def _jitter(self, place: Tensor, rng: torch.Generator) -> Tensor:
        """Noise on the generator's input, which regularises it."""
        return 0.001 * torch.randn(place.shape, generator=rng).to(place.device)

    def _loss(self, made: Tensor, kernel: Tensor, blurred: Tensor, step: int, rng: torch.Generator) -> Tensor:
        again = reblur(made, kernel)
        return F.mse_loss(again, blurred) if step < 0.1 * self.steps else structural_dissimilarity(again, blurred)


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

    @property
    def _preparation(self) -> int:
        return round(0.1 * self.steps)

    def _jitter(self, place: Tensor, rng: torch.Generator) -> Tensor:
        return torch.zeros_like(place)

    def _preparation_loss(self, made: Tensor, kernel: Tensor, blurred: Tensor) -> Tensor:
        edge = self.kernel_size // 2
        inner = made[..., edge : edge + blurred.shape[-2], edge : edge + blurred.shape[-1]]
        even = torch.full_like(kernel, 1 / kernel.numel())
        return F.mse_loss(inner, torch.cat([blurred, torch.zeros_like(blurred)], dim=1)) + F.mse_loss(kernel, even)

    def _loss(self, made: Tensor, kernel: Tensor, blurred: Tensor, step: int, rng: torch.Generator) -> Tensor:
        mean, deviation = made.chunk(2, dim=1)
        if step >= 0.4 * self.steps:
            return structural_dissimilarity(reblur(mean, kernel), blurred)
        drawn = torch.randn(mean.shape, generator=rng).to(mean.device)
        error = expected_error(reblur(mean + deviation * drawn, kernel), blurred) / mean.numel()
        return error + 0.1 * 0.1 ** (step * 5 // self.steps) * divergence(mean, deviation, kernel)


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
