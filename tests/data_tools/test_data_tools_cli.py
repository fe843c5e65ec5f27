import re
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from support import ROOT
from support.data_layouts import ORIGINALS, pairs

from data_tools.catalogue import CATALOGUE, find
from data_tools.listing import details
from data_tools.prepare import prepare
from workbench.cli import main
from workbench.data.root import PATCHES

DOCS = ROOT / "docs" / "data.md"


@pytest.fixture
def workbench(monkeypatch, capsys):
    """Calls ``workbench data`` in this process."""

    def call(*arguments, root):
        monkeypatch.setenv("WORKBENCH_DATA", str(root))
        monkeypatch.setattr(sys, "argv", ["workbench", "data", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        return SimpleNamespace(returncode=exit_.value.code, **capsys.readouterr()._asdict())

    return call


@pytest.fixture
def root(tmp_path):
    return tmp_path / "data"


def test_list(root, tmp_path):
    ORIGINALS["gopro"](tmp_path / "original")
    prepare("gopro/test", root, tmp_path / "original")
    (root / "wed/images").mkdir(parents=True)
    start = time.perf_counter()
    command = [sys.executable, "-m", "workbench", "data", "list", "--root", root]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30)
    # Alone it takes half a second; other work on the machine is allowed for
    assert time.perf_counter() - start < 5
    assert done.stderr == ""
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    for entry in CATALOGUE.values():
        for part in entry.parts:
            assert entry.full_name(part) in lines
    assert re.search(r"gopro/train +2,103 pairs +- +download", lines["gopro/train"])
    assert re.search(r"gopro/test +1,111 pairs +\d+ k?B \(2\)", lines["gopro/test"])
    assert re.search(r"wed +4,744 images +not checked +by hand", lines["wed"])


def test_list_imports_neither_torch_nor_image_libraries():
    code = (
        "import sys; from data_tools.cli import app; app(['list'], standalone_mode=False);"
        "sys.exit(any(name in sys.modules for name in ('torch', 'PIL', 'scipy', 'h5py', 'skimage')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False, capture_output=True).returncode == 0


@pytest.mark.parametrize("name", CATALOGUE)
def test_details(name, root):
    entry, text = CATALOGUE[name], "\n".join(details(name, root))
    for fact in (
        entry.title,
        entry.home,
        entry.licence,
        entry.by_hand,
        entry.note,
        *(file.url for file in entry.files),
    ):
        assert fact in text


def test_prepare_check_cut(workbench, root, tmp_path):
    ORIGINALS["lolv1"](tmp_path / "original")
    done = workbench("prepare", "lolv1", "--from", tmp_path / "original", root=root)
    assert done.returncode == 1  # a miniature is not the published number
    assert done.out.splitlines() == [
        f"{root}/lolv1/train: 2 pairs, 1 problem:",
        "  2 pairs, 485 are published",
        f"{root}/lolv1/test: 1 pair, 1 problem:",
        "  1 pair, 15 are published",
    ]
    assert done.err == ""
    done = workbench("prepare", "real-internet", "--from", tmp_path, "--root", tmp_path / "other", root=root)
    assert (done.returncode, done.out) == (2, "")
    assert re.fullmatch(r"workbench: real-internet: not found in .*; looked for Real_Internet.*\n", done.err)

    pairs(tmp_path / "own", "input/{}.png", "target/{}.png", ["1"])
    assert workbench("check", tmp_path / "own", root=root).returncode == 0
    done = workbench("cut", tmp_path / "own", tmp_path / "patches", "--size", 6, "--overlap", 2, root=root)
    assert (done.returncode, done.out) == (0, f"{tmp_path}/patches: 6 pairs\n")
    done = workbench("cut", tmp_path / "own", "--size", 6, "--overlap", 2, root=root)
    assert (done.returncode, done.out) == (0, f"{tmp_path}/own-patches: 6 pairs\n")
    done = workbench("cut", tmp_path / "own", "--size", 6, "--overlap", 2, root=root)
    assert (done.returncode, done.out) == (0, f"{tmp_path}/own-patches: 6 pairs, already there\n")
    simulate = ("simulate", tmp_path / "own", "--output", tmp_path / "rain", "--effect", "layered-rain", "--shots", 3)
    done = workbench(*simulate, root=root)
    assert (done.returncode, done.out) == (0, f"{tmp_path}/rain: 3 pairs, simulated\n")
    assert workbench(*simulate, "--seed", 1, root=root).returncode == 2
    (tmp_path / "own/target/1.png").write_bytes(b"x")
    done = workbench("check", tmp_path / "own", root=root)
    assert done.returncode == 1 and "target/1.png: not an image" in done.out
    done = workbench("cut", tmp_path / "own", tmp_path / "patches", "--size", 6, "--overlap", 2, root=root)
    assert done.returncode == 2 and "exists" in done.err


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["prepare", "gorpo"], "gorpo: no such data set; did you mean gopro?"),
        (["prepare", "ffhq"], "ffhq: cannot be downloaded from here; by hand: run the download script"),
        (["prepare", "gopro", "--from", "nowhere"], "nowhere: no such file or folder"),
        (["check", "nowhere"], "nowhere: no such folder"),
        (["prepare", "ffhq", "--root", "my data"], "workbench data prepare ffhq --from PATH --root 'my data'`"),
        (["cut", "nowhere", "patches"], "nowhere: no such folder"),
        (["cut", ".", "patches"], ".: no patches are usual for it"),
        (["list", "gorpo"], "gorpo: no such data set"),
        (["prepare"], "Missing argument 'NAME'"),
    ],
)
def test_wrong_calls(arguments, message, workbench, root):
    done = workbench(*arguments, root=root)
    assert done.returncode == 2 and message in done.err and done.out == ""
    assert len(done.err.splitlines()) == 1 and "Traceback" not in done.err
    assert not root.exists()


def test_documentation_names_every_entry():
    text = DOCS.read_text(encoding="utf-8")
    for entry in CATALOGUE.values():
        row = next((line for line in text.splitlines() if line.startswith(f"| `{entry.name}` |")), "")
        assert entry.home in row and entry.licence in row and entry.title in row, f"{entry.name} in {DOCS.name}"
        assert ("by hand" in row) == (not entry.files)
        for part in entry.parts:
            assert f"`{entry.full_name(part)}`" in text
            assert part.count is None or f"{part.count:,}" in row
        for note in (entry.by_hand, entry.note):
            assert note in text, f"{entry.name} in {DOCS.name}"


def test_what_the_package_trains_and_tests_on_is_in_the_catalogue():
    """Otherwise a study could not say which set to prepare, and would not find the one that was prepared."""
    named = {
        name
        for path in (ROOT / "workbench").rglob("*.yaml")
        for name in re.findall(r"dataset:([\w/-]+)", path.read_text())
    }
    assert "bsds500/train" in named
    for name in named:
        find(name.removesuffix(PATCHES))
