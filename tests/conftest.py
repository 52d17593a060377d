"""What tests of several folders share."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder of real data sets; the test is skipped where there is none."""
    folder = os.environ.get("MONAI_GAN_RECON_DATA")
    if not folder:
        pytest.skip("needs real data: set MONAI_GAN_RECON_DATA to their folder")
    return Path(folder)
