"""Noise-DA Workbench: noise-space domain adaptation of image restoration.

Importing this package imports no torch: commands such as ``workbench recipes`` must answer at once.
"""

__version__ = "0.1.0"
