"""The reference of the configuration says what the code takes, and all of it."""

import runpy
from pathlib import Path

from ecmahost_core.configuration.meanings import MEANINGS
from ecmahost_core.configuration.reference import keys, reference
from ecmahost_core.connectors.discovery import Catalogue

DOCS = Path(__file__).parents[2] / "docs"


def test_every_key_says_what_it_is_for_and_nothing_is_said_of_keys_that_there_are_not() -> None:
    assert sorted(MEANINGS) == sorted(keys())
    assert all(meaning.text.endswith(".") for meaning in MEANINGS.values())


def test_docs_configuration_md_is_what_docs_write_reference_writes() -> None:
    described = runpy.run_path(str(DOCS / "write-reference"))["DESCRIBED"]
    catalogue = Catalogue()
    text = reference({name: catalogue.definitions(name) for name in described})
    assert (DOCS / "configuration.md").read_text(encoding="utf-8") == text, "run docs/write-reference"


def test_a_row_says_what_the_message_about_a_wrong_value_asks_for_and_what_holds_without_the_key() -> None:
    text = reference({})
    assert "| `port` | a whole number from 0 to 65535 | `8585` |" in text
    assert '| `attributes.NAME.direction` | one of "import", "export", "import_export" | as the target says |' in text
    assert "| `instance` | a UUID; make one with: " in text
