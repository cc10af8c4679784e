"""``tls_server_config`` of a web configuration file, made into a context that listens.

Owns: the meaning of its keys in terms of OpenSSL, and proof that certificate,
key, versions and ciphers go together. Must not know: sockets, HTTP. A private
key stays in memory and in no message.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import ssl
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from watchdog.config import scalars
from watchdog.config.certificate import certificates_in, valid_until
from watchdog.config.web_keys import Keys

KEYS: Final = (
    "cert_file",
    "key_file",
    "cert",
    "key",
    "client_auth_type",
    "client_ca_file",
    "client_ca",
    "client_allowed_sans",
    "min_version",
    "max_version",
    "cipher_suites",
    "prefer_server_cipher_suites",
    "curve_preferences",
)
_VERSIONS: Final = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}
_OLD_VERSIONS: Final = ("TLS10", "TLS11")
_REQUIRED: Final = "RequireAndVerifyClientCert"
_CLIENT_AUTH: Final = {
    "NoClientCert": ssl.CERT_NONE,
    "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
    _REQUIRED: ssl.CERT_REQUIRED,
}
_UNPROVEN: Final = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")
_MODERN_SUITES: Final = (
    "TLS_AES_128_GCM_SHA256",
    "TLS_AES_256_GCM_SHA384",
    "TLS_CHACHA20_POLY1305_SHA256",
)
_SUITES: Final = {
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
    "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
    "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
    "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
    "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
}
_CURVES: Final = {
    "CurveP256": "prime256v1",
    "CurveP384": "secp384r1",
    "CurveP521": "secp521r1",
    "X25519": "X25519",
}


@dataclass(frozen=True, slots=True)
class ServerTls:
    """How TLS is spoken. Two that are equal serve the same.

    *proves_clients*: no client without a certificate of the authority gets
    in; *allowed_names*, if any, are those of which such a certificate must
    have one; *expires* is when our own certificate does.
    """

    identity: str
    proves_clients: bool
    allowed_names: frozenset[str]
    expires: datetime | None
    context: ssl.SSLContext = field(repr=False, compare=False)


def read_tls(keys: Keys) -> ServerTls | None:
    """Read the section; ``None`` after noting every mistake. Reads files."""
    keys.only(KEYS)
    before = len(keys.mistakes.found)
    certificate = _pem(keys, "cert", "a certificate in PEM")
    key = _pem(keys, "key", "its private key in PEM")
    client_auth = keys.value("client_auth_type", _client_auth, "NoClientCert")
    authority = _authority(keys, client_auth)
    names = _allowed_names(keys, client_auth)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_alpn_protocols(["http/1.1"])
    _restrict(keys, context)
    if authority:
        context.load_verify_locations(cadata=authority)
    if certificate is not None and key is not None:
        _load_pair(keys, context, certificate, key)
    if len(keys.mistakes.found) > before or certificate is None or key is None:
        return None
    _prove(keys, context)
    context.verify_mode = _CLIENT_AUTH[client_auth]
    if len(keys.mistakes.found) > before:
        return None
    return ServerTls(
        identity=_identity(keys, certificate, key, authority.encode()),
        proves_clients=client_auth == _REQUIRED,
        allowed_names=frozenset(names),
        expires=valid_until(certificate.decode("ascii", "replace")),
        context=context,
    )


def _identity(keys: Keys, *contents: bytes) -> str:
    digest = hashlib.sha256(repr(sorted(keys.branch.items())).encode())
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    return digest.hexdigest()


# ------------------------------------------------------------------ certificates


def _pem(keys: Keys, name: str, what: str) -> bytes | None:
    """Return what *name* holds, or the file that ``NAME_file`` names."""
    in_file = f"{name}_file"
    inline, file = keys.given(name), keys.given(in_file)
    if inline and file:
        keys.note(name, f"{in_file} is there, too: remove one of them")
        return None
    if inline:
        text = keys.text(name)
        return text.encode() if text is not None else None
    if file:
        return keys.content(in_file, what)
    if name != "client_ca":
        keys.note(in_file, f"is missing: write {in_file}: the path of {what}")
    return None


def _load_pair(keys: Keys, context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    cert_key = "cert" if keys.given("cert") else "cert_file"
    key_key = "key" if keys.given("key") else "key_file"
    if not certificates_in(certificate.decode("ascii", "replace")):
        keys.note(cert_key, "holds no certificate: it begins with -----BEGIN CERTIFICATE-----")
        return
    if b"PRIVATE KEY-----" not in key:
        keys.note(key_key, "holds no private key: a line BEGIN PRIVATE KEY is in one")
        return
    if b"ENCRYPTED" in key:
        keys.note(
            key_key,
            "is encrypted, and nobody is there to type its password: write the path of one that"
            " is not, of mode 0600 (openssl pkey -in OLD -out NEW)",
        )
        return
    try:
        _load(context, certificate, key)
    except ssl.SSLError as error:
        keys.note(*_why_not_loaded(error, cert_key, key_key))


def _load(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load the two from memory: what was read is what is served, and no copy is on a disk."""
    descriptors = [os.memfd_create(name) for name in ("certificate", "key")]
    try:
        for descriptor, content in zip(descriptors, (certificate, key), strict=True):
            with os.fdopen(os.dup(descriptor), "wb") as file:
                file.write(content)
        first, second = (f"/proc/self/fd/{descriptor}" for descriptor in descriptors)
        context.load_cert_chain(first, second, password=b"")  # given, so that nobody is asked
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _why_not_loaded(error: ssl.SSLError, cert_key: str, key_key: str) -> tuple[str, str]:
    reason = error.reason or "OpenSSL does not take it"
    if "MISMATCH" in reason:
        return key_key, f"does not belong to {cert_key}: write the pair that was made together"
    if "KEY_TOO_SMALL" in reason or "MD_TOO_WEAK" in reason:
        return cert_key, f"is too weak ({reason}): make one of 2048 bits or more with SHA-256"
    return cert_key, f"cannot be used with {key_key} ({reason}): write PEM files of a pair"


def _authority(keys: Keys, client_auth: str) -> str:
    """Return the certificates of whoever signs those of clients, in PEM."""
    key = "client_ca" if keys.given("client_ca") else "client_ca_file"
    content = _pem(keys, "client_ca", "the certificate of whoever signs those of clients")
    if content is None:
        if client_auth != "NoClientCert" and not keys.given(key):
            keys.note(
                "client_auth_type",
                f"{client_auth} needs to know whose certificates are good: write"
                " client_ca_file: the path of their authority's certificate",
            )
        return ""
    found = certificates_in(content.decode("ascii", "replace"))
    if client_auth == "NoClientCert" and "client_auth_type" not in _noted(keys):
        keys.note(key, f"nobody is asked for a certificate: write client_auth_type: {_REQUIRED}")
    if not found:
        keys.note(key, "holds no certificate: it begins with -----BEGIN CERTIFICATE-----")
        return ""
    text = "\n".join(found)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_verify_locations(cadata=text)
    except (ssl.SSLError, ValueError):
        keys.note(key, "cannot be read as certificates: write the authority's in PEM")
        return ""
    return text


def _noted(keys: Keys) -> set[str]:
    return {m.path.rpartition(".")[2] for m in keys.mistakes.found.values()}


def _client_auth(value: object) -> str:
    found = scalars.filled(value)
    if found in _CLIENT_AUTH:
        return str(found)
    if found in _UNPROVEN:
        raise ValueError(
            f"{found} takes any certificate, also one that the client made itself, and proves"
            f" nothing: write {_REQUIRED} with client_ca_file, or NoClientCert"
        )
    raise ValueError(f"{found!r} is not known: write {' or '.join(_CLIENT_AUTH)}")


def _allowed_names(keys: Keys, client_auth: str) -> list[str]:
    items = keys.items("client_allowed_sans")
    if items and client_auth != _REQUIRED and "client_auth_type" not in _noted(keys):
        keys.note(
            "client_allowed_sans",
            f"a client need not show a certificate: write client_auth_type: {_REQUIRED}",
        )
    for mark, path, text in items:
        if not text.strip():
            keys.mistakes.add(mark, path, "is empty: write a name that certificates hold")
    return [normal_name(text) for _, _, text in items]


def normal_name(name: str) -> str:
    """Return an alternative name as it is compared: addresses have many spellings."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return name


# ------------------------------------------------------------------ versions, suites, curves


def _restrict(keys: Keys, context: ssl.SSLContext) -> None:
    lowest = keys.value("min_version", _version, ssl.TLSVersion.TLSv1_2)
    highest = keys.value("max_version", _version, ssl.TLSVersion.TLSv1_3)
    if lowest > highest:
        keys.note("min_version", "is above max_version: no client could connect; raise the latter")
        lowest = highest
    before = len(keys.mistakes.found)
    suites = _suites(keys)
    if suites:
        context.set_ciphers(":".join(suites))
    elif suites is not None and highest is ssl.TLSVersion.TLSv1_3:
        lowest = highest  # all of them belong to TLS 1.3
    elif suites is not None and len(keys.mistakes.found) == before:
        keys.note(
            "cipher_suites", "none of these is of TLS 1.2, which max_version asks for: add one"
        )
    context.minimum_version, context.maximum_version = lowest, highest
    if keys.value("prefer_server_cipher_suites", scalars.switch, default=True):
        context.options |= ssl.OP_CIPHER_SERVER_PREFERENCE
    else:
        context.options &= ~ssl.OP_CIPHER_SERVER_PREFERENCE
    _curves(keys, context)


def _version(value: object) -> ssl.TLSVersion:
    found = scalars.filled(value)
    if found in _OLD_VERSIONS:
        raise ValueError(f"{found} is broken, and OpenSSL does not speak it: write TLS12 or TLS13")
    if found not in _VERSIONS:
        raise ValueError(f"{found!r} is not known: write TLS12 or TLS13")
    return _VERSIONS[found]


def _suites(keys: Keys) -> list[str] | None:
    """Return OpenSSL's names of the suites of TLS 1.2; ``None`` where any will do."""
    items = keys.items("cipher_suites")
    known = (*_SUITES, *_MODERN_SUITES)
    for mark, path, name in items:
        if name in known:
            continue
        why = "is not known"
        if name.startswith("TLS_RSA_") or "_3DES_" in name or "_RC4_" in name:
            why = "is weak, and nothing needs it any more"
        keys.mistakes.add(mark, path, f"{name!r} {why}: write of {', '.join(known)}")
    if not items:
        return None
    return [_SUITES[name] for _, _, name in items if name in _SUITES]


def _curves(keys: Keys, context: ssl.SSLContext) -> None:
    items = keys.items("curve_preferences")
    for mark, path, name in items:
        if name not in _CURVES:
            keys.mistakes.add(
                mark, path, f"{name!r} is not known here: write of {', '.join(_CURVES)}"
            )
    wanted = [_CURVES[name] for _, _, name in items if name in _CURVES]
    if len(wanted) > 1:
        keys.note(
            "curve_preferences",
            "Python can set one curve, not an order of several: write one, or remove the key",
        )
    elif wanted:
        context.set_ecdh_curve(wanted[0])


def _prove(keys: Keys, context: ssl.SSLContext) -> None:
    """Note what keeps clients from agreeing with us: suites that do not fit the certificate."""
    if context.maximum_version is ssl.TLSVersion.TLSv1_2:
        highest = [ssl.TLSVersion.TLSv1_2]
    elif context.minimum_version is ssl.TLSVersion.TLSv1_3:
        highest = [ssl.TLSVersion.TLSv1_3]
    else:
        highest = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]
    for version in highest:
        try:
            _shake_hands(context, version)
        except ssl.SSLError as error:
            key = "cipher_suites" if keys.given("cipher_suites") else "cert_file"
            keys.note(
                key,
                f"no client can agree on TLS with these cipher_suites and this certificate"
                f" ({error.reason}): ECDSA certificates need ECDHE_ECDSA suites, RSA ones"
                " ECDHE_RSA",
            )
            return


def _shake_hands(context: ssl.SSLContext, version: ssl.TLSVersion) -> None:
    """Shake hands with ourselves, in memory. Raises ``ssl.SSLError``."""
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
    client.maximum_version = version
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(back, there),
        context.wrap_bio(there, back, server_side=True),
    ]
    for _ in range(8):
        waiting = []
        for end in ends:
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                waiting.append(end)
        if not waiting:
            return
