"""How the app looks."""

import gradio as gr

_FONTS = [gr.themes.Font(name) for name in ("system-ui", "Segoe UI", "Roboto", "Helvetica Neue", "sans-serif")]
_MONO = [gr.themes.Font(name) for name in ("ui-monospace", "Consolas", "DejaVu Sans Mono", "monospace")]

CSS = """
.gradio-container { max-width: 1600px !important; }
.wb-title { margin: 0 0 2px; font-size: 1.5rem; font-weight: 700; }
.wb-subtitle { margin: 0; color: var(--body-text-color-subdued); }
.wb-empty { padding: 20px 24px; border: 1px solid var(--border-color-primary); border-radius: var(--radius-lg);
  background: var(--background-fill-secondary); line-height: 1.55; }
.wb-empty h3 { margin: 0 0 8px; font-size: 1.15rem; }
.wb-empty p { margin: 6px 0; }
.wb-empty pre { margin: 10px 0; padding: 8px 12px; border-radius: var(--radius-md);
  background: var(--background-fill-primary); border: 1px solid var(--border-color-primary); }
.wb-status { min-height: 110px; }
.wb-table { overflow-x: auto; }
.wb-table table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
.wb-table caption { text-align: left; padding: 0 0 8px; color: var(--body-text-color-subdued);
  overflow-wrap: anywhere; }
.wb-table th, .wb-table td { padding: 6px 10px; text-align: right; white-space: nowrap;
  border-width: 0 0 1px !important; border-color: var(--border-color-primary) !important; }
.wb-table th:first-child { text-align: left; font-weight: 600; }
.wb-table table, .wb-table tr { border: 0 !important; }
.wb-table small { font-weight: 400; color: var(--body-text-color-subdued); }
.wb-notes { margin: 8px 0 0; padding-left: 18px; color: var(--body-text-color-subdued); font-size: .9rem; }
.wb-grid { display: grid; gap: 12px; grid-template-columns: repeat(var(--views), minmax(0, 1fr)); }
.wb-grid figure { margin: 0; min-width: 0; max-width: 480px; }
.wb-window { overflow: hidden; border-radius: var(--radius-sm); background: var(--background-fill-secondary);
  cursor: grab; touch-action: pan-y; user-select: none; }
.wb-window:active { cursor: grabbing; }
.wb-window img { display: block; width: 100%; image-rendering: pixelated; }
.wb-grid figcaption { padding: 4px 2px; font-size: .9rem; overflow-wrap: anywhere; }
.wb-locator { position: relative; overflow: hidden; cursor: crosshair; border-radius: var(--radius-sm);
  line-height: 0; }
.wb-locator:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 2px; }
.wb-locator img { width: 100%; user-select: none; }
.wb-frame { position: absolute; box-sizing: border-box; border: 2px solid #fff; outline: 2px solid #000;
  box-shadow: 0 0 0 9999px rgb(0 0 0 / 35%); pointer-events: none; }
#photos .grid-wrap { padding-top: 36px; }
.wb-samples p { margin: 0 0 4px; font-size: .85rem; color: var(--body-text-color-subdued); }
.wb-row { display: grid; grid-template-columns: repeat(5, 1fr); gap: 6px; margin-bottom: 8px; }
.wb-row button { padding: 0; border-radius: var(--radius-sm); overflow: hidden; aspect-ratio: 1; cursor: pointer; }
.wb-row button:hover, .wb-row button:focus-visible { outline: 3px solid var(--color-accent); outline-offset: 1px; }
.wb-row img { width: 100%; height: 100%; object-fit: cover; margin: 0; }
#downloads button[aria-label="Remove this file"] { display: none; }
.wb-runs .wrap, fieldset.wb-runs > div:last-child { max-height: 340px; overflow-y: auto; }
.wb-states td progress { display: block; width: 100%; min-width: 70px; height: 6px; accent-color: var(--color-accent); }
.wb-log { margin: 0; max-height: 320px; overflow: auto; font-size: .82rem; white-space: pre-wrap;
  overflow-wrap: anywhere; }
.wb-table .wb-text { text-align: left; white-space: normal; }
.wb-facts { display: flex; flex-wrap: wrap; gap: 4px 20px; margin: 0; }
.wb-facts dt { color: var(--body-text-color-subdued); }
.wb-facts dd { margin: 0 8px 0 -14px; overflow-wrap: anywhere; }
.wb-samples-of-run img { width: 100%; border-radius: var(--radius-sm); image-rendering: pixelated; }
.wb-table button.wb-cell { padding: 0 2px; font: inherit; color: var(--link-text-color, var(--color-accent));
  text-decoration: underline; text-underline-offset: 3px; cursor: pointer; background: none; }
.wb-table button.wb-cell:focus-visible { outline: 2px solid var(--color-accent); outline-offset: 1px; }
.wb-hint { margin: 6px 0 0; color: var(--body-text-color-subdued); font-size: .85rem; }
@media (max-width: 900px) { .wb-grid { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
@media (max-width: 640px) {
  .tab-container button { padding: 0 5px !important; font-size: .82rem !important; }
  .gradio-container { padding: 8px !important; }
  .wb-table th, .wb-table td { padding: 5px 2px; font-size: .72rem; white-space: normal; }
  .wb-table tbody th { min-width: 4.2em; overflow-wrap: anywhere; }
  /* A shade at the right edge for as long as there is more to scroll to */
  .wb-table { background:
      linear-gradient(to left, var(--body-background-fill) 50%, transparent) right / 32px 100% no-repeat local,
      linear-gradient(to left, var(--border-color-primary), transparent) right / 14px 100% no-repeat scroll; }
  .wb-states table, .wb-states tbody { display: block; }
  .wb-states thead { display: none; }
  .wb-states tr { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); padding: 6px 0;
    border-bottom: 1px solid var(--border-color-primary) !important; }
  .wb-states th:first-child { grid-column: 1 / -1; }
  .wb-states th, .wb-states td { text-align: left; border: 0 !important; }
  .wb-states td::before { content: attr(data-label); display: block; color: var(--body-text-color-subdued); }
  #only-ours { min-width: 100% !important; }
  .wb-table small { display: none; }
}
"""


def theme() -> gr.themes.Base:
    """Fonts of the system, so that nothing is fetched, and secondary text dark enough to be read."""
    chosen = gr.themes.Default(font=_FONTS, font_mono=_MONO)
    return chosen.set(
        body_text_color_subdued="*neutral_600", body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600", block_info_text_color_dark="*neutral_300",
    )  # fmt: skip
