"""Gradio's import without the half of it that serves editors.

At every import gradio reads the source of each of its eighty components, renders a stub file (``.pyi``) with Jinja and
writes it beside the source where it is another, and renders the docstrings of all their events: 2 of 3.7 s, and a write
into an installed package that several programs may share.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_LEFT_OUT = {"gradio.component_meta": "create_or_modify_pyi", "gradio.events": "EventListener.set_doc"}
"""By module what is made to do nothing."""


class _Hastened(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name in _LEFT_OUT else None
        if spec is not None:
            execute = spec.loader.exec_module

            def execute_without(module: ModuleType) -> None:
                execute(module)
                place, _, left_out = _LEFT_OUT[name].rpartition(".")
                setattr(getattr(module, place) if place else module, left_out, lambda *_, **__: None)

            spec.loader.exec_module = execute_without
        return spec


def hasten() -> None:
    """Leave that out of the next import of gradio; nothing changes where it is imported already."""
    sys.meta_path.insert(0, _Hastened())
