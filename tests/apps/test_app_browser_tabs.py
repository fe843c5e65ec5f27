"""The tabs beside Compare in a browser: a batch, curves that grow, a run from its start to its end, results."""

import time
import zipfile

import numpy as np
import pytest
from support.apps import PAIR, measure, write_run
from torch.utils.tensorboard import SummaryWriter

from workbench.images import write_png
from workbench.runs import processes
from workbench.runs.events import EventReader
from workbench.runs.folder import Run

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=180_000)  # machines may be busy; a test that passes does not wait for it
pytestmark = pytest.mark.usefixtures("nothing_packaged")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    runs = tmp_path_factory.mktemp("browser") / "runs"
    for seed, (name, method) in enumerate(zip(PAIR, ("vanilla", "noise-space"), strict=True)):
        write_run(runs, name, method, seed)
    return runs


def open_tab(page, name):
    tab = page.get_by_role("tab", name=name, exact=True)
    page.locator(f"button[role=tab]:visible:has-text('{name}'), .overflow-menu > button:visible").first.wait_for()
    if not tab.is_visible():  # a phone has no room for all of them
        page.locator(".overflow-menu > button").click()
        tab = page.locator(".overflow-dropdown button").filter(has_text=name)
    tab.click()


def test_a_batch_comes_back_as_a_zip(page, tmp_path):
    for place in ("one", "two"):
        (tmp_path / "trip" / place).mkdir(parents=True)
        write_png(tmp_path / "trip" / place / "same.png", np.zeros((32, 32, 3), np.uint8))
    (tmp_path / "bad.png").touch()
    open_tab(page, "Batch")
    expect(page.locator("#batch-restorers")).to_contain_text(PAIR[1])
    page.locator("#batch-folder input[type=file]").set_input_files(tmp_path / "trip")
    expect(page.locator("#batch-folder")).to_contain_text("same")
    page.locator("#batch-files input[type=file]").set_input_files(tmp_path / "bad.png")
    expect(page.locator("#batch-files")).to_contain_text("bad")
    page.locator("#batch-start").click()
    expect(page.locator("#batch-summary")).to_contain_text("2 of 3 images")
    expect(page.locator(".wb-failed")).to_contain_text("bad.png")
    expect(page.locator("#batch-stop")).to_be_hidden()
    with page.expect_download() as download:
        page.locator("#batch-zip a[download]").first.click()
    with zipfile.ZipFile(download.value.path()) as packed:
        assert {f"{PAIR[1]}/trip/{place}/same.png" for place in ("one", "two")} < set(packed.namelist())


def test_curves_grow_within_seconds_and_keep_their_zoom(page, runs):
    folder = write_run(runs, "growing", "vanilla", 5, status="interrupted")
    with SummaryWriter(folder / "events", flush_secs=1) as writer:
        for step in range(10, 500, 10):
            writer.add_scalar("loss/total", 100 / step, step)
        writer.add_image("target/cat", np.zeros((8, 8, 3), np.uint8), 100, dataformats="HWC")
        writer.flush()
        open_tab(page, "Monitor")
        page.locator("#runs label").filter(has_text="growing").locator("input").check()
        for name in PAIR:
            page.locator("#runs label").filter(has_text=name).locator("input").uncheck()
        expect(page.locator("#states tbody tr")).to_have_count(1)
        expect(page.locator("#states")).to_contain_text("growing")
        expect(page.locator("#sample-pictures")).to_contain_text("step 100")
        plot = page.locator("#curves .nsewdrag").first
        plot.scroll_into_view_if_needed()
        box = plot.bounding_box()
        page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.3 * box["height"])
        page.mouse.down()
        page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 0.7 * box["height"], steps=5)
        page.mouse.up()
        span = "() => document.querySelector('#curves .js-plotly-plot').layout.xaxis.range.map(Math.round)"
        page.wait_for_function(f"({span})()[0] > 50")
        zoomed = page.evaluate(span)
        page.evaluate("window.kept = document.querySelector('#curves .js-plotly-plot')")
        writer.add_scalar("loss/total", 3.0, 1234)
        writer.add_scalar("time/seconds_per_step", 0.1, 1234)
        writer.add_image("target/cat", np.zeros((8, 8, 3), np.uint8), 1234, dataformats="HWC")
        writer.flush()
        begin = time.monotonic()
        expect(page.locator("#states")).to_contain_text("1,234")
        expect(page.locator("#sample-pictures")).to_contain_text("step 1,234")
        seconds = time.monotonic() - begin
    page.wait_for_function(
        "() => document.querySelector('#curves .js-plotly-plot').calcdata[0].length === 50", timeout=180_000
    )
    assert page.evaluate("window.kept === document.querySelector('#curves .js-plotly-plot')"), "drawn anew: it flickers"
    assert page.evaluate(span) == zoomed
    print(f"seen after {seconds:.1f} s")
    page.locator("#picture-step input[type=range]").press("ArrowLeft")
    expect(page.locator("#sample-pictures")).to_contain_text("step 100")


@pytest.mark.usefixtures("warm_python")
def test_a_live_run_is_started_stopped_found_again_resumed_and_deleted(page, browser, address, runs):
    settings = [
        "restorer.width=4", "warm_start=null", "training.patch_size=16", "training.log_every=5",
        "training.validate_every=100000", "training.checkpoint_every=100000", "data.validation_images=1",
    ]  # fmt: skip
    open_tab(page, "Monitor")
    page.get_by_role("button", name="Start a run").click()
    page.locator("#start-box").get_by_label("Method").click()
    page.get_by_role("option", name="vanilla").click()
    page.get_by_label("Name of the run").fill("live")
    page.get_by_label("Steps", exact=True).fill("100000")
    page.get_by_label("Batch size").fill("2")
    page.locator("#start-settings textarea").fill("\n".join(settings))
    page.locator("#start-run").click()
    row = page.locator("#states tr").filter(has_text="live")
    expect(row).to_contain_text("running")
    slow = {"timeout": 300_000}  # a training that starts on a busy machine
    try:
        expect(row).to_contain_text("of 100,000", **slow)
        expect(row).to_contain_text("GiB")
        expect(page.locator("#curves")).to_contain_text("steps per second", **slow)
        # The page is closed; another one finds the run again.
        second = browser.new_page()
        second.set_default_timeout(180_000)
        second.goto(address)
        expect(second.locator("#compare")).to_be_visible()
        open_tab(second, "Monitor")
        expect(second.locator("#states tr").filter(has_text="live")).to_contain_text("running")
        second.close()
        page.locator("#stop-run").click()
        expect(row).to_contain_text("stopped", **slow)
        expect(page.locator("#log")).to_contain_text("continue with --resume")
        step = Run(runs / "live").summary["steps"]
        page.locator("#resume-run").click()
        expect(row).to_contain_text("running")
        expect(page.locator("#stop-run")).to_be_enabled()
        reader = EventReader(runs / "live" / "events")
        until = time.monotonic() + 300
        while time.monotonic() < until and not (
            reader.refresh() and max([0, *reader.series("time/seconds_per_step")[0]]) > step + 5
        ):
            page.wait_for_timeout(300)
        assert reader.series("time/seconds_per_step")[0][-1] > step
        page.locator("#stop-run").click()
        expect(row).to_contain_text("stopped", **slow)
        assert Run(runs / "live").summary["steps"] > step
    finally:
        if (process := processes.living_process(Run(runs / "live"))) is not None:
            process.kill()
    page.locator("#delete-run").click()
    page.locator("#really-delete").click()
    expect(row).to_have_count(0)
    assert not (runs / "live").exists()


def test_a_result_leads_to_its_run(page, runs):
    measure(runs / PAIR[0], 27.25)
    open_tab(page, "Results")
    page.get_by_role("button", name="27.25").first.click()
    expect(page.locator("#behind")).to_be_visible()
    expect(page.locator("#result-numbers")).to_contain_text(PAIR[0])
    expect(page.locator("#result-recipe")).to_contain_text("denoise-pocket")
    page.locator("#paper input").click()
    page.get_by_role("option", name="DRDD").click()
    expect(page.locator("#results caption").first).to_contain_text("DRDD, Table 1")
    expect(page.locator("#behind")).to_be_hidden()


def test_every_control_has_a_name_and_a_phone_needs_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 390, "height": 844})
    for tab in ("Compare", "Batch", "Monitor", "Results"):
        open_tab(page, tab)
        page.wait_for_timeout(500)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, tab
        nameless = page.evaluate(
            """() => [...document.querySelectorAll('button, input, textarea, select, img, [role=slider]')]
            .filter(e => e.offsetParent && e.type !== 'file' && e.type !== 'hidden')
            .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.title
                || (e.labels && e.labels.length) || e.innerText?.trim() || e.hasAttribute('alt') || e.placeholder
                || e.closest('label')))
            .map(e => e.outerHTML.slice(0, 150))"""
        )
        assert not nameless, tab
