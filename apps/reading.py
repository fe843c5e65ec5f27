"""Photographs that people bring: read unless they are too large."""

from __future__ import annotations

import warnings
from pathlib import Path

from PIL import Image as PillowImage

from workbench.errors import WorkbenchError
from workbench.images import Image, read_image

MAX_PIXELS = 60_000_000
"""Larger photographs are refused."""


def check_size(path: Path) -> None:
    """Refuse an image that is too large, which its header tells; the message names the file without its folder."""
    try:
        with warnings.catch_warnings(action="ignore"), PillowImage.open(path) as header:
            pixels = header.width * header.height
    except Exception:
        return  # read_image knows how to say what is wrong with it
    if pixels > MAX_PIXELS:
        raise WorkbenchError(
            f"{path.name}: {pixels / 1e6:.0f} megapixels are too many for the app (at most"
            f" {MAX_PIXELS // 1_000_000}); shrink it, or use `workbench restore`"
        )


def read_photo(path: Path) -> Image:
    """Read an image unless it is too large; errors name the file without its folder."""
    check_size(path)
    try:
        return read_image(path)
    except WorkbenchError as error:
        raise WorkbenchError(str(error).replace(str(path), path.name)) from error
