"""The web configuration file: every key, every mistake at its place, no secret in any message."""

import base64
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bcrypt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.certificates import make_certificates
from watchdog import secret
from watchdog.config.certificate import valid_until
from watchdog.config.mistakes import Mistakes
from watchdog.config.web_file import RateLimit, files_named_in, read_web_file

HASH = bcrypt.hashpw(b"wonderland", bcrypt.gensalt(4)).decode()
DEAR = "$2y$10$" + HASH[7:]
SIGN = "openssl x509 -req -in server.csr -CA ca.crt -CAkey ca.key -CAcreateserial"
PAIR = "tls_server_config:\n  cert_file: server.crt\n  key_file: server.key\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("certificates")
    make_certificates(made)
    return made


def read(folder, text):
    mistakes = Mistakes()
    web = read_web_file(folder / "web.yml", text, "web.yml", mistakes)
    lines = [str(mistake) for mistake in sorted(mistakes.found.values())]
    assert (web is None) == bool(lines)
    return web, lines


def good(folder, text):
    web, lines = read(folder, text)
    assert lines == []
    return web


def bad(folder, text):
    web, lines = read(folder, text)
    assert web is None
    return lines


# ------------------------------------------------------------------ what is good


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "basic_auth_users:\n"])
def test_a_file_without_content_is_plain_http_for_everybody(folder, text):
    web = good(folder, text)
    assert (web.tls, dict(web.users), web.headers, web.rate_limit) == (None, {}, {}, None)
    assert not web.proves_clients


def test_a_certificate_and_its_key_are_found_beside_the_file(folder):
    web = good(folder, PAIR)
    assert web.tls is not None
    assert web.files == tuple(folder / n for n in ("web.yml", "server.crt", "server.key"))
    left = web.tls.expires - datetime.now(UTC)
    assert timedelta(days=28) < left < timedelta(days=31)
    assert not web.proves_clients


def test_certificate_key_and_authority_may_stand_in_the_file_itself(folder):
    def inline(name):
        return "".join(f"    {line}\n" for line in (folder / name).read_text().splitlines())

    web = good(
        folder,
        "tls_server_config:\n  client_auth_type: RequireAndVerifyClientCert\n"
        f"  cert: |\n{inline('server.crt')}  key: |\n{inline('server.key')}"
        f"  client_ca: |\n{inline('ca.crt')}",
    )
    assert web.proves_clients
    assert web.files == (folder / "web.yml",)


def test_passwords_prove_clients_and_optional_certificates_do_not(folder):
    assert good(folder, f"basic_auth_users: {{alice: {DEAR}}}").proves_clients
    optional = PAIR + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"
    assert not good(folder, optional).proves_clients


def test_every_key_of_the_format_is_known(folder):
    web = good(
        folder,
        PAIR
        + """
  client_auth_type: RequireAndVerifyClientCert
  client_ca_file: ca.crt
  client_allowed_sans: [prometheus.example, 10.0.0.1, "0:0:0:0:0:0:0:1"]
  min_version: TLS12
  max_version: TLS13
  cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]
  prefer_server_cipher_suites: false
  curve_preferences: [CurveP256]
http_server_config:
  http2: false
  headers:
    Content-Security-Policy: default-src 'self'; $ # not a comment's beginning
    X-Frame-Options: deny
    X-Content-Type-Options: nosniff
    X-XSS-Protection: ""
    Strict-Transport-Security: max-age=31536000
rate_limit:
  interval: 1m0.5s
  burst: 20
basic_auth_users:
  alice: """
        + DEAR,
    )
    assert web.tls.allowed_names == {"prometheus.example", "10.0.0.1", "::1"}
    assert set(web.headers) == {
        "Content-Security-Policy",
        "X-Frame-Options",
        "X-Content-Type-Options",
        "Strict-Transport-Security",
    }
    assert web.rate_limit == RateLimit(60.5, 20)
    assert web.notes == ()


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("100ms", 0.1), ("1s", 1), ("1.5s", 1.5), ("2m", 120), ("250us", 0.00025), ("1h", 3600)],
)
def test_durations_are_those_of_go(folder, written, seconds):
    web = good(folder, f"rate_limit: {{interval: {written}, burst: 1}}")
    assert web.rate_limit.interval == pytest.approx(seconds)


def test_an_interval_of_zero_turns_the_limit_off(folder):
    assert good(folder, "rate_limit: {interval: 0, burst: 20}").rate_limit is None


def test_what_is_the_same_is_equal_and_a_renewed_certificate_is_not(folder, tmp_path):
    assert good(folder, PAIR).tls == good(folder, PAIR).tls
    make_certificates(tmp_path)
    assert good(folder, PAIR).tls != good(tmp_path, PAIR).tls


def test_http2_and_a_cheap_hash_are_worth_a_note(folder):
    web = good(folder, f"http_server_config: {{http2: true}}\nbasic_auth_users: {{bob: {HASH}}}")
    assert any("HTTP/1.1" in note for note in web.notes)
    assert any("bob" in note and "cost of 4" in note for note in web.notes)


def test_an_expired_certificate_is_worth_a_note(folder, tmp_path):
    for name in ("server.key", "server.csr", "ca.crt", "ca.key", "server.ext"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    subprocess.run(
        f"{SIGN} -days -1 -extfile server.ext -out server.crt".split(),
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )
    web = good(tmp_path, PAIR)
    assert any("expired" in note for note in web.notes)


def test_the_files_of_a_bad_file_are_known_too(tmp_path):
    text = "tls_server_config: {cert_file: a.crt, key_file: /b.key, bad: 1}"
    assert files_named_in(text, tmp_path / "web.yml") == (
        tmp_path / "web.yml",
        tmp_path / "a.crt",
        Path("/b.key"),
    )


# ------------------------------------------------------------------ what is not


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "tls_config: {}",
            ["web.yml:1:1: tls_config: unknown key, did you mean tls_server_config?"],
        ),
        ("- a", ["web.yml:1:1: the file must be a mapping"]),
        ("rate_limit: 5", ["web.yml:1:13: rate_limit: must be a mapping"]),
        (
            "tls_server_config: {min_version: TLS13}",
            [
                "web.yml:1:20: tls_server_config.cert_file: is missing: write cert_file:",
                "web.yml:1:20: tls_server_config.key_file: is missing: write key_file:",
            ],
        ),
        (
            PAIR + "  cert: x\n",
            ["web.yml:4:9: tls_server_config.cert: cert_file is there, too"],
        ),
        (
            PAIR.replace("server.crt", "none.crt"),
            ["web.yml:2:14: tls_server_config.cert_file: there is no file"],
        ),
        (PAIR.replace("server.crt", "."), ["web.yml:2:14: tls_server_config.cert_file: "]),
        (
            PAIR.replace("server.key", "other.key"),
            ["web.yml:3:13: tls_server_config.key_file: does not belong to cert_file"],
        ),
        (
            PAIR.replace("server.key", "server.crt"),
            ["web.yml:3:13: tls_server_config.key_file: holds no private key"],
        ),
        (
            PAIR.replace("server.crt", "server.key"),
            ["web.yml:2:14: tls_server_config.cert_file: holds no certificate"],
        ),
        (
            PAIR + "  client_auth_type: RequireAnyClientCert\n",
            ["web.yml:4:21: tls_server_config.client_auth_type: RequireAnyClientCert takes any"],
        ),
        (
            PAIR + "  client_auth_type: RequestClientCert\n",
            ["web.yml:4:21: tls_server_config.client_auth_type: RequestClientCert takes any"],
        ),
        (
            PAIR + "  client_auth_type: Always\n",
            ["web.yml:4:21: tls_server_config.client_auth_type: 'Always' is not known: write"],
        ),
        (
            PAIR + "  client_auth_type: RequireAndVerifyClientCert\n",
            ["web.yml:4:21: tls_server_config.client_auth_type: RequireAndVerifyClientCert needs"],
        ),
        (
            PAIR + "  client_ca_file: ca.crt\n",
            ["web.yml:4:19: tls_server_config.client_ca_file: nobody is asked for a certificate"],
        ),
        (
            PAIR
            + "  client_auth_type: VerifyClientCertIfGiven\n  client_ca_file: ca.crt\n"
            + "  client_allowed_sans: [a]\n",
            ["web.yml:6:24: tls_server_config.client_allowed_sans: a client need not show"],
        ),
        (
            PAIR + "  min_version: TLS11\n  max_version: SSL30\n",
            [
                "web.yml:4:16: tls_server_config.min_version: TLS11 is broken",
                "web.yml:5:16: tls_server_config.max_version: 'SSL30' is not known",
            ],
        ),
        (
            PAIR + "  min_version: TLS13\n  max_version: TLS12\n",
            ["web.yml:4:16: tls_server_config.min_version: is above max_version"],
        ),
        (
            PAIR + "  cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA, RC4]\n",
            [
                "web.yml:4:19: tls_server_config.cipher_suites[0]: 'TLS_RSA_WITH_AES_128_CBC",
                "web.yml:4:49: tls_server_config.cipher_suites[1]: 'RC4' is not known",
            ],
        ),
        (
            PAIR + "  cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256]\n",
            ["web.yml:4:18: tls_server_config.cipher_suites: no client can agree on TLS"],
        ),
        (
            PAIR + "  cipher_suites: [TLS_AES_128_GCM_SHA256]\n  max_version: TLS12\n",
            ["web.yml:4:18: tls_server_config.cipher_suites: none of these is of TLS 1.2"],
        ),
        (
            PAIR + "  curve_preferences: [X25519, CurveP256]\n",
            ["web.yml:4:22: tls_server_config.curve_preferences: Python can set one curve"],
        ),
        (
            PAIR + "  curve_preferences: [X448]\n",
            ["web.yml:4:23: tls_server_config.curve_preferences[0]: 'X448' is not known here"],
        ),
        (
            PAIR + "  prefer_server_cipher_suites: perhaps\n",
            ["web.yml:4:32: tls_server_config.prefer_server_cipher_suites: 'perhaps' is neither"],
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: none, Server: me}}",
            [
                "web.yml:1:49: http_server_config.headers.X-Frame-Options: 'none' has no meaning",
                "web.yml:1:55: http_server_config.headers.Server: unknown key",
            ],
        ),
        (
            'http_server_config: {headers: {X-XSS-Protection: "a\\r\\nSet-Cookie: b"}}',
            ["web.yml:1:50: http_server_config.headers.X-XSS-Protection: must be one line"],
        ),
        (
            "basic_auth_users:\n  '': x\n  a:b: y",
            [
                "web.yml:2:3: basic_auth_users.: is no user's name",
                "web.yml:2:7: basic_auth_users.: is no bcrypt hash",
                "web.yml:3:3: basic_auth_users.a:b: is no user's name",
                "web.yml:3:8: basic_auth_users.a:b: is no bcrypt hash",
            ],
        ),
        (
            f"basic_auth_users:\n  a: {'$2y$19$' + HASH[7:]}\n  b: {'$2y$03$' + HASH[7:]}",
            [
                "web.yml:2:6: basic_auth_users.a: a cost of 19 makes every login too slow",
                "web.yml:3:6: basic_auth_users.b: a cost of 3 is no cost",
            ],
        ),
        ("rate_limit: {interval: 1s}", ["web.yml:1:13: rate_limit.burst: lets no request through"]),
        ("rate_limit: {burst: 3}", ["web.yml:1:13: rate_limit.interval: is missing"]),
        (
            "rate_limit: {interval: 1, burst: x}",
            [
                "web.yml:1:24: rate_limit.interval: is no duration",
                "web.yml:1:34: rate_limit.burst: 'x' is no count",
            ],
        ),
    ],
)
def test_each_mistake_is_named_with_its_place_and_what_to_write(folder, text, says):
    lines = bad(folder, text)
    assert len(lines) == len(says), lines
    for line, start in zip(lines, says, strict=True):
        assert line.startswith(start), line


def test_all_mistakes_are_named_at_once(folder):
    lines = bad(
        folder,
        "tls_server_config: {cert_file: none, key_file: none, min_version: 1, curves: []}\n"
        "basic_auth_users: {alice: plain}\nrate_limit: {interval: 5}\nhttp_server: {}\n",
    )
    assert [int(line.split(":")[1]) for line in lines] == [1, 1, 1, 1, 2, 3, 4]


def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(folder, tmp_path):
    subprocess.run(
        f"openssl ec -in server.key -aes128 -passout pass:x -out {tmp_path / 'server.key'}".split(),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    (tmp_path / "server.crt").write_bytes((folder / "server.crt").read_bytes())
    (line,) = bad(tmp_path, PAIR)
    assert "is encrypted" in line


def test_a_dollar_sign_is_only_a_dollar_sign(folder, monkeypatch):
    monkeypatch.setenv("NAME", "value")
    web = good(folder, "http_server_config: {headers: {X-XSS-Protection: '${NAME} $$'}}")
    assert web.headers == {"X-XSS-Protection": "${NAME} $$"}


# ------------------------------------------------------------------ no secret in any message

END = "Zq7J"  # what no message of ours holds
PASSWORDS = st.text(
    alphabet=st.characters(codec="ascii", exclude_categories=["Cc", "Zs"]), max_size=12
).map(lambda text: text + END)
SHAPES = (
    "basic_auth_users:\n  alice: {}\n",
    "basic_auth_users:\n  alice: '{}\n",
    "basic_auth_users:\n  alice: [{}]\n",
    "basic_auth_users:\n  alice: {{x: {}}}\n",
    "basic_auth_users: {{alice: {}}}\n",
    "basic_auth_users: {{alice: {}, alice: b}}\n",
    "tls_server_config:\n  key: {}\n  cert: x\n",
    "tls_server_config:\n  key: |\n    -----BEGIN PRIVATE KEY-----\n    {}\n",
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=150)
@given(st.sampled_from(SHAPES), PASSWORDS)
def test_no_secret_is_in_any_message(folder, shape, password):
    _, lines = read(folder, shape.format(password))
    assert lines
    assert END not in "\n".join(lines)


@given(st.binary(max_size=40))
def test_a_certificate_of_any_bytes_has_no_date_or_one(content):
    text = base64.encodebytes(content).decode()
    pem = f"-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n"
    assert valid_until(pem) is None


def test_a_hash_that_stands_in_the_wrong_place_is_masked(folder):
    lines = bad(folder, f"basic_auth_users: {{{DEAR}: alice}}")
    assert DEAR not in secret.mask("\n".join(lines))
