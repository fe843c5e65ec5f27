"""De-IRSDE: IR-SDE taken apart into two stages (Lin et al., arXiv:2606.01048, A.4), in the reading of this workbench.

There is no code, and the printed second stage still gathers noise. Read as the text has it (see
`workbench.diffusion.mean_reverting.decoupled_mean_reverting`) the two stages are those of DRDD under IR-SDE's table, so
this is `workbench.methods.drdd` with that table, IR-SDE's low level of noise and its number of steps.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from workbench.methods.drdd import Drdd


class DeIrSde(Drdd):
    """DRDD's two networks under IR-SDE's table."""

    class Options(Drdd.Options):
        """As of DRDD."""

        schedule: Literal["mean-reverting"] = "mean-reverting"
        level: float = Field(20 / 255, gt=0, le=10, description="of the noise, on images in [-1, 1]: sigma 10 of 255")
