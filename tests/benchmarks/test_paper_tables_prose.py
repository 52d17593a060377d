"""Decibels quoted in the sentences of the tables' page, which are written by hand, are those of the result files."""

import json
import re

import pytest

from benchmarks.paper_tables.grid import RESULTS_DIR
from benchmarks.paper_tables.report import PAGE

GENERATED = re.compile(r"<!-- (?P<part>.+?) -->.*?<!-- end of (?P=part) -->", re.DOTALL)
QUOTED = re.compile(r"(?<![\w.])(?P<psnr>\d\d\.\d\d)(?!\d| %)(?:(?: dB)?\s+/\s+(?P<ssim>0\.\d+))?")


def quotes(text):
    """PSNR with two decimals, with the SSIM behind it or None, outside the parts that are rendered."""
    return {(found["psnr"], found["ssim"]) for found in QUOTED.finditer(GENERATED.sub("", text))}


def is_measured(quote, results):
    psnr, ssim = quote
    return any(
        f"{result['psnr']['mean']:.2f}" == psnr
        and (ssim is None or f"{result['ssim']['mean']:.{len(ssim) - 2}f}" == ssim)
        for result in results
    )


@pytest.fixture(scope="module")
def results():
    found = [
        json.loads(path.read_text(encoding="utf-8")) for path in sorted(RESULTS_DIR.rglob("*_*x*_*.json"))
    ]
    return [result for result in found if "psnr" in result]


def test_what_counts_as_a_quote():
    text = "A 28.36 dB\n/ 0.840 and 33.62 / 0.93, 43.33; 49.61 % and 37.4 / 0.95 do not\n"
    text += "<!-- t a -->\n11.11\n<!-- end of t a -->\n"
    assert quotes(text) == {
        ("28.36", "0.840"),
        ("33.62", "0.93"),
        ("43.33", None),
    }
    made = [{"psnr": {"mean": 33.619}, "ssim": {"mean": 0.92947}}]
    assert is_measured(("33.62", "0.929"), made)
    assert not is_measured(("33.62", "0.930"), made)
    assert not is_measured(("33.61", None), made)


def test_every_quoted_number_was_measured(results):
    quoted = quotes(PAGE.read_text(encoding="utf-8"))
    assert len(quoted) > 20
    assert sorted(quote for quote in quoted if not is_measured(quote, results)) == []
