"""What restores a picture: networks, a procedure and its options (docs/restorers.md)."""

from workbench.restorers.files import load_restorer, save_restorer
from workbench.restorers.kinds import KINDS, kind_of
from workbench.restorers.names import packaged
from workbench.restorers.passes import Made, Passes, StoppedError
from workbench.restorers.procedure import Options, Procedure
from workbench.restorers.restorer import Restorer, parse_options

__all__ = [
    "KINDS", "Made", "Options", "Passes", "Procedure", "Restorer", "StoppedError", "kind_of", "load_restorer",
    "packaged", "parse_options", "save_restorer",
]  # fmt: skip
