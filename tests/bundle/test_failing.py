import errno
import json
import sys

import pytest

from monai_gan_recon.bundle import fail, fail_clearly
from monai_gan_recon.bundle.failing import TRACEBACK_ENV, report_uncaught_errors_in_one_line
from monai_gan_recon.data import load_manifest
from monai_gan_recon.kspace import check_rate


def wrapped():
    try:
        check_rate(7)
    except ValueError as error:
        raise RuntimeError("Failed to evaluate\n@x") from error


def test_the_packages_own_errors_end_in_one_line():
    with pytest.raises(SystemExit, match="no such data manifest"):
        fail_clearly(load_manifest, "there_is_none")
    with pytest.raises(SystemExit, match=r"in \(0, 1\], got 7"):
        fail_clearly(wrapped)


def test_the_first_error_of_the_chain_that_is_the_users_counts(tmp_path):
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(SystemExit, match=r"broken\.json") as caught:  # raised from a JSONDecodeError
        fail_clearly(load_manifest, tmp_path / "broken.json")
    assert "\n" not in str(caught.value)


def test_errors_of_the_system_end_in_one_line(tmp_path):
    with pytest.raises(SystemExit, match=f"Errno {errno.ENOENT}"):
        fail_clearly(open, tmp_path / "missing" / "file", "w")


def test_other_errors_keep_their_traceback():
    with pytest.raises(json.JSONDecodeError):  # a ValueError, but not one that this package raised
        fail_clearly(json.loads, "{")
    with pytest.raises(ZeroDivisionError):
        fail_clearly(lambda: 1 / 0)


def test_a_value_passes_through():
    assert fail_clearly(int, "12", base=8) == 10


def test_tracebacks_on_request(monkeypatch):
    monkeypatch.setenv(TRACEBACK_ENV, "1")
    with pytest.raises(ValueError, match="got 7"):
        fail_clearly(check_rate, 7)


def test_fail_makes_one_line():
    with pytest.raises(SystemExit, match=r"^a b$"):
        fail("a\n b\n")


@pytest.mark.parametrize(("action", "traceback"), [(wrapped, False), (lambda: 1 / 0, True)])
def test_uncaught_errors(monkeypatch, capsys, action, traceback):
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    report_uncaught_errors_in_one_line()
    try:
        action()
    except Exception as error:
        sys.excepthook(type(error), error, error.__traceback__)
    printed = capsys.readouterr().err
    assert ("Traceback" in printed) is traceback
    if not traceback:
        assert printed.count("\n") == 1
        assert "got 7" in printed
