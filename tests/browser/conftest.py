"""One browser and one JupyterLab for all tests."""

import pytest

import slides.browser
from tests.browser import lab


@pytest.fixture(scope="session")
def chromium():
    """A headless Chromium."""
    with slides.browser.chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def course(tmp_path_factory):
    """A copy of the course, to be opened and run."""
    folder = tmp_path_factory.mktemp("course") / "course"
    lab.copy_course(folder)
    return folder


@pytest.fixture(scope="session")
def reader(chromium, course, tmp_path_factory):
    """A page with a JupyterLab that serves the copy."""
    with lab.server(course, tmp_path_factory.mktemp("lab")) as address:
        yield lab.Lab(chromium, address)
