"""What networks and pictures are like, measured: pure functions of tensors and networks that know nothing of runs.

`workbench.diagnostics`, which reads runs, gathers their names.
"""
