"""Stored files are found from every working directory."""

import pytest

from trpo_lib.classroom import stored
from trpo_lib.classroom.stored import COURSE


def test_a_file_is_found_from_any_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert stored("07_ladder.csv") == COURSE / "notebooks" / "data" / "07_ladder.csv"


@pytest.mark.parametrize("folder", ["data", "notebooks/data", "../data"])
def test_a_file_beside_the_kernel_is_found_where_the_package_came_without_data(folder, tmp_path, monkeypatch):
    (tmp_path / "work" / folder).mkdir(parents=True)
    (tmp_path / "work" / folder / "mine.csv").write_text("step", encoding="utf8")
    monkeypatch.chdir(tmp_path / "work")
    assert stored("mine.csv").read_text(encoding="utf8") == "step"


def test_a_missing_file_is_refused_with_what_to_do():
    with pytest.raises(FileNotFoundError, match=r"nothing\.csv .* pip install -e \."):
        stored("nothing.csv")
