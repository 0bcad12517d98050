"""A headless Chromium: what it shows of a page, what it asked for, what it complained of, and what it kept."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
#: Why tests in a browser cannot run here; empty where they can.
MISSING = "" if CHROMIUM and DRIVER else "Chromium and its driver are not here: apt install chromium chromium-driver"
_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # which a container has not, and needs no more than our own pages
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
    "--force-color-profile=srgb",
)
_OF_THE_BROWSER = ("data", "chrome", "chrome-untrusted", "devtools", "about", "blob", "chrome-extension")
_JAVASCRIPT = "profile.managed_default_content_settings.javascript"
_BLOCKED = 2  # the value by which Chromium's setting blocks
_UNTOLD = 5  # seconds: where no script runs the driver may not be told that a page has come whole
_KEPT = """
return JSON.stringify([document.cookie, Object.entries(localStorage), Object.entries(sessionStorage)]);
"""
_DATABASES = "const done = arguments[0]; indexedDB.databases().then((all) => done(all.map((each) => each.name)));"


@dataclass(frozen=True, slots=True)
class Browser:
    """A browser that was started, and the service that it looks at."""

    driver: Chrome
    address: str

    def open(self, path: str) -> None:
        """Open a page, forgetting what was logged before."""
        self.requests()
        self._log("browser")
        self.driver.get(self.address + path)

    def find(self, selector: str) -> WebElement:
        """Give the first element that a selector of CSS finds."""
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        """Give every element that a selector of CSS finds."""
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait_for(self, selector: str, seconds: float = 20) -> WebElement:
        """Wait until there is an element that a selector of CSS finds, and give the first."""
        self.until(lambda: self.all(selector), seconds)
        return self.all(selector)[0]

    def until(self, holds: Callable[[], object], seconds: float = 20) -> None:
        """Wait until something holds of the page."""
        WebDriverWait(self.driver, seconds).until(lambda _: holds())

    def evaluate(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page, and give what it returns."""
        return self.driver.execute_script(script, *arguments)

    def requests(self) -> list[str]:
        """Give the addresses that were asked for since this was last called, by the browser's own log."""
        found = []
        for entry in self._log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                asked = message["params"]
                found.append(asked["request"]["url"] if "request" in asked else asked["url"])
        return found

    def requests_elsewhere(self) -> list[str]:
        """Give those that went to another origin than that of the service."""
        own = urlsplit(self.address)
        parts = [urlsplit(each) for each in self.requests()]
        return [each.geturl() for each in parts if each.scheme not in _OF_THE_BROWSER and each[:2] != own[:2]]

    def _log(self, name: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.driver.get_log(name)  # type: ignore[no-untyped-call]
        return entries

    def complaints(self) -> list[str]:
        """Give what the console says: errors of scripts, refusals of the policy, files that are not there."""
        return [f"{each['level']}: {each['message']}" for each in self._log("browser")]

    def kept(self) -> list[Any]:
        """Give what the page left in the browser: cookies, entries of both storages, and databases."""
        cookies, local, session = json.loads(self.evaluate(_KEPT))
        return [*filter(None, [cookies]), *local, *session, *self.driver.execute_async_script(_DATABASES)]

    def violations(self, axe: str) -> list[str]:
        """Give the faults of accessibility that axe-core finds in the page as it is shown."""
        self.evaluate(axe)
        found = self.driver.execute_async_script(
            "const done = arguments[0]; axe.run().then((all) => done(all.violations));"
        )
        return [f"{each['id']}: {node['html'][:200]}" for each in found for node in each["nodes"]]

    def overflow(self) -> int:
        """Give by how many pixels the page is wider than the window."""
        return int(self.evaluate("return document.documentElement.scrollWidth - window.innerWidth"))


@contextmanager
def chromium(address: str, *, javascript: bool = True, width: int = 1280, height: int = 900) -> Iterator[Browser]:
    """Run a headless Chromium, with a profile of its own, until the block ends."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        options = ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in (*_FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        if not javascript:
            options.add_experimental_option("prefs", {_JAVASCRIPT: _BLOCKED})
        driver = Chrome(options=options, service=Service(executable_path=DRIVER or ""))
        if not javascript:
            driver.implicitly_wait(_UNTOLD)
        try:
            driver.set_script_timeout(60)
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen(width, height))
            yield Browser(driver, address)
        finally:
            driver.quit()


def screen(width: int, height: int, scale: float = 1) -> dict[str, Any]:
    """Describe a screen to the browser, in pixels of CSS."""
    return {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
