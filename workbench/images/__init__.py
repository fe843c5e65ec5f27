"""Image files to arrays and back: 8 and 16 bits, grey, palette, CMYK, alpha, orientation, colour profile.

Pillow reads everything of 8 bits but TIFF. It reduces most of what has more to 8 bits without a word, so that goes
through imagecodecs (PNG, JPEG 2000, AVIF). TIFF is tifffile's. The checksums that PNG and deflated TIFF have are
compared; the other formats have none (docs/reliability.md). No torch here: commands that must answer at once use it.
"""

from workbench.images.png import write_png
from workbench.images.reading import NOT_READ, SUFFIXES, list_images, read_image
from workbench.images.samples import MAX_PIXELS, Image, to_float, to_uint

__all__ = [
    "MAX_PIXELS", "NOT_READ", "SUFFIXES", "Image", "list_images", "read_image", "to_float", "to_uint", "write_png"
]  # fmt: skip
