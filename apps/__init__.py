"""Gradio apps: one module a tab, put together by :mod:`apps.main`. No training or metric code in here."""
