"""How the app looks."""

import gradio as gr

_FONTS = [gr.themes.Font(name) for name in ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")]
_MONO = [gr.themes.Font(name) for name in ("ui-monospace", "Consolas", "DejaVu Sans Mono", "monospace")]


def theme() -> gr.themes.Base:
    """Fonts of the system, so that nothing is fetched, and secondary text dark enough to be read."""
    chosen = gr.themes.Default(font=_FONTS, font_mono=_MONO)
    return chosen.set(
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300",
    )  # fmt: skip
