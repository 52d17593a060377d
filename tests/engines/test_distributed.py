"""Joining and leaving a group of processes."""

import pytest
from torch import distributed

from monai_gan_recon.engines import join_processes, leave_processes


def test_joining_needs_torchrun(monkeypatch):
    monkeypatch.delenv("LOCAL_RANK", raising=False)
    with pytest.raises(ValueError, match="torchrun"):
        join_processes()


def test_a_process_leaves_the_group_that_it_joined(monkeypatch):
    for name, value in {
        "LOCAL_RANK": "0",
        "RANK": "0",
        "WORLD_SIZE": "1",
        "MASTER_ADDR": "127.0.0.1",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("MASTER_PORT", "0")
    assert join_processes() == 0
    leave_processes()
    assert not distributed.is_initialized()
    leave_processes()  # nothing to leave
