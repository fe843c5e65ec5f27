"""The app in a browser: a photo goes in, restorers are compared and switched, an error shows and goes."""

import shutil

import numpy as np
import pytest
from test_app import PAIR, free_port, write_run

from apps import measuring
from apps.main import launch
from workbench.evaluation import Unavailable
from workbench.images import write_png

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
expect = playwright.expect
expect.set_options(timeout=20_000)


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
    page.get_by_label("Add AWGN").check()
    page.locator("#compare").click()
    expect(page.locator("#numbers table")).to_contain_text("adapted")
    expect(page.locator("#numbers caption")).to_contain_text("AWGN, sigma 25")
    expect(page.locator("#slider img").first).to_be_visible()
    expect(page.locator("#crops figure")).to_have_count(4)
    expect(page.locator("#differences figure")).to_have_count(2)
    expect(page.locator("#spectrum .js-plotly-plot")).to_be_visible()
    expect(page.locator("#downloads")).to_contain_text("comparison")
    expect(page.locator("#stop")).to_be_hidden()

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
