"""A small volume that is worse on one side, with labels."""

import numpy as np
import pytest

from monai_gan_recon.report import write_report

HOSTILE = '</script><img src=x onerror="document.title=1">'


@pytest.fixture(scope="session")
def scan():
    z, y, x = np.mgrid[:7, :40, :30].astype(np.float32)
    reference = np.hypot(y - 20, x - 15) * 10 + z
    rng = np.random.default_rng(0)
    near, far = (np.abs(reference + rng.normal(0, std, reference.shape)) for std in (2, 30))
    return {"reference": reference, "reconstruction": near, "zero_filled": far}


@pytest.fixture(scope="session")
def report(scan, tmp_path_factory):
    labels = (scan["reference"] < 80).astype(np.uint8) + (scan["reference"] < 40)
    return write_report(
        tmp_path_factory.mktemp("report") / "scan_report.html",
        scan,
        HOSTILE,
        spacing=(1.0, 2.0),
        labels=labels,
        label_names={1: "CSF", 2: HOSTILE},
        sections={"Protocol": {"Acceleration R": 4.0, "Name": HOSTILE}},
        notes={"Protocol": HOSTILE},
    )
