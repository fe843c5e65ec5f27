"""What the site has beside docs/: README as its home, the notebooks as pages with a gallery, and the reference."""

from __future__ import annotations

import os
import re
from pathlib import Path

import nbformat
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from nbconvert import MarkdownExporter

ROOT = Path(__file__).resolve().parents[2]
MODULES = (
    "workbench.restore: restore_array, restore_file, restore_files", "workbench.restorers", "workbench.recipes",
    "workbench.training", "workbench.evaluation", "workbench.diagnostics", "workbench.diffusion",
    "workbench.objectives", "workbench.methods.noise_space", "workbench.nets", "workbench.images",
    "workbench.figures", "workbench.diagrams", "workbench.colours",
)  # fmt: skip
"""What the reference shows."""
MATHJAX = (
    "window.MathJax = {tex: {inlineMath: [['\\\\(', '\\\\)']], displayMath: [['\\\\[', '\\\\]']], processEscapes: true,"
    " processEnvironments: true}, options: {ignoreHtmlClass: '.*|', processHtmlClass: 'arithmatex'}};\n"
)
_LINK = re.compile(r"(\]\()([^)\s]+)(\))")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that lie elsewhere or are made here."""
    made: dict[str, str | bytes] = {
        "index.md": _moved((ROOT / "README.md").read_text(encoding="utf-8"), ""),
        "benchmarks.md": _moved((ROOT / "benchmarks" / "README.md").read_text(encoding="utf-8"), "benchmarks"),
        "reference.md": "# Reference\n\n" + "\n".join(map(_reference, MODULES)),
        "mathjax.js": MATHJAX,
    }
    cards = []
    for path in sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb")):
        body, pictures = _notebook(path)
        made[f"notebooks/{path.stem}.md"] = body
        made |= {f"notebooks/{path.stem}/{name}": content for name, content in pictures.items()}
        cards.append(_card(path.stem, body, next(iter(pictures), None)))
    made["gallery.md"] = "# Notebooks\n\n" + "\n\n".join(cards) + "\n"
    for name, content in made.items():
        files.append(File.generated(config, name, content=content))
    return files


def on_page_markdown(markdown: str, page, **_keywords) -> str:
    """Links of docs/ to what lies outside of it."""
    if page.file.src_uri in ("index.md", "benchmarks.md") or page.file.src_uri.startswith("notebooks/"):
        return markdown
    return _moved(markdown, "docs")


def _reference(module: str) -> str:
    """A module in the reference, or some names of it."""
    name, _, members = module.partition(": ")
    chosen = f"    options:\n      members: [{members}]\n" if members else ""
    return f"::: {name}\n{chosen}"


def _notebook(path: Path) -> tuple[str, dict[str, bytes]]:
    """A notebook as Markdown, and its pictures by file name; code that is folded in JupyterLab is folded here."""
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [part for cell in notebook.cells for part in _unfolded(cell)]
    body, resources = MarkdownExporter().from_notebook_node(
        notebook, {"output_files_dir": path.stem, "unique_key": "picture"}
    )
    pictures = {name.rpartition("/")[2]: content for name, content in resources["outputs"].items()}
    body = re.sub(r"<style scoped>.*?</style>", "", body, flags=re.DOTALL)
    return _moved(body, "notebooks"), pictures


def _unfolded(cell: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    """The cell, or, if its code is folded, that code behind a line to click and a cell with the outputs alone."""
    if not cell.metadata.get("jupyter", {}).get("source_hidden"):
        return [cell]
    folded = f'<details markdown="1">\n<summary>Code</summary>\n\n```python\n{cell.source}\n```\n\n</details>'
    cell.metadata["transient"] = {"remove_source": True}  # nbconvert's word for it
    return [nbformat.v4.new_markdown_cell(folded), cell]


def _card(stem: str, body: str, picture: str | None) -> str:
    """A line of the gallery: title, question, a picture."""
    title = re.search(r"^# (.+)$", body, re.MULTILINE)[1]
    question = re.search(r"\*\*Question\.\*\* (.+?)\n\n", body, re.DOTALL)[1].replace("\n", " ")
    shown = f"[![{title}](notebooks/{stem}/{picture}){{ width=360 }}](notebooks/{stem}.md)\n\n" if picture else ""
    return f"## [{title}](notebooks/{stem}.md)\n\n{shown}{question}"


def _moved(text: str, folder: str) -> str:
    """Markdown whose links count from a folder of the repository, with links that count from the site's page.

    README is the home, ``benchmarks/README.md`` a page, notebooks are pages; other files of the repository are named
    without a link.
    """
    here = "notebooks" if folder == "notebooks" else ""

    def link(found: re.Match) -> str:
        target, _, anchor = found[2].partition("#")
        if not target or "://" in target or target.startswith("mailto:"):
            return found[0]
        place = os.path.normpath(os.path.join(folder, target))
        pages = {"README.md": "index.md", "benchmarks/README.md": "benchmarks.md", "notebooks": "gallery.md"}
        if place in pages:
            place = pages[place]
        elif place.startswith("docs/"):
            place = place.removeprefix("docs/")
        elif place.startswith("notebooks/") and place.endswith(".ipynb"):
            place = place.removesuffix(".ipynb") + ".md"
        elif (ROOT / place).exists() and not place.startswith("notebooks/"):
            return f"](index.md{found[3]}" if not here else f"](../index.md{found[3]}"
        return f"{found[1]}{os.path.relpath(place, here or '.')}{'#' + anchor if anchor else ''}{found[3]}"

    return _LINK.sub(link, text)
