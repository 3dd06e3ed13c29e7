"""JupyterLab from this environment: a server of its own that leaves nothing behind, and notebooks run in its pages."""

import json
import os
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from playwright.sync_api import Browser, Page, TimeoutError

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = Path(__file__).parent / "lab.js"
SECONDS_TO_START, SECONDS_TO_OPEN, SECONDS_TO_RUN, SECONDS_TO_SETTLE = 120, 60, 300, 60
SETTINGS = {  # no questions, and all cells on the page, so that all formulas and pictures can be looked at
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},
    "@jupyterlab/docmanager-extension:plugin": {"autosave": False},
}
FLAGS = ("--no-browser", "--ip=127.0.0.1", "--ServerApp.port=0", "--IdentityProvider.token=", "--LabApp.news_url=None")
FLAGS += ("--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly")


def copy_course(folder: Path) -> None:
    """The notebooks, and what they link to, so that nothing is written into the working tree."""
    ignore = shutil.ignore_patterns(".*", "node_modules", "__pycache__", "*.html", "*.egg-info", "build", "runs")
    shutil.copytree(ROOT, folder, ignore=ignore, symlinks=True)


@contextmanager
def server(course: Path, folder: Path):
    """JupyterLab on a free port, with its configuration, workspaces and log in `folder`; yields its address."""
    for name, values in SETTINGS.items():
        path = folder / "settings" / f"{name.replace(':', '/')}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf8")
    places = {"JUPYTER_CONFIG_DIR": "config", "JUPYTER_RUNTIME_DIR": "runtime", "JUPYTER_DATA_DIR": "data"}
    places |= {
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
    }
    environment = os.environ | {name: str(folder / place) for name, place in places.items()}
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [sys.executable, "-m", "jupyterlab", *FLAGS, *root, f"--ServerApp.root_dir={course}"]
    log = folder / "server.log"
    with log.open("w", encoding="utf8") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=course)
    try:
        yield wait_for_address(process, folder / "runtime", log)
    finally:
        process.terminate()
        process.wait(timeout=60)


def wait_for_address(process: subprocess.Popen, runtime: Path, log: Path) -> str:
    """The server's address, once it answers."""
    deadline = time.monotonic() + SECONDS_TO_START
    while time.monotonic() < deadline and process.poll() is None:
        for path in runtime.glob("jpserver-*.json"):
            try:
                address = json.loads(path.read_text(encoding="utf8"))["url"]
                urlopen(address + "api", timeout=5).close()
                return address
            except (URLError, ValueError, OSError):
                pass
        time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf8')[-3000:]}")


class Lab:
    """JupyterLab in a page, in which one notebook after the other is opened."""

    def __init__(self, browser: Browser, address: str):
        self.path = "JupyterLab"
        self.page: Page = browser.new_page(viewport={"width": 1280, "height": 900})
        self.page.set_default_timeout(SECONDS_TO_OPEN * 1000)
        self.page.add_init_script(path=SCRIPTS)
        self.page.goto(f"{address}lab")

    def open(self, path: str) -> None:
        """Open a notebook of the course, and wait for its kernel."""
        self.path = path
        self.wait(f"course.find({json.dumps(path)})", SECONDS_TO_OPEN, "did not open with a kernel")

    def wait(self, condition: str, seconds: float, complaint: str) -> None:
        """Until the condition holds in the page; otherwise fail with what is known."""
        try:
            self.page.wait_for_function(condition, timeout=seconds * 1000, polling=100)
        except TimeoutError:
            state = self.page.evaluate("course.state()")
            raise AssertionError(f"{self.path}: {complaint} within {seconds} s ({state})") from None

    def restart_and_run_all(self) -> None:
        """What a reader does from the menu Run, the answer to the question included."""
        self.page.evaluate("() => { course.run() }")
        self.page.locator(".jp-Dialog", has_text="Restart Kernel?").locator("button.jp-mod-accept").click()
        self.wait("course.finished", SECONDS_TO_RUN, "Restart Kernel and Run All Cells did not finish")

    def look(self, seconds: float = SECONDS_TO_SETTLE) -> dict:
        """Errors, formulas, pictures and links of the whole page; formulas and pictures get time to arrive."""
        with suppress(TimeoutError):  # what has not arrived is among the problems
            self.page.wait_for_function("course.settled()", timeout=seconds * 1000, polling=200)
        return self.page.evaluate("course.look()")

    def follow(self, name: str) -> None:
        """Click on a link to another notebook in the first cell, and wait for that one's kernel."""
        before, self.path = self.path, str(Path(self.path).with_name(name))
        self.page.evaluate("path => { course.asked = path }", self.path)
        self.page.locator(".jp-Notebook:visible .jp-Cell").first.locator(f"a[href*='{name}']").first.click()
        complaint = f"did not open by the link in {before}"
        self.wait(f"course.find({json.dumps(self.path)})", SECONDS_TO_OPEN, complaint)

    def close(self) -> None:
        """End the notebook's kernel and close it unsaved."""
        self.page.evaluate("course.close()")
