"""The diffusion process: noise schedule and the handling of its conditions."""

from workbench.diffusion.conditions import shuffle_channels, swap_residuals
from workbench.diffusion.schedule import NoiseSchedule

__all__ = ["NoiseSchedule", "shuffle_channels", "swap_residuals"]
