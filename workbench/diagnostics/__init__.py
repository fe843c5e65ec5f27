"""What adaptation did to a restorer and what its diffusion network reads, as arrays and numbers.

Pure functions take tensors; thin helpers take a run or a trained method. See docs/diagnostics.md. The names below are
imported when they are first used: recordings are read without torch.
"""

from typing import TYPE_CHECKING

from workbench.lazily import lazily

if TYPE_CHECKING:
    from workbench.diagnostics.dynamics import training_dynamics
    from workbench.diagnostics.gradients import gradient_shares, target_gradient_spectrum, target_pull, training_batch
    from workbench.diagnostics.held_out import ProbeImages, probe_images, restore_both
    from workbench.probes.condition_quality import BANDS, condition_quality
    from workbench.probes.corruptions import CORRUPTIONS, Corruption
    from workbench.probes.noise_prediction import NoisePredictor, noise_errors, predict
    from workbench.probes.reliance import REPLACEMENTS, positional_reliance, reliance
    from workbench.probes.spectra import (
        detail_and_noise,
        high_frequency_ratio,
        radial_spectrum,
        residual_statistics,
        spectrum,
    )
    from workbench.probes.stages import Stage, stage

__all__ = [
    "BANDS",
    "CORRUPTIONS",
    "REPLACEMENTS",
    "Corruption",
    "NoisePredictor",
    "ProbeImages",
    "Stage",
    "condition_quality",
    "detail_and_noise",
    "gradient_shares",
    "high_frequency_ratio",
    "noise_errors",
    "positional_reliance",
    "predict",
    "probe_images",
    "radial_spectrum",
    "reliance",
    "residual_statistics",
    "restore_both",
    "spectrum",
    "stage",
    "target_gradient_spectrum",
    "target_pull",
    "training_batch",
    "training_dynamics",
]


__getattr__ = lazily(
    __name__,
    {
        "workbench.diagnostics.dynamics": ("training_dynamics",),
        "workbench.diagnostics.gradients": (
            "gradient_shares",
            "target_gradient_spectrum",
            "target_pull",
            "training_batch",
        ),
        "workbench.diagnostics.held_out": ("ProbeImages", "probe_images", "restore_both"),
        "workbench.probes.condition_quality": ("BANDS", "condition_quality"),
        "workbench.probes.corruptions": ("CORRUPTIONS", "Corruption"),
        "workbench.probes.noise_prediction": ("NoisePredictor", "noise_errors", "predict"),
        "workbench.probes.reliance": ("REPLACEMENTS", "positional_reliance", "reliance"),
        "workbench.probes.spectra": (
            "detail_and_noise",
            "high_frequency_ratio",
            "radial_spectrum",
            "residual_statistics",
            "spectrum",
        ),
        "workbench.probes.stages": ("Stage", "stage"),
    },
)
