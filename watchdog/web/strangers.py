"""What is said where a listener beyond loopback shows strangers the public paths alone.

Owns: the ways out, in English and Russian, by the keys of a file or by the
variables that stand for them. Pure. Must not know: who asks, HTTP.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_STEPS: Final[Mapping[str, tuple[str, str, str]]] = {
    "en": (
        "Nobody else needs it: {listen}.",
        "Others do: set passwords or client certificates ({web}), see docs/security.md.",
        "The network is yours alone, as in docker compose: {trust}.",
    ),
    "ru": (
        "Если страница нужна только на этой машине: {listen}.",
        "Если нужна и другим: задайте пароли или сертификаты ({web}), см. docs/security.md.",
        "Если в этой сети только вы, как в docker compose: {trust}.",
    ),
}
_WHAT: Final[Mapping[str, str]] = {
    "en": "This page is not for the network: whoever reaches this address gets /metrics, /healthz"
    " and /readyz alone.",
    "ru": "Эта страница закрыта для сети: по этому адресу доступны только /metrics, /healthz"
    " и /readyz.",
}
_KEYS: Final[Mapping[str, str]] = {
    "listen": "`listen: 127.0.0.1:10187`",
    "web": "`web.config_file`",
    "trust": "`web: {trust_network: true}`",
}
_VARIABLES: Final[Mapping[str, str]] = {
    "listen": "`DB_WATCHDOG_LISTEN=127.0.0.1:10187`",
    "web": "`DB_WATCHDOG_WEB_CONFIG_FILE`",
    "trust": "`DB_WATCHDOG_TRUST_NETWORK=true`",
}


def steps(language: str, *, by_variables: bool) -> list[str]:
    """Return what to do for more; *by_variables*: there is no configuration file."""
    names = _VARIABLES if by_variables else _KEYS
    return [step.format(**names) for step in _STEPS.get(language, _STEPS["en"])]


def refusal(language: str, *, by_variables: bool) -> str:
    """Return the page that a stranger gets in place of one that is not public."""
    what = _WHAT.get(language, _WHAT["en"])
    return "\n".join([what, *(f"- {step}" for step in steps(language, by_variables=by_variables))])
