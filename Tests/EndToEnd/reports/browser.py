"""Headless Chromium, driven over its DevTools protocol."""

import base64
import json
import os
import shutil
import subprocess
import tempfile

import websocket


class Browser:
    """One page of one browser. Use it in a `with` statement."""

    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="aftershock-browser-")
        program = shutil.which("chromium") or shutil.which("chromium-browser") or "chromium"
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run",
             "--disable-dev-shm-usage", f"--user-data-dir={self.folder}", "--remote-debugging-port=0", "about:blank"],
            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        address = self._address()
        self.socket = websocket.create_connection(address, suppress_origin=True, timeout=60)
        self.count = 0
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")
        self.call("Runtime.enable")

    def _address(self):
        for line in self.process.stderr:
            if "DevTools listening on " in line:
                return line.split("DevTools listening on ")[1].strip()
        raise RuntimeError("chromium ended before it listened")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()
        self.process.terminate()
        self.process.wait()
        self.process.stderr.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def call(self, method, **parameters):
        self.count += 1
        message = {"id": self.count, "method": method, "params": parameters}
        if hasattr(self, "session"):
            message["sessionId"] = self.session
        self.socket.send(json.dumps(message))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.count:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.last_event = answer

    def wait_for(self, event):
        while True:
            if json.loads(self.socket.recv()).get("method") == event:
                return

    def open(self, path, width=1400, height=900, dark=False, scripts=True, fragment=""):
        # With "mobile" the page is laid out as on a telephone, where the width is really that narrow.
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500)
        self.call("Emulation.setEmulatedMedia", media="", features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=f"file://{os.path.abspath(path)}{fragment}")
        self.wait_for("Page.loadEventFired")

    def evaluate(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def screenshot(self, path):
        data = self.call("Page.captureScreenshot", format="webp", quality=60)["data"]
        with open(path, "wb") as file:
            file.write(base64.b64decode(data))

    def print(self):
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)["data"])

    def lay_out_as_printed(self):
        """The open page as the printer gets it, on the width of A4 without its margins."""
        self.call("Emulation.setDeviceMetricsOverride", width=717, height=1043, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "light"}])
        self.evaluate("dispatchEvent(new Event('beforeprint'))")

    def key(self, name):
        self.call("Input.dispatchKeyEvent", type="keyDown", key=name, text=name if len(name) == 1 else "")
        self.call("Input.dispatchKeyEvent", type="keyUp", key=name)

    def drag(self, x1, x2, y):
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x1, y=y, button="left", buttons=1, clickCount=1)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=(x1 + x2) / 2, y=y, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x2, y=y, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=x2, y=y, button="left", clickCount=1)
