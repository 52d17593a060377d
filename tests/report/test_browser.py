"""The page in headless Chromium, as a person uses it."""

import shutil

import pytest

from monai_gan_recon.report import write_report

webdriver = pytest.importorskip("selenium.webdriver", reason="needs selenium: pip install '.[dev]'")

pytestmark = pytest.mark.slow

PIXEL_SUM = """
const c = document.getElementById('canvas'), box = arguments[0];
const d = c.getContext('2d').getImageData(box[0]*c.width, box[1]*c.height, box[2]*c.width, box[3]*c.height).data;
let sum = 0, colour = 0;
for (let i = 0; i < d.length; i += 4) { sum += d[i]; colour += Math.abs(d[i] - d[i + 2]); }
return [sum, colour];
"""
WHOLE = [0, 0, 1, 1]


@pytest.fixture(scope="module")
def browser():
    binary, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if not binary or not driver:
        pytest.skip("needs chromium and chromedriver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for option in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1200,900"):
        options.add_argument(option)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield chrome
    chrome.quit()


@pytest.fixture
def page(browser, report):
    browser.get(report["report"].as_uri())
    settle(browser)
    yield browser
    severe = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    assert severe == []


def settle(browser):
    """Wait until what was asked for is drawn."""
    done = "return new Promise(r => setTimeout(() => r(document.getElementById('canvas').dataset.drawn), 300))"
    assert int(browser.execute_script(done)) > 0


def change(browser, name, value):
    browser.execute_script(
        "const e = document.getElementById(arguments[0]);"
        "typeof arguments[1] === 'boolean' ? e.checked = arguments[1] : e.value = arguments[1];"
        "e.dispatchEvent(new Event('input'))",
        name,
        value,
    )
    settle(browser)


def pixels(browser, box=WHOLE):
    return browser.execute_script(PIXEL_SUM, box)


def test_divider_moves(page):
    change(page, "split", 90)
    before = pixels(page, [0.45, 0.1, 0.1, 0.3])
    change(page, "split", 10)
    assert pixels(page, [0.45, 0.1, 0.1, 0.3]) != before


def test_overlay_toggles(page):
    assert pixels(page)[1] > 0
    change(page, "overlay", False)
    assert pixels(page)[1] == 0
    change(page, "overlay", True)
    assert pixels(page)[1] > 0


def test_arrows_scroll_slices(page):
    from selenium.webdriver.common.keys import Keys

    canvas, shown = page.find_element("id", "canvas"), page.find_element("id", "sliceOut")
    first, before = shown.text, pixels(page)
    canvas.send_keys(Keys.ARROW_UP)
    settle(page)
    assert (first, shown.text) == ("4 of 7", "5 of 7")
    assert pixels(page) != before


def test_window_zoom_and_difference(page):
    change(page, "overlay", False)
    for name, value in (("window", 30), ("zoom", 3), ("left", "difference")):
        before = pixels(page)
        change(page, name, value)
        assert pixels(page) != before
    assert pixels(page)[1] > 0  # the difference has colours


def test_one_image_is_not_compared(browser, scan, tmp_path):
    files = write_report(tmp_path / "one_report.html", {"image": scan["reference"]}, "one", spacing=(1.0, 2.0))
    browser.get(files["report"].as_uri())
    settle(browser)
    for name in ("left", "right", "split"):
        assert not browser.find_element("id", name).is_displayed()
    (pan,) = browser.find_elements("css selector", "[data-tool][aria-pressed=true]")
    assert pan.text == "Pan"


def test_names_are_text(page):
    assert page.title.startswith("</script>")
    assert page.find_elements("tag name", "img") == []
    assert "onerror" in page.find_element("id", "legend").text


def test_no_request_leaves_the_page(page):
    page.get_log("performance")
    page.refresh()
    settle(page)
    requests = [entry["message"] for entry in page.get_log("performance") if "requestWillBeSent" in entry["message"]]
    assert any("file:///" in message for message in requests)
    assert [message for message in requests if '"url":"http' in message or '"url":"ws' in message] == []


def test_phone(page):
    page.set_window_size(500, 900)
    settle(page)
    width = page.execute_script("return [document.documentElement.scrollWidth, innerWidth]")
    page.set_window_size(1200, 900)
    assert width[0] <= width[1]
