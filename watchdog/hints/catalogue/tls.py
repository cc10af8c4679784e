"""Encryption stands in the way.

Owns: the entries of the family ``tls``.
"""

# ruff: noqa: E501 - patterns and commands stay on one line

from __future__ import annotations

from watchdog.hints.entry import (
    POSTGRESQL,
    Entry,
    Family,
    Needs,
    Rule,
    Severity,
    Text,
    Wording,
)
from watchdog.model import Kind, Phase

FAMILY = Family(
    Kind.TLS,
    (
        Entry(
            "tls_required",
            POSTGRESQL + "libpq-ssl.html",
            Severity.CRITICAL,
            en=Text(
                "The server wants an encrypted connection",
                "For this client, user and database {host|the server} only accepts TLS, and we came"
                " without.",
                (
                    (
                        "Add `?sslmode=require` to the URL (`sslmode=verify-full` with `sslrootcert=` is"
                        " better: it also proves who answers)"
                    ),
                    (
                        "In a trusted network instead, the server's administrator may add a `host` rule"
                        " to pg_hba.conf, then: `SELECT pg_reload_conf();`"
                    ),
                ),
            ),
            ru=Text(
                "Сервер требует шифрованное соединение",
                "Для этого клиента, пользователя и базы {host|сервер} принимает только TLS, а мы"
                " пришли без него.",
                (
                    (
                        "Добавьте в URL `?sslmode=require` (а лучше `sslmode=verify-full` и"
                        " `sslrootcert=`: так проверяется и то, кто отвечает)"
                    ),
                    (
                        "В доверенной сети администратор сервера может вместо этого добавить правило"
                        " `host` в pg_hba.conf и выполнить: `SELECT pg_reload_conf();`"
                    ),
                ),
            ),
            rules=(Rule("28000", routines="ClientAuthentication", confidence=0.3),),
            wordings=(
                Wording("pg_hba.conf", r"no encryption|ssl off|без шифрования|ssl выкл", 0.92),
                Wording("connection requires a valid client certificate", confidence=0.5),
                Wording("ssl required", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("ssl/tls required", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("connection is insecure", r"sslmode=require", 0.9),
                Wording("sni", r"endpoint id is not specified[^\n]*sni", 0.5),
                Wording("ssl required", r"(?:fatal|error): +ssl required", confidence=0.96),
                Wording("ssl connection is required", confidence=0.95),
                Wording(
                    "connections using insecure transport are prohibited",
                    r"postgres",
                    confidence=0.8,
                    needs=Needs.POSTGRESQL,
                ),
            ),
        ),
        Entry(
            "tls_not_supported",
            POSTGRESQL + "ssl-tcp.html",
            Severity.CRITICAL,
            en=Text(
                "The server does not offer encryption",
                "The URL demands TLS, but {host|the server} has `ssl = off`, or both sides have no"
                " protocol version in common.",
                (
                    "In a trusted network: `sslmode=prefer` (or `disable`) in the URL",
                    (
                        "Otherwise switch it on at the server: `ssl = on` with `ssl_cert_file` and"
                        " `ssl_key_file` in postgresql.conf, then `SELECT pg_reload_conf();`"
                    ),
                    (
                        "Is it a matter of versions? Compare `SHOW ssl_min_protocol_version;` with the"
                        " client's OpenSSL: `openssl version`"
                    ),
                ),
            ),
            ru=Text(
                "Сервер не предлагает шифрования",
                "URL требует TLS, но на {host|сервере} стоит `ssl = off` либо у сторон нет общей"
                " версии протокола.",
                (
                    "В доверенной сети: `sslmode=prefer` (или `disable`) в URL",
                    (
                        "Иначе включите шифрование на сервере: `ssl = on`, `ssl_cert_file` и"
                        " `ssl_key_file` в postgresql.conf, затем `SELECT pg_reload_conf();`"
                    ),
                    (
                        "Дело в версиях? Сравните `SHOW ssl_min_protocol_version;` и OpenSSL клиента:"
                        " `openssl version`"
                    ),
                ),
            ),
            rules=(),
            wordings=(
                Wording("server does not support ssl"),
                Wording("rejected ssl upgrade", confidence=0.95),
                Wording("ssl is not enabled on the server", confidence=0.95),
                Wording("the server does not support ssl connections", confidence=0.95),
                Wording("unsupported protocol", r"ssl|tls", 0.85, Needs.POSTGRESQL),
                Wording("tlsv1 alert protocol version", needs=Needs.POSTGRESQL),
                Wording("no protocols available", needs=Needs.POSTGRESQL, confidence=0.8),
                Wording("server refused tls connection", confidence=0.95),
                Wording(
                    "tls_process_server_hello", r"unsupported protocol", 0.85, Needs.POSTGRESQL
                ),
                Wording("no ssl enabled connection", confidence=0.95),
                Wording("server does not support tls", confidence=0.93, needs=Needs.POSTGRESQL),
                Wording(
                    "server does not support tls", r"performing tls handshake", confidence=0.93
                ),
                Wording("ssl not available", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("the server does not support ssl", confidence=0.95),
                Wording(
                    "server does not support tls",
                    r"(?:error|connection)[^\n]*server does not support tls",
                    confidence=0.93,
                ),
                Wording("when ssl support is not compiled in", confidence=0.9),
            ),
        ),
        Entry(
            "tls_cert_invalid",
            POSTGRESQL + "libpq-ssl.html#LIBQ-SSL-CERTIFICATES",
            Severity.CRITICAL,
            en=Text(
                "A certificate does not verify",
                "The chain, the host name, the validity or the client certificate does not pass."
                " Somebody else may be answering as {host|the server}, or a file is out of date.",
                (
                    (
                        "What does the server show? `openssl s_client -starttls postgres -connect"
                        " {host|HOST}:{port|5432} </dev/null | openssl x509 -noout -subject -issuer -dates`"
                    ),
                    (
                        "Point `sslrootcert=` in the URL at the CA that signed it, and use the very host"
                        " name that the certificate carries"
                    ),
                    "Expired? Renew the certificate on the server, then `SELECT pg_reload_conf();`",
                    "Do not just switch verification off: it is what proves that this is your server",
                ),
            ),
            ru=Text(
                "Сертификат не проходит проверку",
                "Не сходится цепочка, имя узла, срок действия или клиентский сертификат. Либо за"
                " {host|сервер} отвечает кто-то другой, либо устарел файл.",
                (
                    (
                        "Что показывает сервер? `openssl s_client -starttls postgres -connect"
                        " {host|HOST}:{port|5432} </dev/null | openssl x509 -noout -subject -issuer -dates`"
                    ),
                    (
                        "Укажите в URL `sslrootcert=` на подписавший его CA и то самое имя узла, которое"
                        " стоит в сертификате"
                    ),
                    "Истёк срок? Обновите сертификат на сервере, затем `SELECT pg_reload_conf();`",
                    "Не отключайте проверку: только она доказывает, что это ваш сервер",
                ),
            ),
            rules=(
                Rule(
                    "CERT_HAS_EXPIRED DEPTH_ZERO_SELF_SIGNED_CERT ERR_TLS_CERT_ALTNAME_INVALID"
                    " SELF_SIGNED_CERT_IN_CHAIN UNABLE_TO_GET_ISSUER_CERT"
                    " UNABLE_TO_GET_ISSUER_CERT_LOCALLY UNABLE_TO_VERIFY_LEAF_SIGNATURE",
                    confidence=0.9,
                ),
                Rule(exceptions="SSLCertVerificationError CertificateError", confidence=0.95),
                Rule(exceptions="SSLError", confidence=0.7),
                Rule(
                    phases=(Phase.TLS,),
                    exceptions="SSLError SSLCertVerificationError FileNotFoundError",
                ),
            ),
            wordings=(
                Wording("certificate verify failed", needs=Needs.POSTGRESQL),
                Wording("ssl error", r"ssl error: certificate verify failed"),  # libpq's words
                Wording(
                    "root certificate file", r"root certificate file[^\n]*does not exist", 0.95
                ),
                Wording("server certificate for", r"does not match host name", 0.95),
                Wording("does not match host name", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("certificate has expired", needs=Needs.POSTGRESQL),
                Wording("certificate authentication failed for user", confidence=0.95),
                Wording("connection requires a valid client certificate", confidence=0.9),
                Wording("tlsv1 alert unknown ca", needs=Needs.POSTGRESQL),
                Wording(
                    "sslv3 alert", r"alert (?:certificate|bad certificate)", 0.85, Needs.POSTGRESQL
                ),
                Wording("certificate signed by unknown authority", needs=Needs.POSTGRESQL),
                Wording(
                    "certificate is valid for",
                    r"certificate is valid for[^\n]*not",
                    0.9,
                    Needs.POSTGRESQL,
                ),
                Wording("self-signed certificate", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("self signed certificate", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording(
                    "private key file", r"private key file[^\n]*has group or world access", 0.9
                ),
                Wording("unable to find valid certification path", needs=Needs.POSTGRESQL),
                Wording("hostname mismatch", r"certificate", 0.9, Needs.POSTGRESQL),
                Wording("could not be verified by hostnameverifier", confidence=0.95),
                Wording("could not open ssl root certificate file", confidence=0.95),
                Wording("could not read ssl root certificate", confidence=0.95),
                Wording("remote certificate is invalid", confidence=0.93, needs=Needs.POSTGRESQL),
                Wording(
                    "could not accept ssl connection",
                    r"certificate|unknown ca|bad cert",
                    confidence=0.9,
                ),
                Wording(
                    "unknown ca",
                    r"alert unknown ca|unknown certificate authority",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "unable to verify the first certificate", confidence=0.9, needs=Needs.POSTGRESQL
                ),
                Wording(
                    "unable to get local issuer certificate", confidence=0.9, needs=Needs.POSTGRESQL
                ),
                Wording("unable to get issuer certificate", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("self_signed_cert", confidence=0.85, needs=Needs.POSTGRESQL),
                Wording("unable_to_verify_leaf_signature", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("depth_zero_self_signed_cert", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording(
                    "certificate file",
                    r"could not (?:open|read|load|stat) (?:root |ssl )?certificate file",
                    confidence=0.8,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("invalid peer certificate", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording("certificate is not trusted", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording(
                    "doesn't contain any ip sans",
                    r"certificate",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "legacy common name",
                    r"certificate relies on legacy common name",
                    confidence=0.9,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "tls alert",
                    r"tls alert[^\n]*(?:certificate|unknown ca)",
                    confidence=0.85,
                    needs=Needs.POSTGRESQL,
                ),
                Wording(
                    "altnames",
                    r"does not match certificate's altnames",
                    confidence=0.93,
                    needs=Needs.POSTGRESQL,
                ),
                Wording("err_tls_cert_altname_invalid", confidence=0.9, needs=Needs.POSTGRESQL),
                Wording(
                    "root certificate file",
                    r"could not (?:load|read|open) root certificate file",
                    confidence=0.93,
                ),
            ),
        ),
    ),
)
