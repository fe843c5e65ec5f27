"""The app in a browser: a photo goes in, restorers are compared and switched, an error shows and goes."""

import pickle
import shutil
import time
import zipfile

import numpy as np
import pytest
from PIL import Image as PillowImage
from test_app import PAIR, bad_image, free_port, nothing_packaged, write_run  # noqa: F401 (a fixture)
from test_app_tabs import measure
from torch.utils.tensorboard import SummaryWriter

from apps import comparison, measuring
from apps.main import launch
from workbench.evaluation import Unavailable
from workbench.images import write_png
from workbench.runs import processes
from workbench.runs.events import EventReader
from workbench.runs.folder import Run

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
expect = playwright.expect
expect.set_options(timeout=180_000)  # machines may be busy; a test that passes does not wait for it


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"],
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("browser") / "runs"


@pytest.fixture(scope="module")
def address(runs):
    port = free_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(measuring, "lpips_metric", lambda: Unavailable("LPIPS not available in this test"))
        blocks = launch(runs, port=port)
        yield f"http://127.0.0.1:{port}/"
        blocks.close(verbose=False)


@pytest.fixture
def page(browser, address):
    """A page that fails the test when anything is wrong in its console or anything is asked of another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page, problems = context.new_page(), []
    page.set_default_timeout(180_000)
    page.on("console", lambda message: message.type == "error" and problems.append(message.text))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("response", lambda answer: answer.status >= 400 and problems.append(f"{answer.status} {answer.url}"))
    page.on(
        "request",
        lambda request: request.url.startswith((address, "data:", "blob:")) or problems.append(request.url),
    )
    page.goto(address)
    expect(page.locator("#compare")).to_be_visible()
    yield page
    context.close()
    assert not problems


# The order of the tests counts: the first one sees the folder of runs empty.


def test_without_runs_the_page_says_what_to_run(page, runs):
    expect(page.get_by_text("No trained restorer yet")).to_be_visible()
    expect(page.get_by_text("make demo")).to_be_visible()
    for seed, (name, method) in enumerate(zip(PAIR, ("vanilla", "noise-space"), strict=True)):
        write_run(runs, name, method, seed)
    page.get_by_role("button", name="More restorers").click()
    page.locator("#look-again").click()
    expect(page.get_by_text("No trained restorer yet")).to_be_hidden()
    expect(page.locator("#restorers")).to_contain_text(PAIR[0])


def test_upload_compare_switch_and_inspect(page, tmp_path):
    write_png(tmp_path / "mine.png", np.random.default_rng(0).integers(0, 256, (200, 300, 3), dtype=np.uint8))
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    page.locator("#photos input[type=file]").set_input_files(tmp_path / "mine.png")
    expect(page.locator("#photos img").first).to_be_visible()
    page.locator("#degradation input").click()
    page.get_by_role("option", name="Add AWGN").click()
    page.locator("#compare").click()
    expect(page.locator("#numbers table")).to_contain_text("adapted")
    expect(page.locator("#numbers caption")).to_contain_text("AWGN, sigma 25")
    expect(page.locator("#slider img").first).to_be_visible()
    expect(page.locator("#crops figure")).to_have_count(4)
    expect(page.locator("#differences figure")).to_have_count(2)
    expect(page.locator("#spectrum .js-plotly-plot")).to_be_visible()
    expect(page.locator("#downloads")).to_contain_text("comparison")
    expect(page.locator("#stop")).to_be_hidden()
    # The slider's border moves by keys, too.
    border = page.get_by_role("slider", name="Border between")
    border.focus()
    place = "() => document.querySelector('#slider .inner').getBoundingClientRect().left"
    before = page.evaluate(place)
    border.press("ArrowRight")
    border.press("PageUp")
    page.wait_for_function(f"before => ({place})() > before + 50", arg=before)
    expect(border).to_have_attribute("aria-valuenow", "62")

    def sources():
        return [image.get_attribute("src") for image in page.locator("#slider img").all()]

    before = sources()
    page.locator("#right input").click()
    page.get_by_role("option", name="vanilla").click()
    page.wait_for_function(
        "before => [...document.querySelectorAll('#slider img')].some(image => !before.includes(image.src))", arg=before
    )
    # A click on the whole photo moves the same crop of every view; so do the arrow keys.
    first = page.locator("#crops img").first
    source = first.get_attribute("src")
    page.locator(".wb-locator").click(position={"x": 5, "y": 5})
    expect(first).not_to_have_attribute("src", source)
    expect(page.locator("#locator")).to_contain_text("at (0, 0)")
    page.locator(".wb-locator").press("ArrowRight")
    expect(page.locator("#locator")).to_contain_text("at (60, 0)")
    # A drag to the left shows what lies to the right.
    first.scroll_into_view_if_needed()
    box = first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - box["width"] / 2, y, steps=4)
    page.mouse.up()
    expect(page.locator("#locator")).to_contain_text("at (120, 0)")


def test_a_photo_is_pasted(page):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.evaluate("""async () => {
        const canvas = new OffscreenCanvas(80, 60);
        canvas.getContext('2d').fillRect(0, 0, 40, 40);
        const blob = await canvas.convertToBlob({type: 'image/png'});
        await navigator.clipboard.write([new ClipboardItem({'image/png': blob})]);
    }""")
    page.locator("#photos").get_by_label("Paste from clipboard").click()
    expect(page.locator("#photos img").first).to_be_visible()
    page.locator("#compare").click()
    expect(page.locator("#numbers caption")).to_contain_text("80 × 60")


def test_a_sample_is_compared_at_a_click(page):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    page.get_by_role("button", name="Compare the sample chelsea-1-simulated-camera").click()
    expect(page.locator("#numbers caption")).to_contain_text("chelsea-1-simulated-camera.png")
    expect(page.locator("#numbers table")).to_contain_text("PSNR")


def test_an_error_is_a_message_and_the_page_lives(page, tmp_path):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    page.locator("#compare").click()
    expect(page.get_by_text("no photo yet")).to_be_visible()
    (tmp_path / "broken.png").write_text("no image")
    page.locator("#photos input[type=file]").set_input_files(tmp_path / "broken.png")
    page.wait_for_timeout(500)
    page.locator("#compare").click()
    expect(page.get_by_text("broken.png: not an image")).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()
    page.get_by_role("button", name="Compare the sample chelsea-1-simulated-camera").click()
    expect(page.locator("#numbers table")).to_contain_text("adapted")


def test_a_restorer_is_added_from_its_two_files(page, runs):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    page.get_by_role("button", name="More restorers").click()
    files = [runs / PAIR[0] / f"restorer{suffix}" for suffix in (".safetensors", ".json")]
    page.locator("#restorer-files input[type=file]").set_input_files(files)
    expect(page.locator("#restorers")).to_contain_text("restorer (uploaded)")


def test_a_phone_sees_it_all_without_scrolling_sideways(page):
    page.set_viewport_size({"width": 390, "height": 844})
    page.get_by_role("button", name="Compare the sample astronaut-1-simulated-camera").click()
    expect(page.locator("#downloads")).to_contain_text("comparison")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


# The other tabs


def open_tab(page, name):
    tab = page.get_by_role("tab", name=name, exact=True)
    page.locator(f"button[role=tab]:visible:has-text('{name}'), .overflow-menu > button:visible").first.wait_for()
    if not tab.is_visible():  # a phone has no room for all of them
        page.locator(".overflow-menu > button").click()
        tab = page.locator(".overflow-dropdown button").filter(has_text=name)
    tab.click()


def test_bad_photos_are_told_one_by_one_and_good_ones_compared(page, tmp_path):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    bad = [bad_image(kind, tmp_path) for kind in ("empty", "text", "half", "bomb")]
    PillowImage.new("CMYK", (40, 30), (10, 20, 30, 40)).save(tmp_path / "cmyk.jpg")
    frames = [PillowImage.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "animated.gif", save_all=True, append_images=frames[1:])
    page.locator("#photos input[type=file]").set_input_files([*bad, tmp_path / "cmyk.jpg", tmp_path / "animated.gif"])
    page.wait_for_timeout(1000)
    page.locator("#compare").click()
    expect(page.locator("#numbers caption")).to_contain_text("cmyk.jpg, 40 × 30")
    for name, reason in (("empty", "empty"), ("text", "not an image"), ("half", "damaged"), ("bomb", "300 million")):
        row = page.locator("#failed tr").filter(has_text=f"{name}.png")
        expect(row).to_contain_text(reason)
    expect(page.locator("#numbers thead")).to_contain_text("noise / 255")
    expect(page.locator("#numbers")).to_contain_text("No reference")
    page.locator("#photo input").click()
    page.get_by_role("option", name="animated.gif").click()
    expect(page.locator("#numbers caption")).to_contain_text("animated.gif, 40 × 30")


def test_a_pickle_by_the_name_of_a_restorer_is_refused(page, runs, tmp_path):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    (tmp_path / "evil.safetensors").write_bytes(pickle.dumps({"weights": 1}))
    (tmp_path / "evil.json").write_text((runs / PAIR[0] / "restorer.json").read_text())
    page.get_by_role("button", name="More restorers").click()
    page.locator("#restorer-files input[type=file]").set_input_files(
        [tmp_path / "evil.safetensors", tmp_path / "evil.json"]
    )
    expect(page.get_by_text("evil.safetensors: not a readable safetensors file")).to_be_visible()
    expect(page.locator("#restorers")).not_to_contain_text("evil")


def test_a_blind_vote_hides_the_names_then_tells_and_counts(page, runs):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    page.get_by_role("button", name="Compare the sample chelsea-1-simulated-camera").click()
    expect(page.locator("#downloads")).to_contain_text("comparison")
    page.locator("#begin-vote").click()
    expect(page.locator("#ballot img")).to_have_count(3)
    expect(page.locator("#numbers")).to_be_hidden()
    assert not {"vanilla", "adapted"} & set(page.locator("#vote").inner_text().split())
    source = page.locator("#ballot").inner_html()
    assert "adapted" not in source and PAIR[0] not in source
    page.locator("#vote-a").click()
    expect(page.locator("#vote-told")).to_contain_text("A was")
    expect(page.locator("#tally tbody tr")).to_have_count(1)
    expect(page.locator("#tally")).to_contain_text(PAIR[0])
    assert len((runs / "votes.csv").read_text().splitlines()) == 2
    page.locator("#end-vote").click()
    expect(page.locator("#numbers table")).to_be_visible()
    page.locator("#begin-vote").click()
    expect(page.locator("#ballot img")).to_have_count(3)
    page.locator("#compare").click()
    expect(page.locator("#vote")).to_be_hidden()
    expect(page.locator("#numbers table")).to_be_visible()


def test_a_stop_is_told_and_keeps_what_was_shown(page, monkeypatch):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    compare = comparison.compare

    def slow(*arguments, stop, progress, **keywords):
        while not stop.wait(0.1):
            progress(0.5, "waiting")
        raise comparison.CancelledError

    monkeypatch.setattr(comparison, "compare", slow)
    page.get_by_role("button", name="Compare the sample chelsea-1-simulated-camera").click()
    page.locator("#stop").click()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()
    monkeypatch.setattr(comparison, "compare", compare)
    page.locator("#compare").click()
    expect(page.locator("#numbers table")).to_contain_text("adapted")
    expect(page.get_by_text("Stopped.")).to_be_hidden()


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


@pytest.mark.parametrize("tab", ["Compare", "Batch", "Monitor", "Results"])
def test_every_control_has_a_name_and_a_phone_needs_no_sideways_scrolling(page, tab):
    page.set_viewport_size({"width": 390, "height": 844})
    open_tab(page, tab)
    page.wait_for_timeout(1500)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('button, input, textarea, select, img, [role=slider]')]
        .filter(e => e.offsetParent && e.type !== 'file' && e.type !== 'hidden')
        .filter(e => !(e.getAttribute('aria-label') || e.getAttribute('aria-labelledby') || e.title
            || (e.labels && e.labels.length) || e.innerText?.trim() || e.hasAttribute('alt') || e.placeholder
            || e.closest('label')))
        .map(e => e.outerHTML.slice(0, 150))"""
    )
    assert not nameless
