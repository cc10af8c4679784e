"""A server, its tools and their messages in a language of the reader's.

Owns: which languages the PostgreSQL of this machine speaks, the locales that
they take (made in a folder of our own), and the environment for both sides.
"""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

import pytest

# The catalogue's language, and a locale that speaks it.
LOCALES: Final = {
    "ru": "ru_RU",
    "de": "de_DE",
    "fr": "fr_FR",
    "es": "es_ES",
    "it": "it_IT",
    "ja": "ja_JP",
    "zh_CN": "zh_CN",
    "ko": "ko_KR",
    "uk": "uk_UA",
    "ka": "ka_GE",
    "sv": "sv_SE",
    "tr": "tr_TR",
    "pl": "pl_PL",
    "pt_BR": "pt_BR",
}
_CATALOGUES: Final = Path("/usr/share/locale")
_SOURCES: Final = Path("/usr/share/i18n/locales")


@dataclass(frozen=True)
class Spoken:
    """Binaries with message catalogues, and the locales of them that are made in ``folder``."""

    binaries: Path
    folder: Path

    def locale(self, language: str) -> str:
        """Return the locale of *language*; make it if this is the first time."""
        name = LOCALES[language]
        made = self.folder / f"{name}.utf8"
        if not made.exists():
            command = ["localedef", "-i", name, "-f", "UTF-8", str(made)]
            subprocess.run(command, capture_output=True, check=False)
            self.folder.chmod(0o755)
        if not made.exists():
            pytest.skip(f"the locale {name} cannot be made")
        return made.name

    def environment(self, language: str) -> dict[str, str]:
        """Return what a program needs in its environment to speak *language*."""
        return {"LOCPATH": str(self.folder), "LC_ALL": self.locale(language)}


@cache
def installed() -> tuple[Path, tuple[str, ...]] | None:
    """Return the newest binaries with catalogues and their languages; ``None`` without any."""
    for binaries in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        domain = f"postgres-{binaries.parent.name}.mo"
        found = tuple(
            language
            for language in LOCALES
            if (_CATALOGUES / language / "LC_MESSAGES" / domain).exists()
        )
        if found and (binaries / "initdb").exists():
            return binaries, found
    return None


def spoken(folder: Path) -> Spoken:
    """Return the binaries that speak several languages; skip, plainly, where there are none."""
    found = installed()
    if found is None:
        pytest.skip("no PostgreSQL server with translated messages on this machine")
    if shutil.which("localedef") is None or not _SOURCES.is_dir():
        pytest.skip("no locale can be made: localedef or its sources are missing")
    return Spoken(found[0], folder)


def require(language: str) -> None:
    """Skip, plainly, where the server of this machine does not speak *language*."""
    found = installed()
    if found is None or language not in found[1]:
        pytest.skip(f"no PostgreSQL server on this machine speaks {language}")
