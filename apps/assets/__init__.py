"""What the browser gets as it is: scripts, styles and markup, a file each; ``$name`` in markup is filled in."""

from functools import cache
from importlib.resources import files
from string import Template


@cache
def asset(name: str) -> str:
    """The text of a file in this folder."""
    return (files(__name__) / name).read_text(encoding="utf-8")


@cache
def picture(name: str) -> bytes:
    """The bytes of a picture in this folder."""
    return (files(__name__) / name).read_bytes()


def filled(name: str, **values: object) -> str:
    """Markup with its ``$name`` places filled in; the values are HTML already."""
    return Template(asset(name)).substitute(values).strip()
