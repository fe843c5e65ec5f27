"""Fixtures of the app's tests."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from support.apps import PAIR, free_port, watch, write_run

from apps import measuring, restorers
from apps.main import launch
from workbench.evaluation import Unavailable
from workbench.images import write_png


@pytest.fixture(scope="module")
def nothing_packaged(tmp_path_factory):
    """Tests see the restorers that they make, not those that come with the package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(restorers.names, "PACKAGED", tmp_path_factory.mktemp("packaged"))
        yield


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    runs = tmp_path_factory.mktemp("app") / "runs"
    for seed, (name, method) in enumerate(zip(PAIR, ("vanilla", "noise-space"), strict=True)):
        write_run(runs, name, method, seed)
    write_run(runs, "another", "vanilla", 2)
    write_run(runs, "unfinished", "vanilla", 3, status="training")
    return runs


@pytest.fixture(scope="module")
def choices(runs) -> list[restorers.Choice]:
    return restorers.find_restorers(runs)[0]


@pytest.fixture
def no_lpips(monkeypatch):
    monkeypatch.setattr(measuring, "lpips_metric", lambda: Unavailable("LPIPS not available in this test"))


@pytest.fixture
def photo(tmp_path) -> Path:
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    write_png(tmp_path / "photo.png", pixels)
    return tmp_path / "photo.png"


@pytest.fixture(scope="module")
def browser():
    playwright, chromium = pytest.importorskip("playwright.sync_api"), shutil.which("chromium")
    if chromium is None:
        pytest.skip("Debian's chromium is not installed")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def address(runs):
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "lpips_metric", lambda: Unavailable("LPIPS not available in this test"))
        blocks = launch(runs, port=port)
        yield f"http://127.0.0.1:{port}/"
        blocks.close(verbose=False)


@pytest.fixture(scope="module")
def window(browser):
    """One for all tests of a file: it has compiled the page's programs by the second of them."""
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def page(window, address):
    """A page, loaded anew, that fails the test when anything is wrong in its console or asked of another host."""
    expect = pytest.importorskip("playwright.sync_api").expect
    window.set_viewport_size({"width": 1280, "height": 900})
    window.set_default_timeout(180_000)
    problems = watch(window, address)
    window.goto(address)
    expect(window.locator("#compare")).to_be_visible(timeout=180_000)
    yield window
    found = list(problems)
    window.goto("about:blank")
    window.context.clear_permissions()
    assert not found
