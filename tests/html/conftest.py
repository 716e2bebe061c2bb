"""A headless Chromium, and pages that must neither complain nor ask for anything."""

import shutil
from pathlib import Path

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


@pytest.fixture(scope="session")
def browser():
    """One browser for all tests; without one they are skipped."""
    api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"no Chromium found (looked for {', '.join(BROWSERS)})")
    with api.sync_playwright() as playwright:
        # as root, as in containers, Chromium starts only without its sandbox; pages are our own files
        found = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield found
        found.close()


class Opened:
    """A page with what it complained about and asked for."""

    def __init__(self, page) -> None:
        self.page = page
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.dialogs: list[str] = []
        page.on(
            "console", lambda message: message.type in ("error", "warning") and self.complaints.append(message.text)
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("dialog", self._dialog)

    def _dialog(self, dialog) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def go(self, path: Path) -> None:
        """Open a file and come near all its parts."""
        self.page.goto(path.as_uri())
        self.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")

    def check(self) -> None:
        """Nothing was wrong and nothing was asked for beside the file and what it holds."""
        assert not self.complaints
        assert not self.dialogs
        outside = [url for url in self.requests if not url.startswith(("file:", "blob:", "data:"))]
        assert not outside
        assert sum(url.startswith("file:") for url in self.requests) == 1


@pytest.fixture
def opened(browser):
    context = browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True)
    found = Opened(context.new_page())
    found.page.set_default_timeout(10_000)
    yield found
    context.close()
