"""Headless Chromium over its DevTools protocol: open a page, wait for what is on it, click, type, take a picture."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome")
PATIENCE = 120  # seconds for what has to appear


def binary() -> str | None:
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One page. Every request it makes is noted in `asked`, every message of its console in `said`."""

    def __init__(self, width: int = 1280, height: int = 900):
        self.folder = tempfile.mkdtemp(prefix="chromium-")
        flags = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                 "--disable-background-networking", "--no-first-run", "--remote-debugging-port=0",
                 "--remote-allow-origins=*", f"--user-data-dir={self.folder}", "about:blank"]  # fmt: skip
        self.process = subprocess.Popen([binary(), *flags], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.number, self.asked, self.said = 0, [], []
        self.socket = self._connect()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def _connect(self):
        from websockets.sync.client import connect

        port = Path(self.folder, "DevToolsActivePort")
        self._until(lambda: port.is_file() and port.read_text().count("\n") >= 1, "Chromium's port")
        number = port.read_text().split("\n")[0]

        def page():
            with urllib.request.urlopen(f"http://127.0.0.1:{number}/json/list") as told:
                found = [one for one in json.load(told) if one["type"] == "page"]
            return found and found[0]["webSocketDebuggerUrl"]

        return connect(self._until(page, "Chromium's page"), max_size=None, compression=None)

    def call(self, method: str, **words) -> dict:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": words}))
        while True:
            told = json.loads(self.socket.recv(timeout=PATIENCE))
            if told.get("id") == self.number:
                assert "error" not in told, f"{method}: {told['error']}"
                return told["result"]
            self._note(told)

    def _note(self, event: dict) -> None:
        method, told = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.asked.append(told["request"]["url"])
        elif method == "Log.entryAdded":
            self.said.append(told["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.said.append(told["exceptionDetails"]["text"])

    def js(self, expression: str):
        """The value of an expression of JavaScript; a promise is waited for."""
        told = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in told, told["exceptionDetails"]
        return told["result"].get("value")

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def wait(self, expression: str, seconds: float = PATIENCE) -> None:
        """Until the expression is true of the page: an element that is there is."""
        self._until(lambda: self.js(f"!!({expression})"), expression, seconds)

    def _until(self, ask, what: str, seconds: float = PATIENCE):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                if found := ask():
                    return found
            except OSError:
                pass
            time.sleep(0.05)
        raise AssertionError(f"not in {seconds} s: {what}")

    def click(self, selector: str, text: str = "") -> None:
        """Click what can be seen of the selector and has this text (any, where none is given)."""
        find = (f"[...document.querySelectorAll({json.dumps(selector)})].find(one => one.offsetParent !== null"
                f" && (!{json.dumps(text)} || one.innerText.trim() === {json.dumps(text)}))")  # fmt: skip
        self.wait(f"!!{find}")
        self.js(f"{find}.scrollIntoView({{block: 'center'}})")
        self.js(f"{find}.click()")

    def type(self, label: str, text: str) -> None:
        """Replace what stands in the text box with this label, as typing would."""
        find = (f"[...document.querySelectorAll('label')].find(one => one.offsetParent !== null"
                f" && one.innerText.trim().startsWith({json.dumps(label)}))")  # fmt: skip
        self.wait(f"!!{find}?.querySelector('textarea, input')")
        self.js(f"{find}.querySelector('textarea, input').focus()")
        self.js("document.activeElement.select()")
        if text:
            self.call("Input.insertText", text=text)
        else:
            self.key("Backspace")

    def key(self, name: str) -> None:
        codes = {"Tab": 9, "Enter": 13, "Backspace": 8, "ArrowRight": 39, " ": 32}
        text = {"Enter": "\r", " ": " "}.get(name)
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=codes[name],
                      **({"text": text} if text and kind == "keyDown" else {}))  # fmt: skip

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)  # fmt: skip

    def picture(self, path: Path) -> None:
        """The whole page, however long."""
        told = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        Path(path).write_bytes(base64.b64decode(told["data"]))

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(timeout=30)
        shutil.rmtree(self.folder, ignore_errors=True)
