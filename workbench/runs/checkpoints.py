"""Checkpoints on disk, two generations of them, and snapshots: each with a checksum.

A checkpoint's stands at the end of the file, as the comment that a zip archive may have, so that the file remains what
``torch.load`` reads. Checkpoints of before have none; the sums that the zip archive keeps of its parts are looked at.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import struct
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.files import replacing, write_bytes

if TYPE_CHECKING:
    from torch import Tensor

_MARK = b"sha256:"
_COMMENT = len(_MARK) + hashlib.sha256().digest_size * 2
_CHUNK = 1 << 20
WHOLE = ("state_dict", "global_step", "optimizer_states", "lr_schedulers", "loops")
"""What Lightning needs to go on."""


def previous(path: Path) -> Path:
    """Where the checkpoint before the newest one lies."""
    return path.with_name("previous.ckpt")


def write_checkpoint(path: Path, content: dict) -> None:
    """Write a checkpoint; the one that was there becomes the previous one.

    Raises
    ------
    CannotWrite
        What was there is kept.
    """
    import torch

    buffer = io.BytesIO()
    torch.save(content, buffer)
    archive = buffer.getbuffer()
    # The last two bytes of an archive without a comment are the length of the comment
    archive[-2:] = struct.pack("<H", _COMMENT)
    digest = hashlib.sha256(archive).hexdigest()
    with replacing(path) as file:
        file.write(archive)
        file.write(_MARK + digest.encode())
        _keep_previous(path)


def read_checkpoint(path: Path, keys: tuple[str, ...] = ("state_dict",)) -> dict:
    """Read a checkpoint to the CPU; nothing is unpickled but tensors and plain values.

    Parameters
    ----------
    path : Path
    keys : tuple of str
        What must be in it.

    Raises
    ------
    WorkbenchError
        It is missing or damaged, if only by a bit.
    """
    import torch

    try:
        _verify(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
        if missing := [key for key in keys if key not in content]:
            raise KeyError(missing[0])
        return content
    except FileNotFoundError:
        raise WorkbenchError(f"{path}: missing; train the run first") from None
    except Exception as error:  # whatever a damaged file makes zipfile, torch and pickle say
        raise WorkbenchError(f"{path}: not a readable checkpoint (damaged, or not one of the workbench)") from error


def write_snapshot(path: Path, state: dict[str, Tensor]) -> None:
    """Write weights as safetensors, with a checksum of the tensors beside them in the file.

    Raises
    ------
    CannotWrite
    """
    from safetensors.torch import save

    digest = hashlib.sha256(_tensors(save(state))).hexdigest()
    write_bytes(path, save(state, {"sha256": digest}))


def read_snapshot(path: Path) -> dict[str, Tensor]:
    """Read weights that `write_snapshot` wrote; those of before have no checksum.

    Raises
    ------
    WorkbenchError
        They are damaged.
    """
    from safetensors.torch import load

    try:
        content = path.read_bytes()
        state = load(content)
        described = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")]).get("__metadata__", {})
        if described.get("sha256") not in (None, hashlib.sha256(_tensors(content)).hexdigest()):
            raise ValueError("the checksum is another")
        return state
    except Exception as error:  # whatever a damaged file makes safetensors and json say
        raise WorkbenchError(f"{path}: not a readable snapshot (damaged, or not one of the workbench)") from error


def _tensors(content: bytes) -> memoryview:
    """What follows the header of a safetensors file, whose length its first eight bytes tell."""
    return memoryview(content)[8 + int.from_bytes(content[:8], "little") :]


def _keep_previous(path: Path) -> None:
    """Give the checkpoint that is there a second name, for it is about to be replaced."""
    if not path.exists():
        return
    # A name more, not another: at no moment is there no newest checkpoint
    name = path.with_name(".previous.unfinished")
    name.unlink(missing_ok=True)
    try:
        os.link(path, name)
    except OSError:  # file systems without hard links
        with replacing(name) as copy, path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                copy.write(chunk)
    os.replace(name, previous(path))


def _verify(path: Path) -> None:
    """Raise unless the file is as it was written."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _COMMENT))
        comment = file.read()
        if comment.startswith(_MARK):
            file.seek(0)
            digest, left = hashlib.sha256(), size - _COMMENT
            while left:
                chunk = file.read(min(_CHUNK, left))
                digest.update(chunk)
                left -= len(chunk)
            if comment != _MARK + digest.hexdigest().encode():
                raise ValueError("the checksum is another")
            return
    with contextlib.closing(zipfile.ZipFile(path)) as archive:
        if (damaged := archive.testzip()) is not None:
            raise ValueError(f"{damaged} is damaged")
