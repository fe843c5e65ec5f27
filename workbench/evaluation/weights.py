"""Files that metrics rest on and that packages do not ship: backbones, and what they were fitted to.

Such a file comes, in this order, from the folder named by ``WORKBENCH_WEIGHTS``, from torch's cache of downloads, or
from the network, once. Nothing is unpickled: archives of plain arrays, and checkpoints of tensors alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
import time
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.files import CannotWrite, make_folder, write_bytes

if TYPE_CHECKING:
    from torch import Tensor

WEIGHTS_VARIABLE = "WORKBENCH_WEIGHTS"
ANSWER_SECONDS = 6
DOWNLOAD_SECONDS = 600

_log = logging.getLogger(__name__)


class WeightsError(Exception):
    """A file is missing or damaged; the message says which and why."""


def read_archive(name: str) -> dict[str, Tensor] | None:
    """The arrays of a file in the folder of weights; None without such a folder or file.

    Raises
    ------
    WeightsError
        It is damaged.
    """
    import numpy as np
    import torch

    path = _own(name)
    if path is None:
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: torch.from_numpy(archive[key]) for key in archive.files}
    except Exception as error:  # whatever a damaged file makes the reader raise
        raise WeightsError(f"{path} is damaged or no archive of plain arrays; replace it") from error


def read_checkpoint(
    url: str, label: str, metric: str, archive: str | None = None, download: bool = True
) -> Mapping[str, Tensor]:
    """The tensors of a checkpoint that is downloaded once.

    Parameters
    ----------
    url : str
        Where it is; its SHA-256 begins with the hexadecimal digits after the last ``-`` of its name, if it has some.
    label, metric : str
        What it holds and who needs it, for people.
    archive : str, optional
        The file of plain arrays that will do in its place (`read_archive`); if None, the checkpoint itself is looked
        for in the folder of weights.
    download : bool
        Whether it may be fetched if it is not on this machine.

    Raises
    ------
    WeightsError
        It cannot be had.
    """
    import torch

    name = Path(url.partition("?")[0]).name
    path = (None if archive else _own(name)) or Path(torch.hub.get_dir(), "checkpoints", name)
    folder = f"{WEIGHTS_VARIABLE} to a folder that holds {archive or name}"
    if not path.is_file() and not download:
        raise WeightsError(
            f"the {label} are not on this machine; `workbench evaluate` fetches them once, or set {folder}"
        )
    if not path.is_file():
        try:
            _download(url, path, metric)
        except (OSError, HTTPException, CannotWrite) as error:
            raise WeightsError(
                f"the {label} are not on this machine and downloading them failed"
                f" ({getattr(error, 'reason', None) or error}); set {folder}, or put {name} into {path.parent}"
            ) from error
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # as above
        raise WeightsError(f"{path} is damaged; delete it and try again") from error


def _own(name: str) -> Path | None:
    """A file in the folder of weights, if there are such a folder and file."""
    folder = os.environ.get(WEIGHTS_VARIABLE)
    path = Path(folder or "", name)
    return path if folder and path.is_file() else None


def _download(url: str, target: Path, metric: str) -> None:
    """Fetch a file and check it by the digits in its name; OSError, HTTPException or CannotWrite if that fails."""
    deadline = time.monotonic() + DOWNLOAD_SECONDS
    content = bytearray()
    with _connect(url) as response:
        _log.warning("Downloading %s for %s, once, to %s", url, metric, target)
        while chunk := response.read(1 << 20):
            content += chunk
            if time.monotonic() > deadline:
                raise TimeoutError(f"not done after {DOWNLOAD_SECONDS} s")
    digits = re.search(r"-([0-9a-f]{8,})$", target.stem)
    if digits and not hashlib.sha256(content).hexdigest().startswith(digits[1]):
        raise OSError("the file arrived damaged")
    make_folder(target.parent)
    write_bytes(target, content)


def _connect(url: str):
    """Open a URL within ``ANSWER_SECONDS``, looking up the name included, for which sockets have no time limit."""
    outcome = []

    def connect():
        try:
            outcome.append(urllib.request.urlopen(url, timeout=ANSWER_SECONDS))
        except Exception as error:
            outcome.append(error)

    thread = threading.Thread(target=connect, daemon=True)
    thread.start()
    thread.join(ANSWER_SECONDS)
    if not outcome:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS} s")
    if isinstance(outcome[0], Exception):
        raise outcome[0]
    return outcome[0]
