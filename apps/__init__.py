"""Gradio apps: one module a tab, put together by :mod:`apps.main`. No training or metric code in here.

What takes long to import and is not on the page, torch above all, is imported inside of what needs it: the page comes
first, and the rest while it is read (`apps.warming`).
"""

from apps.gradio_import import hasten

hasten()
