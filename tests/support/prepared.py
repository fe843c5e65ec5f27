"""What preparing a data set has left."""

from data_tools.catalogue import CATALOGUE
from support.data_layouts import identify
from workbench.images import list_images, read_image


def content(folder):
    """What a canonical folder holds: by file name the number of the picture and, of pairs, that of the partner."""
    sides = ("input", "target") if (folder / "input").is_dir() else ("images",)
    found = [{path.name: identify(read_image(path).pixels) for path in list_images(folder / side)} for side in sides]
    assert all(side.keys() == found[0].keys() for side in found)
    return {name: tuple(side[name] for side in found) for name in found[0]}


def assert_made(root, name, expected):
    for part, members in expected.items():
        kind = next(each.kind for each in CATALOGUE[name].parts if each.name == part)
        wanted = {file: ((n, 0), (n, 200)) if kind == "pairs" else ((n, 0),) for file, n in members.items()}
        assert content(root / name / part) == wanted


def leftovers(root):
    return sorted(path.name for path in root.iterdir() if path.name.startswith(".") and path.name != ".downloads")
