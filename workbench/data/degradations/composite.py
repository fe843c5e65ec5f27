"""Several degradations one after the other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Composite:
    """Degradations of one picture one after the other, each with its own options' defaults, as in CDD-11 [1]_.

    Parameters
    ----------
    parts : tuple of str
        Their names in `workbench.data.degradations.DEGRADATIONS`, in the order in which light meets them: what is done
        to the scene first.

    Raises
    ------
    ValueError
        If a part is not known, composite itself, or changes the reference.

    References
    ----------
    .. [1] Y. Guo, Y. Gao, Y. Lu, H. Zhu, R. W. Liu and S. He. OneRestore: a universal restoration framework for
           composite degradation. ECCV 2024.
    """

    parts: tuple[str, ...] = ("low-light", "haze")

    def __post_init__(self) -> None:
        from workbench.data.degradations import DEGRADATIONS  # which names this one

        for name in self.parts:
            kind = DEGRADATIONS.get(name)
            if kind is None or kind is Composite or hasattr(kind, "pair"):
                raise ValueError(f"parts: {name!r} cannot be one of several degradations")
        if not self.parts:
            raise ValueError("parts: name at least one degradation")

    @property
    def _made(self) -> list:
        from workbench.data.degradations import DEGRADATIONS

        return [DEGRADATIONS[name]() for name in self.parts]

    @property
    def margin(self) -> int:
        """How far all of them together look."""
        from workbench.data.degradations import margin_of

        return sum(map(margin_of, self._made))

    def __call__(self, clean: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Degrade one image; arguments and result as of `Degradation`, in [0, 1], to which each part is clipped."""
        degraded = clean
        for part in self._made:
            degraded = part(degraded, rng).clip(0, 1)
        return degraded
