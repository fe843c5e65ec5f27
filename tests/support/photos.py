"""Pictures made of random numbers."""

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812


def photo(height=40, width=52, seed=0):
    """Smooth colours: an image whose SSIM with a noisy copy is neither 0 nor 1."""
    rng = np.random.default_rng(seed)
    small = torch.from_numpy(rng.random((1, 3, 5, 6), dtype=np.float32))
    return F.interpolate(small, size=(height, width), mode="bicubic")[0].permute(1, 2, 0).clamp(0, 1).numpy()


def noisy(image, sigma=0.1, seed=1):
    return np.clip(image + np.random.default_rng(seed).normal(0, sigma, image.shape), 0, 1).astype(np.float32)


def flat(value, side=128):
    """An even picture, (side, side, 3) float32."""
    return np.full((side, side, 3), value, np.float32)
