"""Diffusion processes: noise-space adaptation's schedule and conditions, and residual diffusion with its samplers."""

from workbench.diffusion.conditions import shuffle_channels, swap_residuals
from workbench.diffusion.mean_reverting import MeanRevertingSDE
from workbench.diffusion.residual_schedule import ResidualSchedule
from workbench.diffusion.schedule import NoiseSchedule

__all__ = ["MeanRevertingSDE", "NoiseSchedule", "ResidualSchedule", "shuffle_channels", "swap_residuals"]
