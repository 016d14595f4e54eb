"""A long table, page by page."""

from __future__ import annotations

import pytest

from exchange.pages.paging import PAGE_ROWS, page_of


@pytest.mark.parametrize(
    ("total", "asked", "number", "last"),
    [
        (0, None, 1, 1),
        (PAGE_ROWS, None, 1, 1),
        (PAGE_ROWS + 1, "2", 2, 2),
        (PAGE_ROWS + 1, "3", 2, 2),
        (PAGE_ROWS + 1, "0", 1, 2),
        (PAGE_ROWS + 1, "-1", 1, 2),
        (PAGE_ROWS + 1, "²", 1, 2),
        (PAGE_ROWS + 1, "9" * 5000, 1, 2),
    ],
)
def test_the_page_asked_for_or_one_that_is_there(total: int, asked: str | None, number: int, last: int) -> None:
    page = page_of(range(total), asked)
    assert (page.number, page.last, page.total) == (number, last, total)


@pytest.mark.parametrize("total", [0, 1, PAGE_ROWS, 3 * PAGE_ROWS + 7])
def test_all_pages_together_are_the_table(total: int) -> None:
    last = page_of(range(total), None).last
    shown = [row for number in range(1, last + 1) for row in page_of(range(total), str(number)).rows]
    assert shown == list(range(total))
    assert all(page_of(range(total), str(number)).rows for number in range(2, last + 1))
