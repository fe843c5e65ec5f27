"""No arrow up, no circle: each room imports only from the floors below it."""

import ast
import re
from itertools import chain

from support import ROOT

FLOORS = (
    "errors lazily",
    "files tabular terminal heap",
    "images progress devices diffusion objectives plugins colours",
    "nets data.degradations",
    "recipes",
    "data",
    "restorers",
    "restore evaluation exporting",
    "probes",
    "methods",
    "runs",
    "training",
    "papers",
    "complexity diagnostics figures diagrams",
    "comparison",
    "studies packaging",
    "demo notebooks",
    "data_tools",
    "apps",
    "benching",
    "cli",
    "__main__",
)
"""From the ground up; rooms of one floor do not know each other. ``a.b`` is a room of its own inside of ``a``."""
OUTSIDE = ("apps", "data_tools")
LEVELS = {room: level for level, rooms in enumerate(FLOORS) for room in rooms.split()}


def modules():
    """Files by module name."""
    files = chain.from_iterable((ROOT / name).rglob("*.py") for name in ("workbench", *OUTSIDE))
    return {".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path for path in files}


MODULES = modules()


def room(module: str) -> str:
    """The room of a module; empty for the package ``workbench`` itself."""
    inside = module if module.startswith(OUTSIDE) else module.partition(".")[2]
    parts = inside.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in LEVELS:
            return name
    return parts[0]


def imported(tree: ast.AST) -> set[str]:
    """The modules of this project that code imports, at its beginning or later; none is named relative to another."""
    found, waiting = set(), list(ast.iter_child_nodes(tree))
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            continue
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "a relative import, which this test does not follow"
            full = {f"{node.module}.{name.name}" for name in node.names}
            found |= {name if name in MODULES else node.module for name in full}
        waiting += ast.iter_child_nodes(node)
    return {name for name in found if name in MODULES}


def test_every_room_has_its_floor_and_every_floor_its_rooms():
    assert {room(module) for module in MODULES} - {""} == set(LEVELS)


def test_modules_import_only_from_the_floors_below():
    up = []
    for module, path in MODULES.items():
        own = room(module)
        for name in imported(ast.parse(path.read_text())):
            theirs = room(name)
            if theirs not in ("", own) and LEVELS[theirs] >= LEVELS[own]:
                up.append(f"{module} imports {name}")
    assert not up


def packages(module: str) -> set[str]:
    """The packages that a module lies in, which are imported before it."""
    return {module[:place] for place, letter in enumerate(module) if letter == "."}


def test_modules_import_each_other_in_no_circle():
    edges = {}
    for name, path in MODULES.items():
        below = imported(ast.parse(path.read_text()))
        below |= {package for each in below for package in packages(each)} & MODULES.keys()
        edges[name] = below - packages(name) - {name}
    while free := {name for name, below in edges.items() if not below & edges.keys()}:
        edges = {name: below for name, below in edges.items() if name not in free}
    assert not edges, f"in or above a circle: {', '.join(sorted(edges))}"


def test_no_name_of_a_package_hides_a_module_of_it():
    hidden = []
    for module, path in MODULES.items():
        if path.name == "__init__.py":
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.ImportFrom) and node.module != module:
                    hidden += [f"{module}.{each.name}" for each in node.names if f"{module}.{each.name}" in MODULES]
    assert not hidden


def test_tables_are_rendered_in_one_place():
    padded = re.compile(r"\{[^{}]*:[<>^]\{?\w")
    others = {name for name, path in MODULES.items() if padded.search(path.read_text())} - {"workbench.tabular"}
    assert not others, "columns are aligned by hand; take workbench.tabular.as_text"


def is_file(room: str) -> bool:
    """Whether a room is a single module."""
    return MODULES[f"workbench.{room}"].stem == room


def test_the_page_shows_these_floors_and_tells_of_every_room():
    page = (ROOT / "docs" / "architecture.md").read_text()
    block = page.partition("<!-- floors -->\n```\n")[2].partition("```")[0]
    assert [line.split() for line in reversed(block.splitlines())] == [floor.split() for floor in FLOORS]
    rooms = {name for name in LEVELS if "." not in name} - {"__main__", *OUTSIDE}
    told = {f"{name}{'.py' if is_file(name) else '/'}" for name in rooms}
    assert {name for name in told if name not in page} == set(), "say what it is for"
