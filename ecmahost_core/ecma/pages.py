"""The pages of an import, one after the other: what an extension does to them."""

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace

from ecmahost_core.ecma.csentry import ImportPage


def map_pages(
    pages: Generator[ImportPage, None, None], function: Callable[[ImportPage], ImportPage]
) -> Generator[ImportPage, None, None]:
    """Yields what ``function`` makes of each page. A page without a watermark gets that of the page it was made of.

    For extensions that wrap an import: the wrapper itself runs before the first page is read. Errors of the connector
    and of ``function`` come out as they are, and whoever stops early closes ``pages`` by that.
    """
    with closing(pages):
        for page in pages:
            made = function(page)
            # What is no page is told by whoever looks at pages, with the extension's name.
            if page.watermark and getattr(made, "watermark", None) == "":
                made = replace(made, watermark=page.watermark)
            yield made
