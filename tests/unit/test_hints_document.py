"""The page of hints says what the catalogue says."""

from __future__ import annotations

from pathlib import Path

from watchdog.hints.catalogue import entries
from watchdog.hints.document import document

PAGE = Path(__file__).parents[2] / "docs" / "hints.md"


def test_the_page_is_current() -> None:
    assert PAGE.read_text(encoding="utf-8") == document(), (
        "run: python -m watchdog.hints.document > docs/hints.md"
    )


def test_every_hint_has_its_anchor() -> None:
    page = document()
    for cause, entry in entries().items():
        assert f'<a id="{cause}"></a>' in page
        assert entry.documentation in page


def test_no_placeholder_is_left_on_the_page() -> None:
    assert "{host" not in document()
    assert "{path" not in document()
