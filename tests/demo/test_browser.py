"""The page itself, in headless Chromium: each tab is clicked through, at desktop and phone width."""

import importlib.util
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import Browser, binary
from small_mill import ROOT

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="Gradio is not installed: make demo"),
    pytest.mark.skipif(binary() is None, reason="no Chromium here (or name one in CHROMIUM)"),
]
WIDE, NARROW = 1280, 390
# What can be clicked, typed in or chosen, without a name that a screen reader could say.
NAMELESS = """[...document.querySelectorAll('button, input, textarea, select, [role=tab]')]
  .filter(one => one.offsetParent !== null && !(one.ariaLabel || one.innerText || one.labels?.length || one.title
    || one.getAttribute('aria-labelledby') || one.placeholder)).map(one => one.outerHTML.slice(0, 200))"""
# Text too faint for its ground: less than 4.5 to 1 (WCAG 2.2, 1.4.3).
FAINT = """(() => {
  const light = c => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const rgb = text => { const n = text.match(/[\\d.]+/g).map(Number);
    return n.length > 3 && n[3] === 0 ? null : n.slice(0, 3); };
  const ground = one => { for (; one; one = one.parentElement) { const c = rgb(getComputedStyle(one).backgroundColor);
    if (c) return c; } return [255, 255, 255]; };
  return [...document.querySelectorAll('.gradio-container *')].filter(one => one.offsetParent !== null
    && [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim())).filter(one => {
      const [a, b] = [light(rgb(getComputedStyle(one).color)), light(ground(one))].sort((x, y) => y - x);
      return (a + 0.05) / (b + 0.05) < 4.5; }).map(one => one.outerHTML.slice(0, 120)); })()"""


@pytest.fixture
def address(demo_mill, tmp_path):
    """The demo over the small mill, served by its own command line."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    env = os.environ | {"PYTHONPATH": str(ROOT), "NO_PROXY": "*"}
    with (tmp_path / "demo.log").open("w") as log:
        serving = subprocess.Popen(
            [sys.executable, "-m", "demo.app", "--port", str(port)], env=env, stdout=log, stderr=log
        )
        try:
            until = time.monotonic() + 180
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                    break
                except (urllib.error.URLError, OSError):
                    assert serving.poll() is None, (tmp_path / "demo.log").read_text()
                    assert time.monotonic() < until, (tmp_path / "demo.log").read_text()
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/"
        finally:
            serving.terminate()
            serving.wait(timeout=60)


@pytest.fixture
def browser():
    browser = Browser(WIDE)
    yield browser
    browser.close()


def answer(browser: Browser, name: str, part: str = ".card") -> str:
    """The text of a tab's answer once it has such a part."""
    browser.wait(f"document.querySelector('#{name}-answer {part}')")
    return browser.js(f"document.querySelector('#{name}-answer').innerText")


def fits(browser: Browser, tab: str) -> None:
    """Nothing is wider than the page, at either width; all is named, and legible by day and by night.

    A picture of each width goes to the folder that REVIEWMILL_PICTURES names, where it names one.
    """
    assert browser.js(NAMELESS) == []
    for _ in ("as it was", "the other way round"):
        assert browser.js(FAINT) == []
        browser.js("document.body.classList.toggle('dark')")
    for width in (NARROW, WIDE):
        browser.resize(width, 900)
        browser.wait(f"document.documentElement.scrollWidth <= {width}", seconds=20)
        if folder := os.environ.get("REVIEWMILL_PICTURES"):
            browser.picture(Path(folder) / f"{tab}-{width}.png")


def test_each_tab_answers(address, browser):
    browser.open(address)
    browser.click("[role=tab]", "Write")
    browser.type("Rubrics", "Кафе")
    browser.type("Keywords", "суп, официант")
    browser.click("button", "Write the review")
    told = answer(browser, "write")
    assert told.count("Written by a machine") == 2 and " ms" in told and "t5-full" in told
    fits(browser, "write")

    browser.click("[role=tab]", "Sentiment")
    browser.type("Review", "")
    browser.click("button", "Judge it")
    assert "Nothing to read yet" in answer(browser, "judge", ".warning")
    browser.type("Review", '<b onmouseover="alert(1)">Отличный суп</b><script>document.title="owned"</script>')
    browser.click("button", "Judge it")
    told = answer(browser, "judge")
    assert "sure" in told and "positive" in told and "tidied" in told
    assert browser.js("document.title") == "Reviewmill"
    fits(browser, "judge")

    browser.click("[role=tab]", "Summary")
    browser.type("Reviews, one a line", "5 Суп отличный, горячий.\n1 Официант груб.\n4 Уютный зал.")
    browser.click("button", "Sum them up")
    told = answer(browser, "summarise")
    assert "of 10" in told and "Официант груб." in told
    fits(browser, "summarise")

    browser.click("[role=tab]", "Mark")
    browser.click("button", "A good answer")  # an example fills all three
    browser.wait("[...document.querySelectorAll('textarea')].some(one => one.value.startsWith('Both spoons'))")
    browser.click("button", "Mark it")
    told = answer(browser, "mark", ".points")
    assert " of 1" in told and "by overlap, not by the model" in told and "said" in told
    fits(browser, "mark")

    hosts = {urlsplit(url).hostname for url in browser.asked if urlsplit(url).scheme not in ("data", "blob")}
    assert hosts == {"127.0.0.1"}, f"the page asked elsewhere: {hosts}"
    assert not [line for line in browser.said if "Content Security Policy" in line], browser.said


def test_the_keyboard_alone_suffices(address, browser):
    browser.open(address)
    browser.click("[role=tab]", "Sentiment")
    browser.type("Review", "Отличный суп.")
    for _ in range(60):  # the page may be drawn anew under the focus, which begins at its head again
        browser.key("Tab")
        if browser.js("document.activeElement.innerText?.trim()") == "Judge it":
            break
    assert browser.js("document.activeElement.innerText.trim()") == "Judge it"
    browser.wait("getComputedStyle(document.activeElement).outlineStyle == 'solid'")
    browser.key("Enter")
    assert "sure" in answer(browser, "judge")


def test_it_answers_to_its_own_name_alone(address):
    request = urllib.request.Request(address, headers={"Host": "evil.example"})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request, timeout=30)
    assert refused.value.code == 400
    with urllib.request.urlopen(address, timeout=30) as told:
        assert "default-src 'self'" in told.headers["Content-Security-Policy"]
