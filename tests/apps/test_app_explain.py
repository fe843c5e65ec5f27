"""The Explain tab: what it says is what was recorded; its sliders and switches in a browser."""

import json
import re
import time

import numpy as np
import pytest
from support.apps import free_port, watch

from apps import explain, explain_text
from apps.main import launch
from workbench.diagnostics.condition_recording import CHOICES, LEVELS, load_conditions
from workbench.diagnostics.microscope_recording import load_microscope
from workbench.errors import WorkbenchError

expect = pytest.importorskip("playwright.sync_api").expect
expect.set_options(timeout=180_000)


@pytest.fixture(scope="module")
def microscope():
    return load_microscope()


@pytest.fixture(scope="module")
def conditions():
    return load_conditions()


# What the captions say of the recording that ships


def test_the_account_of_the_recording_is_true(microscope):
    nothing, cs, both = (microscope.meters[name] for name in ("nothing", "cs", "cs-rs"))
    ends = {name: table.iloc[-1] for name, table in microscope.meters.items()}
    assert ends["nothing"].stage == 3 and nothing.positional_rise.iloc[-1] > nothing.error.iloc[-1]
    assert ends["nothing"].target_share < 0.05
    for other in ("cs", "cs-rs"):
        assert ends["nothing"].detail > ends[other].detail and ends["nothing"].noise > ends[other].noise
    assert cs.target_psnr.iloc[-1] < cs.target_psnr.iloc[0], "shuffle alone: worse than at the start"
    assert both.target_psnr.iloc[-1] > cs.target_psnr.iloc[-1], "the swap slows it"
    for table in (cs, both):
        assert table.target_psnr.idxmax() < len(table) / 2, "the best step lies well before the end"


def test_a_better_condition_gives_a_better_guess(conditions):
    total = conditions.quality[conditions.quality.band == "all"]
    assert total.level.tolist() == list(LEVELS)
    assert (np.diff(total["mean"]) > 0).all()


def test_switched_errors_agree_with_the_microscope(microscope, conditions):
    for name, table in microscope.meters.items():
        errors = conditions.errors[name].mean(axis=-1)
        shuffled = microscope.provenance["variants"][name]["noise_space"]["channel_shuffle"]
        base = errors[:, :, 0, 0].mean(axis=1) if shuffled else errors[:, 0, 0, 0]
        other = CHOICES.index("other")
        replaced = errors[:, :, other, 0].mean(axis=1) if shuffled else errors[:, 0, other, 0]
        np.testing.assert_allclose(base, table.error, rtol=1e-3)
        np.testing.assert_allclose(replaced - base, table.source_other_rise, atol=1e-3)
        np.testing.assert_allclose(
            errors[:, 1, 0, 0] - errors[:, 0, 0, 0], table.positional_rise, atol=1e-3
        )  # fmt: skip


def test_the_page_takes_its_numbers_from_the_recording(microscope, conditions):
    page = explain_text.page(microscope, conditions)
    row = microscope.meters["cs"].iloc[-1]
    assert f"{row.target_psnr:.1f} at the end" in page
    assert "simulated camera" in page and "The paper's account" in page
    for facts in microscope.provenance["variants"].values():
        assert facts["recipe"] in page and facts["provenance"]["commit"] in page
    assert "data-notebook" not in page and "notebooks/02_the_shortcut.ipynb" in page


def test_the_three_steps_say_what_the_recording_shows(microscope, conditions):
    page = explain_text.page(microscope, conditions)
    steps = page[page.index("1. Cause it") : page.index('class="ex-more"')]
    assert steps.index("1. Cause it") < steps.index("2. See it") < steps.index("3. Cure it")
    ignored, cured = (microscope.meters[name].iloc[-1] for name in ("nothing", "cs-rs"))
    for number in (
        f"{ignored.noise:.0f} times",
        f"to {cured.noise:.1f} times",
        f"{ignored.source_other_rise:+.2f}",
        f"{100 * cured.target_share:.0f} %",
    ):
        assert number in steps
    # What the sentences take for granted
    assert ignored.noise > 3 * cured.noise and ignored.detail > cured.detail
    assert all(abs(table.target_other_rise.iloc[-1]) < 0.01 for table in microscope.meters.values())
    assert cured.positional_rise < 0.01 < 0.1 < ignored.positional_rise
    assert ignored.target_psnr > microscope.meters["nothing"].iloc[0].target_psnr, "left noisy, not corrupted"
    assert "departs from the paper" in steps


def test_what_is_sent_is_small_and_complete(microscope):
    sent = explain.recording()
    assert len(json.dumps(sent)) < 6e6
    steps = len(microscope.steps)
    for name in microscope.variants:
        assert {len(values) for values in sent["meters"][name].values()} == {steps}
        assert np.shape(sent["switches"][name]["mean"]) == (steps, 2, len(CHOICES), len(CHOICES))
        assert np.array(sent["switches"][name]["rise"])[:, 0, 0, 0].tolist() == [0] * steps


def test_only_named_notebooks_are_handed_out(monkeypatch, tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    folder = tmp_path / "notebooks"
    folder.mkdir()
    (folder / "02_the_shortcut.ipynb").write_text("{}")
    monkeypatch.setattr(explain, "NOTEBOOKS", folder)
    assert explain.notebook("02_the_shortcut.ipynb") == "{}"
    for name in ("../secret.txt", str(tmp_path / "secret.txt"), "01_condition_quality.ipynb"):
        with pytest.raises(Exception, match="there is no notebook"):
            explain.notebook(name)


def test_without_a_recording_the_tab_says_how_to_make_one(monkeypatch):
    def missing():
        raise WorkbenchError("missing; record it with: workbench package recordings")

    monkeypatch.setattr(explain, "_recordings", missing)
    made = []
    monkeypatch.setattr(explain.gr, "HTML", lambda value, **_options: made.append(value))
    explain.ExplainTab()
    assert "workbench package recordings" in made[0] and 'class="ex"' not in made[0]


# In a browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    port = free_port()
    blocks = launch(tmp_path_factory.mktemp("explain") / "runs", port=port)
    yield f"http://127.0.0.1:{port}/"
    blocks.close(verbose=False)


@pytest.fixture(scope="module")
def page(browser, address):
    """The tab, open; the module fails when anything is wrong in its console or is asked of another host."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    problems = watch(page, address)
    page.goto(address, timeout=120_000)
    expect(page.locator("#compare")).to_be_visible(timeout=120_000)
    page.get_by_role("tab", name="Explain", exact=True).click(timeout=120_000)
    page.wait_for_selector("#explain .ex[data-ready]", timeout=120_000)
    expect(page.get_by_role("heading", name="1. Cause it")).to_be_visible()
    expect(page.get_by_role("slider", name="Training step")).not_to_be_visible()
    page.locator("#explain .ex-more > summary").click()
    yield page
    page.close()
    assert not problems


def slide(page, control, value):
    """Move a slider; the milliseconds until all that it moves has been moved."""
    return page.evaluate(
        """([control, value]) => {
            const slider = document.querySelector(`#explain [data-control="${control}"]`);
            slider.value = value;
            const begin = performance.now();
            slider.dispatchEvent(new Event('input', {bubbles: true}));
            return performance.now() - begin;
        }""",
        [control, value],
    )


def state(page):
    return page.evaluate(
        """() => {
            const all = (selector, read) => [...document.querySelectorAll('#explain ' + selector)].map(read);
            return {
                pictures: all('[data-picture]', box => box.style.backgroundPosition),
                spectra: all('[data-chart=spectrum] path', path => path.getAttribute('d')).join(),
                cursor: all('[data-chart=history] .cursor', line => line.getAttribute('x1'))[0],
                meters: all('[data-meter]', box => box.innerText).join(),
                stages: all('[data-stage]', box => box.getAttribute('aria-label')),
                error: all('[data-canvas=error]', canvas => canvas.toDataURL())[0],
                predicted: all('[data-canvas=predicted]', canvas => canvas.toDataURL())[0],
            };
        }"""
    )


def test_one_slider_moves_everything_at_once_and_asks_nobody(page, microscope):
    slide(page, "step", 0)
    expect(page.locator('[data-text="step"]')).to_have_text("step 0 of 600")
    page.wait_for_timeout(300)
    before, asked = state(page), []
    page.on("request", lambda request: request.url.startswith("http") and asked.append(request.url))
    assert before["stages"] == ["stage I of III"] * 3
    times = [slide(page, "step", at) for at in range(1, len(microscope.steps))]
    page.wait_for_timeout(300)
    after = state(page)
    assert all(one != other for one, other in zip(before["pictures"][:6], after["pictures"][:6], strict=True))
    for name in ("spectra", "cursor", "meters", "stages", "error", "predicted"):
        assert before[name] != after[name], name
    assert after["stages"] == [
        f"stage {'I' * int(microscope.meters[name].stage.iloc[-1])} of III" for name in microscope.variants
    ]
    assert not [url for url in asked if "heartbeat" not in url], "a step is shown without the server"
    assert min(times) < 200
    print(f"milliseconds a step: {np.round(np.sort(times), 1).tolist()}")


def test_the_live_training_waits_with_its_recorded_curves(page):
    expect(page.locator("#live-curves .js-plotly-plot")).to_contain_text("recorded: without shuffle and swap")
    expect(page.get_by_role("button", name="Train now")).to_be_enabled()
    expect(page.locator("#live-stop")).to_be_disabled()


def test_the_keyboard_moves_the_slider_and_says_where_it_is(page):
    slide(page, "step", 3)
    slider = page.get_by_role("slider", name="Training step")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(slider).to_have_attribute("aria-valuetext", "step 200 of 600, both learn together")
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile("head start"))


def test_play_runs_to_the_end_and_stops_when_asked(page):
    slide(page, "step", 0)
    page.get_by_role("button", name="Play").click()
    expect(page.locator('[data-text="step"]')).to_have_text("step 100 of 600")
    page.get_by_role("button", name="Pause").click()
    stopped = page.locator('[data-text="step"]').inner_text()
    time.sleep(1.5)
    assert page.locator('[data-text="step"]').inner_text() == stopped


def test_switches_show_the_recorded_error(page, conditions):
    last = len(conditions.steps) - 1
    slide(page, "step", last)
    page.get_by_role("radio", name="neither shuffle nor swap").check()
    expect(page.locator('[data-text="rise"]')).to_have_text("nothing switched")
    before = state(page)
    errors = conditions.errors["nothing"].mean(axis=-1)
    group = page.get_by_role("group", name="Synthetic condition")
    for place, choice in ((3, "blank"), (2, "another image's"), (1, "corrupted")):
        group.get_by_label(choice).check()
        expect(page.locator('[data-text="error"]')).to_have_text(f"{errors[last, 0, place, 0]:.3f}")
    assert state(page)["error"] != before["error"]
    page.get_by_role("group", name="Real condition").get_by_label("blank").check()
    expect(page.locator('[data-text="error"]')).to_have_text(f"{errors[last, 0, 1, 3]:.3f}")
    page.get_by_role("radio", name="real first").check()
    expect(page.locator('[data-text="first"]')).to_have_text("real")
    expect(page.locator('[data-text="error"]')).to_have_text(f"{errors[last, 1, 1, 3]:.3f}")
    expect(page.locator('[data-text="base"]')).to_have_text(f"{errors[last, 0, 0, 0]:.3f}")


def test_the_quality_slider_moves_dot_picture_and_number(page, conditions):
    total = conditions.quality[conditions.quality.band == "all"].set_index("level")["mean"]
    read = """() => [document.querySelector('#explain .dot').getAttribute('cy'),
        document.querySelector('[data-picture=quality]').style.backgroundPosition,
        document.querySelector('[data-canvas="quality error"]').toDataURL()]"""
    slide(page, "sigma", 0)
    before = page.evaluate(read)
    expect(page.locator('[data-text="quality"]')).to_contain_text(f"{total.loc[0]:.4f}")
    slide(page, "sigma", len(LEVELS) - 1)
    after = page.evaluate(read)
    assert float(after[0]) < float(before[0]), "the error rises"
    assert after[1] != before[1] and after[2] != before[2]
    expect(page.locator('[data-text="quality"]')).to_contain_text(f"{total.loc[80]:.4f}")


def test_everything_is_named_and_a_phone_needs_no_sideways_scrolling(page):
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    nameless = page.evaluate(
        """() => [...document.querySelectorAll('#explain :is(button, input, img, svg, canvas, [role=img])')]
        .filter(e => !(e.getAttribute('aria-label') || e.innerText?.trim() || e.alt || e.closest('label')))
        .map(e => e.outerHTML.slice(0, 150))"""
    )
    page.set_viewport_size({"width": 1280, "height": 900})
    assert not nameless
