"""Getting data sets onto disk in the canonical layout: download, verify, convert, check, cut into patches.

Importing this package imports no torch and no image library: ``workbench data list`` must answer at once.
"""
