"""Passwords, and how they stay out of sight.

Owns: the ``Secret`` type, the process-wide list of secret values seen so far,
and ``mask``, which every outgoing text passes through (log lines, error
messages, pages). Must not know: configuration, logging, databases.
"""

from __future__ import annotations

import json
import re
from typing import Final
from urllib.parse import quote, quote_plus, unquote

MASK: Final = "***"

# Shorter values would turn ordinary words into asterisks; a URL's own
# password is still masked by its place in the URL, whatever its length.
_SHORTEST_REGISTERED: Final = 4

_known: set[str] = set()

# scheme://user:password@ - the password runs to the last @ before the next
# slash, space or quote, for people forget to percent-encode an @. PASSWORD is
# what our own messages write before @HOST.
# Bounded, for a text that only looks like many URLs must not take a second.
_URL_PASSWORD = re.compile(
    r"(?P<head>\b[a-z][a-z0-9+.-]{0,63}://[^\s:/?#@\"'<>]*:)(?P<secret>(?!PASSWORD@HOST)[^\s\"'<>]{0,2048})(?=@)",
    re.IGNORECASE,
)
_KEY_PASSWORD = re.compile(
    r"(?P<head>\b(?:\w*password|passwd|pgpassword|sslpassword|\w*secret|token)\b[\"']?\s*[=:]\s*)"
    r"(?P<secret>'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.)*\"|[^\s&;,)}\]\"']+)",
    re.IGNORECASE,
)


class Secret:
    """A value that never shows itself: ``str``, ``repr`` and formatting give ``***``.

    Constructing one registers the value, so that ``mask`` finds it in any
    text from then on, also percent-encoded; *listed* is false for a value
    that is a public name as well (password ``postgres`` of user
    ``postgres``), which would take the name out of every text.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str, *, listed: bool = True) -> None:
        self._value = value
        if listed:
            register(value)

    def reveal(self) -> str:
        """Return the value; for drivers and passfiles only."""
        return self._value

    def __repr__(self) -> str:
        return MASK

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(MASK, spec)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __bool__(self) -> bool:
        return bool(self._value)

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a Secret is not pickled: pass it on by a file of mode 0600")


def register(value: str) -> None:
    """Mask *value* in every text from now on (values under four characters are not listed)."""
    forms = {value, quote(value, safe=""), quote(value), quote_plus(value), unquote(value)}
    forms |= {quoted(value)[1:-1] for quoted in (repr, ascii, json.dumps, _json_as_it_is)}
    forms |= {value.replace("\\", "\\\\").replace(":", "\\:")}
    _known.update(form for form in forms if len(form) >= _SHORTEST_REGISTERED)


def _json_as_it_is(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def mask(text: str) -> str:
    """Return *text* with every known secret, and whatever looks like one in a URL, masked."""
    # One search each is quicker than one pattern of thousands of alternatives.
    found = [form for form in _known if form in text]
    for form in sorted(found, key=len, reverse=True):
        text = text.replace(form, MASK)
    if "://" in text and "@" in text:
        text = _URL_PASSWORD.sub(_keep_head, text)
    return _KEY_PASSWORD.sub(_keep_head, text)


def _keep_head(match: re.Match[str]) -> str:
    return match["head"] + MASK
