"""How the app looks, computed: text stands out from what it lies on, light and dark."""

import re

import pytest

from apps.assets import asset
from apps.style import theme

LEAST = 4.5
"""WCAG 2.2, 1.4.3, for text of normal size."""
WORDS = {"white": "#ffffff", "black": "#000000"}


def variables(dark: bool) -> dict[str, str]:
    css = theme()._get_theme_css()
    light, _, rest = css.partition(".dark")
    found = dict(re.findall(r"--([\w-]+):\s*([^;]+);", light))
    return found | dict(re.findall(r"--([\w-]+):\s*([^;]+);", rest)) if dark else found


def colour(name: str, known: dict[str, str]) -> tuple[int, ...]:
    value = known[name]
    while inner := re.match(r"var\(--([\w-]+)\)", value):
        value = known[inner[1]]
    value = WORDS.get(value, value)
    assert re.fullmatch(r"#[0-9a-fA-F]{6}", value), (name, value)
    return tuple(int(value[place : place + 2], 16) for place in (1, 3, 5))


def luminance(rgb: tuple[int, ...]) -> float:
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (c / 255 for c in rgb)]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: tuple[int, ...], other: tuple[int, ...]) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def rule(selector: str) -> str:
    """The variable that a rule of the app's style sheet colours text with."""
    body = asset("app.css").partition(selector)[2].partition("}")[0]
    return re.search(r"(?:color|fill): var\(--([\w-]+)\)", body)[1]


def test_contrast_is_computed_as_the_standard_says():
    assert contrast((255, 255, 255), (0, 0, 0)) == pytest.approx(21)
    assert contrast((255, 255, 255), (0xF9, 0x73, 0x16)) == pytest.approx(2.80, abs=0.01)  # gradio's orange button


@pytest.mark.parametrize("dark", [False, True])
def test_text_stands_out(dark):
    known = variables(dark)
    grounds = ("body-background-fill", "block-background-fill", "background-fill-secondary")
    tab = rule(".dark .tab-container button.selected {") if dark else "color-accent"
    chart = rule(".js-plotly-plot .main-svg > g:not(.hoverlayer) text {")
    pairs = [
        *((f"button-{kind}-text-color", f"button-{kind}-background-fill{state}")
          for kind in ("primary", "secondary", "cancel") for state in ("", "-hover")),
        *((text, ground) for ground in grounds
          for text in ("body-text-color", "body-text-color-subdued", "block-title-text-color", "block-info-text-color",
                       "link-text-color", chart, tab)),
        ("input-placeholder-color", "input-background-fill"),
        ("checkbox-label-text-color-selected", "checkbox-label-background-fill-selected"),
    ]  # fmt: skip
    weak = {pair: contrast(*(colour(name, known) for name in pair)) for pair in pairs}
    assert not {pair: round(ratio, 2) for pair, ratio in weak.items() if ratio < LEAST}
