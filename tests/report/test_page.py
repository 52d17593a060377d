import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from monai_gan_recon.report import preview_path, write_report
from monai_gan_recon.report.canvas import DPI, Page
from monai_gan_recon.report.page import DIFFERENCE, DISCLAIMER, TITLES
from monai_gan_recon.report.pixels import decode, encode, encode_within


class Elements(HTMLParser):
    """Every element of a page, and the text inside each kind."""

    def __init__(self, text):
        super().__init__()
        self.found, self.text, self.open = [], {}, []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_data(self, data):
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data


def content(file):
    text = file.read_text(encoding="utf-8")
    return json.loads(re.search(r'id="data">(.*?)</script>', text, re.S)[1])


@pytest.mark.parametrize("caption", [*TITLES.values(), DIFFERENCE])
def test_captions_fit_their_panels(caption):
    page = Page(10, 2)
    page.text(0, 1, caption, size=12, weight="bold")
    (text,) = page.figure.texts
    assert text.get_window_extent(FigureCanvasAgg(page.figure).get_renderer()).width < 3.6 * DPI


def test_slices_round_trip():
    image = np.random.default_rng(1).integers(0, 256, (13, 17), dtype=np.uint8)
    assert np.array_equal(decode(encode(image), image.shape), image)


def test_values_are_those_of_the_volume(report, scan):
    data = content(report["report"])
    for name, volume in scan.items():
        layer = data["layers"][name]
        for i, text in zip(data["numbers"], layer["slices"], strict=True):
            values = decode(text, data["size"]) / 255 * (layer["high"] - layer["low"])
            expected = np.clip(volume[i], 0, layer["high"])
            assert np.abs(values - expected).max() <= layer["high"] / 510 * 1.001
    layer = data["layers"]["difference"]
    difference = np.abs(scan["reconstruction"] - scan["reference"])
    values = decode(layer["slices"][3], data["size"]) / 255 * layer["high"]
    assert np.abs(values - np.clip(difference[3], 0, layer["high"])).max() <= layer["high"] / 500
    labels = np.stack([decode(text, data["size"]) for text in data["labels"]["slices"]])
    assert np.array_equal(labels == 2, scan["reference"] < 40)


def test_nothing_is_fetched_and_names_are_text(report):
    text = report["report"].read_text(encoding="utf-8")
    assert not re.search(r"https?://|//cdn|@import|url\(", text)
    elements = Elements(text)
    assert not [tag for tag, _ in elements.found if tag in ("img", "iframe", "object", "embed")]
    loads = [attrs.get(key, "") for _, attrs in elements.found for key in ("src", "href") if key in attrs]
    assert loads == ["data:,"]
    (policy,) = [a["content"] for _, a in elements.found if a.get("http-equiv") == "Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert DISCLAIMER in elements.text["p"]
    assert "onerror" in elements.text["h1"]


def test_every_control_has_a_name(report):
    elements = Elements(report["report"].read_text(encoding="utf-8"))
    assert dict(elements.found)["html"]["lang"] == "en"
    assert next(a for tag, a in elements.found if tag == "canvas")["aria-label"]
    inputs = [a["id"] for tag, a in elements.found if tag in ("input", "select")]
    assert len(inputs) == len(set(inputs)) == 9


def test_the_picture_is_beside_it(report):
    assert report["preview"].name == "scan_preview.png"
    with Image.open(report["preview"]) as picture:
        width, height = picture.size
    assert width > 2 * height  # zero-filled, reconstruction, difference, segmentation
    assert preview_path("a/report.html").name == "preview.png"
    assert sorted(file.name for file in report["report"].parent.iterdir()) == [
        "scan_preview.png",
        "scan_report.html",
    ]


def test_large_volumes_lose_slices_and_say_so(tmp_path):
    noise = np.random.default_rng(0).random((40, 64, 64), dtype=np.float32)
    files = write_report(tmp_path / "report.html", {"image": noise}, "noise", max_bytes=160_000)
    assert files["report"].stat().st_size <= 160_000
    data = content(files["report"])
    assert data["count"] == 40
    assert 5 < len(data["numbers"]) < 20
    assert len(set(np.diff(data["numbers"]))) == 1
    assert len(data["layers"]["image"]["slices"]) == len(data["numbers"])
    stride = data["numbers"][1] - data["numbers"][0]
    assert f"one slice of {stride}" in files["report"].read_text(encoding="utf-8")


def test_all_slices_where_they_fit():
    volume = np.zeros((5, 8, 8), np.uint8)
    assert encode_within({"a": volume}, 10_000)[1] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    "images", [{}, {"pred": np.zeros((2, 3, 4))}, {"image": np.zeros((3, 4))},
               {"image": np.zeros((2, 3, 4)), "reference": np.zeros((2, 3, 5))}]
)  # fmt: skip
def test_what_cannot_be_shown_is_refused(tmp_path, images):
    with pytest.raises(ValueError, match="report"):
        write_report(tmp_path / "report.html", images, "x")
    assert not list(tmp_path.iterdir())
