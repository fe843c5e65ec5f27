"""Weights for LPIPS, and a machine without any."""

import socket
import urllib.error
import urllib.request

import pytest
import torch


@pytest.fixture
def weights(real_data):
    return real_data / "weights"


@pytest.fixture
def no_weights(monkeypatch, tmp_path):
    """A machine without any backbone weights; its cache of downloads is in the folder returned."""
    monkeypatch.delenv("WORKBENCH_WEIGHTS", raising=False)
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path / "hub"))
    return tmp_path / "hub" / "checkpoints"


@pytest.fixture
def offline(monkeypatch):
    """A machine that reaches no other."""

    def refuse(*_args, **_kwargs):
        raise urllib.error.URLError(socket.gaierror(-2, "Name or service not known"))

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
