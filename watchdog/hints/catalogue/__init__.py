"""The catalogue: one file a family, one entry a hint, both languages side by side.

Owns: the scan of its own files. A file exports ``FAMILY``; two entries of one
id are an error. Must not know: matching, rendering.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Mapping
from types import MappingProxyType

from watchdog.hints.entry import Entry, Family
from watchdog.model import Kind


@functools.cache
def families() -> tuple[Family, ...]:
    """Return every family, in the order of ``Kind``."""
    order = list(Kind)
    found = []
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        family: Family = module.FAMILY
        found.append(family)
    return tuple(sorted(found, key=lambda family: order.index(family.kind)))


@functools.cache
def entries() -> Mapping[str, Entry]:
    """Return every entry by its id. Raises ``TypeError`` if two share one."""
    found: dict[str, Entry] = {}
    for family in families():
        for entry in family.entries:
            if entry.id in found:
                raise TypeError(f"two hints are called {entry.id!r}")
            found[entry.id] = entry
    return MappingProxyType(found)


@functools.cache
def kinds() -> Mapping[str, Kind]:
    """Return the family of every id."""
    return MappingProxyType(
        {entry.id: family.kind for family in families() for entry in family.entries}
    )
