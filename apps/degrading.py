"""What is done to a clean photograph to have a reference."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real

import numpy as np
from PIL import Image as PillowImage

from workbench.data.camera import CAMERAS
from workbench.data.degradations import DEGRADATIONS, AdditiveWhiteGaussianNoise, build, degraded_pair, margin_of
from workbench.errors import WorkbenchError
from workbench.images import to_float, to_uint

MAX_PIXELS = 12_000_000
"""Larger photographs are degraded by AWGN alone: the simulated camera takes some 200 bytes a pixel, others as many."""

LEVELS = {
    **{f"poisson:peak={peak}": f"Poisson, {peak} photons for white" for peak in (26, 102, 283)},
    **{
        f"salt-and-pepper:density={share}": f"Salt and pepper, {share:.1%} of the pixels"
        for share in (0.014, 0.039, 0.154)
    },
}
"""The levels of the noises of DRDD's MNMD, as `workbench.evaluation.degraded.parse_degradation` takes them."""
KINDS = {
    "none": "None: as it is",
    "awgn": "Add AWGN",
    "camera": "Simulated camera",
    **{name: name.replace("-", " ").capitalize() for name in DEGRADATIONS if name != "awgn"},
    **LEVELS,
}
"""All kinds of degradation by name, and what the page calls them."""


@dataclass(frozen=True)
class Degradation:
    """What is done to a clean photograph to have a reference.

    Parameters
    ----------
    kind : str
        Key of `KINDS`: nothing, the simulated camera, or one of `workbench.data.degradations.DEGRADATIONS`, of a level
        that it draws or of one of `LEVELS`.
    sigma : float
        Standard deviation of the AWGN, in 8-bit units.
    camera : str
        Key of `workbench.data.camera.CAMERAS`.
    """

    kind: str = "none"
    sigma: float = 25.0
    camera: str = "standard"

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise WorkbenchError(f"degradation {self.kind!r} does not exist; choose one of {', '.join(KINDS)}")
        if not (isinstance(self.sigma, Real) and 0 <= self.sigma <= 100):
            raise WorkbenchError(f"sigma {self.sigma!r}: choose a noise level from 0 to 100")
        if self.camera not in CAMERAS:
            raise WorkbenchError(f"camera {self.camera!r} does not exist; choose one of {', '.join(CAMERAS)}")

    def __str__(self) -> str:
        special = {"awgn": f"AWGN, sigma {self.sigma:g}", "camera": f"simulated camera, {self.camera}"}
        return special.get(self.kind) or LEVELS.get(self.kind, self.kind.replace("-", " "))

    @property
    def reference(self) -> str:
        """What the reference is, in words."""
        if self.kind == "camera":
            return "the simulated camera's noise-free twin"
        return "the softened photo" if hasattr(DEGRADATIONS.get(self.kind), "pair") else "the photo"

    def __call__(self, photo: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Degrade a clean photograph (H, W, 3), always in the same way.

        Returns
        -------
        degraded, reference : ndarray
            Of the photograph's size, float32, AWGN not clipped, as in training; the picture is mirrored where a
            degradation looks beyond its border. The simulated camera photographs the picture reduced by its own
            enlargement, so that the size stays nearly the same, and its noise-free twin is the reference.
        """
        rng = np.random.default_rng(0)
        if self.kind == "awgn":
            return AdditiveWhiteGaussianNoise((self.sigma, self.sigma))(to_float(photo), rng), photo
        if photo.shape[0] * photo.shape[1] > MAX_PIXELS:
            raise WorkbenchError(
                f"this degradation takes pictures of up to {MAX_PIXELS // 1_000_000} megapixels; shrink the photo or"
                " use AWGN"
            )
        if self.kind == "camera":
            return self._shoot(photo, rng)
        from workbench.evaluation.degraded import parse_degradation

        degradation = build(*parse_degradation(self.kind))
        margin = margin_of(degradation)
        mirrored = np.pad(to_float(photo), ((margin, margin), (margin, margin), (0, 0)), mode="symmetric")
        clean, degraded = degraded_pair(degradation, mirrored, rng)
        return degraded, clean if hasattr(degradation, "pair") else photo

    def _shoot(self, photo: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        camera = CAMERAS[self.camera]
        if min(photo.shape[:2]) < 8 * camera.enlargement:
            raise WorkbenchError("the photo is too small for the simulated camera; use AWGN")
        scene = PillowImage.fromarray(to_uint(to_float(photo)) if photo.dtype != np.uint8 else photo)
        return camera.shoot(np.asarray(scene.reduce(camera.enlargement)), rng)
