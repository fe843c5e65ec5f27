"""Gradio's import without the half of it that serves editors.

For each of its eighty components gradio reads the source, renders a stub file (``.pyi``) with Jinja and writes it
beside the source where it is another, at every import: 1.9 of 3.7 s, and a write into an installed package that several
programs may share.
"""

from __future__ import annotations

import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType

_MODULE, _WRITER = "gradio.component_meta", "create_or_modify_pyi"


class _WithoutStubs(MetaPathFinder):
    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path) if name == _MODULE else None
        if spec is not None:
            execute = spec.loader.exec_module

            def without_stubs(module: ModuleType) -> None:
                execute(module)
                setattr(module, _WRITER, lambda *_: None)

            spec.loader.exec_module = without_stubs
        return spec


def hasten() -> None:
    """Leave the stubs out of the next import of gradio; nothing changes where it is imported already."""
    sys.meta_path.insert(0, _WithoutStubs())
