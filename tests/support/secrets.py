"""The process-wide list of secrets, put back after a module that makes up many.

Import ``forget_secrets`` into a test module; it works by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from watchdog import secret


@pytest.fixture(scope="module", autouse=True)
def forget_secrets() -> Iterator[None]:
    """Take the passwords of this module's tests off the list of what is masked everywhere."""
    known = set(secret._known)
    yield
    secret._known.clear()
    secret._known.update(known)
