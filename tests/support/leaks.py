"""The scanner for passwords: in what forms one may show, and where.

``forms(password)`` are all the ways in which a password may stand in a text;
``leaks(passwords, places)`` searches named texts and tells what was found
where. A test asserts that it is empty.
"""

from __future__ import annotations

import base64
import html
import json
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus, unquote


def forms(password: str) -> set[str]:
    """Return the password as it is, as URLs, shells, JSON, HTML and libpq write it, and encoded."""
    found = {password, quote(password), quote(password, safe=""), quote_plus(password)}
    found |= {_small(form) for form in list(found)}
    found |= {repr(password)[1:-1], repr(repr(password))[2:-2], ascii(password)[1:-1]}
    found |= {json.dumps(password)[1:-1], json.dumps(password, ensure_ascii=False)[1:-1]}
    found |= {html.escape(password), html.escape(password, quote=False), shlex.quote(password)}
    found.add(re.sub(r"([\\'])", r"\\\1", password))  # a connection string
    found.add(re.sub(r"([\\:])", r"\\\1", password))  # a passfile
    found.add(password.replace("'", "''"))  # SQL
    found |= {unquote(password), base64.b64encode(password.encode()).decode()}
    found |= {password.encode().hex(), password[::-1]}
    # A stump or two halves would do no less harm.
    found |= {password[: len(password) * 2 // 3], password[len(password) // 3 :]}
    assert min(map(len, found)) >= 6, "too short to be told from ordinary text"
    return found


def leaks(passwords: Iterable[str], places: Mapping[str, str]) -> list[str]:
    """Return each occurrence, with the place and what stands before it."""
    found = []
    for password in passwords:
        for form in forms(password):
            for place, text in places.items():
                at = text.find(form)
                if at >= 0:
                    before = text[max(0, at - 60) : at]
                    found.append(f"{place}: {form!r} after {before!r}")
    return found


def files(*folders: Path) -> dict[str, str]:
    """Return the content of every file below *folders*, and its name."""
    return {
        str(path): f"{path}\n{path.read_bytes().decode('utf-8', 'replace')}"
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


def _small(text: str) -> str:
    return re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), text)
