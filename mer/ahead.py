"""Work on one item while the next one is made."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")


def ahead(items: Iterable[Item]) -> Iterator[Item]:
    """The same items in the same order, each made by another thread while the one before it is in use.

    An error in making one is raised where that one is due.
    """
    source = (item for item in items)
    with ThreadPoolExecutor(1, "ahead") as pool:
        coming = pool.submit(lambda: next(source, None))
        while (item := coming.result()) is not None:
            coming = pool.submit(lambda: next(source, None))
            yield item
