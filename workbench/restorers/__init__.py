"""What restores a picture: networks, a procedure and its options (docs/restorers.md).

The names below are imported when they are first used: where restorers are, and what their cards say, needs no torch.
"""

from typing import TYPE_CHECKING

from workbench.lazily import lazily
from workbench.restorers.names import packaged

if TYPE_CHECKING:
    from workbench.restorers.files import load_restorer, save_restorer
    from workbench.restorers.kinds import KINDS, kind_of
    from workbench.restorers.passes import Made, Passes, StoppedError
    from workbench.restorers.procedure import Options, Procedure
    from workbench.restorers.restorer import Restorer, parse_options

__all__ = [
    "KINDS", "Made", "Options", "Passes", "Procedure", "Restorer", "StoppedError", "kind_of", "load_restorer",
    "packaged", "parse_options", "save_restorer",
]  # fmt: skip


__getattr__ = lazily(
    __name__,
    {
        "workbench.restorers.files": ("load_restorer", "save_restorer"),
        "workbench.restorers.kinds": ("KINDS", "kind_of"),
        "workbench.restorers.passes": ("Made", "Passes", "StoppedError"),
        "workbench.restorers.procedure": ("Options", "Procedure"),
        "workbench.restorers.restorer": ("Restorer", "parse_options"),
    },
)
