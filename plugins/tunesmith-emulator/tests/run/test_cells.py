"""A script is cut into cells at its ``# %%`` lines."""

from __future__ import annotations

import pytest

pytest.importorskip("nbformat")

from tunesmith_emulator.run.cells import from_script


def cut(text):
    return [(cell.cell_type, cell.source) for cell in from_script(text).cells]


def test_without_a_marker_it_is_one_cell():
    assert cut("a = 1\n\nb = 2\n") == [("code", "a = 1\n\nb = 2")]


def test_a_marker_begins_a_cell_and_the_text_before_the_first_is_a_cell_too():
    assert cut("a = 1\n# %%\nb = 2\n#%% named\nc = 3\n") == [
        ("code", "a = 1"),
        ("code", "b = 2"),
        ("code", "c = 3"),
    ]


def test_empty_cells_are_left_out():
    assert cut("# %%\n\n# %%\na = 1\n# %%\n") == [("code", "a = 1")]
    assert cut("") == []


@pytest.mark.parametrize("kind", ["markdown", "md"])
def test_a_text_cell_has_no_comment_signs(kind):
    assert cut(f"# %% [{kind}]\n# # Title\n#\n# text\n") == [("markdown", "# Title\n\ntext")]


def test_a_marker_inside_a_line_is_none():
    assert cut("x = '# %%'\n  # %% indented\n") == [("code", "x = '# %%'\n  # %% indented")]
