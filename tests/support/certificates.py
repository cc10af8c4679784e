"""Certificates for tests, made by openssl: an authority, a server for 127.0.0.1, a client."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Certificates:
    """Files in PEM. ``other`` is an authority that has signed nothing."""

    folder: Path

    def __getattr__(self, name: str) -> Path:
        kind, _, what = name.rpartition("_")
        return self.folder / f"{kind}.{what}"


def make_certificates(
    folder: Path,
    *,
    client: str = "watchdog",
    host: str = "IP:127.0.0.1",
    client_extension: str = "extendedKeyUsage=clientAuth",
) -> Certificates:
    """Make them in *folder*: ``ca_crt``, ``other_crt``, ``server_crt``, ``server_key``, …"""
    if shutil.which("openssl") is None:
        pytest.skip("making certificates needs the program openssl")
    for authority in ("ca", "other"):
        _openssl(
            folder,
            f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30"
            f" -subj /CN={authority} -keyout {authority}.key -out {authority}.crt",
        )
    for who, subject, extension in (
        ("server", "db.test", f"subjectAltName={host}"),
        ("client", client, client_extension),
    ):
        _openssl(
            folder,
            f"req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN={subject}"
            f" -keyout {who}.key -out {who}.csr",
        )
        (folder / f"{who}.ext").write_text(extension + "\n")
        _openssl(
            folder,
            f"x509 -req -in {who}.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 30"
            f" -extfile {who}.ext -out {who}.crt",
        )
    for key in folder.glob("*.key"):
        key.chmod(0o600)
    return Certificates(folder)


def _openssl(folder: Path, arguments: str) -> None:
    done = subprocess.run(
        ["openssl", *arguments.split()], cwd=folder, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"openssl {arguments}: {done.stderr}")
