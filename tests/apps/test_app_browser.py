"""The app in a browser: a photo goes in, restorers are compared and switched, an error shows and goes."""

import pickle
import threading

import numpy as np
import pytest
from PIL import Image as PillowImage
from support.apps import PAIR, bad_image, write_run

from apps import comparison
from apps.stopping import Stops
from workbench.images import write_png

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=180_000)  # machines may be busy; a test that passes does not wait for it
pytestmark = pytest.mark.usefixtures("nothing_packaged")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return tmp_path_factory.mktemp("browser") / "runs"


# The order of these tests counts: the first one sees the folder of runs empty.


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
    # The crops one after the other in one place; a lens over the same spot of each.
    flicker, magnifier = (page.get_by_role("button", name=name) for name in ("Flicker", "Magnifier"))
    flicker.click()
    expect(flicker).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#crops figure.now")).to_have_count(1)
    flicker.click()
    expect(page.locator("#crops [data-flicker]")).to_have_count(0)
    magnifier.click()
    page.locator("#crops .wb-window").nth(1).hover()
    expect(page.locator("#crops .wb-lens")).to_have_count(4)
    magnifier.click()
    page.locator("#crops .wb-window").nth(2).hover()
    expect(page.locator("#crops .wb-lens")).to_have_count(0)


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


@pytest.mark.parametrize("waits", [False, True], ids=["at work", "before the work begins"])
def test_a_stop_is_told_and_keeps_what_was_shown(page, monkeypatch, waits):
    expect(page.locator("#restorers")).to_contain_text(PAIR[1])
    compare, event, begun, asked, over = comparison.compare, Stops.event, *(threading.Event() for _ in range(3))

    def as_in_a_queue(stops, request):
        assert not begun.is_set() or asked.wait(60)  # the button offers it first, then the work takes it
        begun.set()
        return event(stops, request)

    def slow(*arguments, stop, progress, **keywords):
        begun.set()
        while not stop.wait(0.1):
            progress(0.5, "waiting")
        over.set()
        raise comparison.CancelledError

    monkeypatch.setattr(comparison, "compare", slow)
    if waits:
        monkeypatch.setattr(Stops, "event", as_in_a_queue)
    page.get_by_role("button", name="Compare the sample chelsea-1-simulated-camera").click()
    assert begun.wait(60)
    page.locator("#stop").click()
    asked.set()
    expect(page.get_by_text("Stopped.")).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()
    assert over.wait(5) or waits  # a job that waits may be taken out of the queue
    page.wait_for_timeout(500)  # in which the page is told of the end
    expect(page.get_by_text("Stopped.")).to_be_visible()
    monkeypatch.setattr(comparison, "compare", compare)
    page.locator("#compare").click()
    expect(page.locator("#numbers table")).to_contain_text("adapted")
    expect(page.get_by_text("Stopped.")).to_be_hidden()
