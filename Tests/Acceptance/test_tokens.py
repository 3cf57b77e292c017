"""Tokens of clients: issuers, keys, carriers, and what a refusal looks like."""

import json
import time

import pytest
from support.pushd import run_pushd
from support.raw import handshake
from support.tokens import ALGORITHMS, SECRET, Key, key_set
from websockets.exceptions import InvalidStatus


@pytest.fixture
def key(tmp_path):
    return Key(tmp_path, "HS256")


@pytest.fixture
def server(start, key):
    """A server that takes tokens, with private channels."""
    return start(*key.options, "--channel", "private.*: subscribe=token publish=token", "--log-level", "debug")


def joins(pushd, token, channel="private.a"):
    """Whether a client with this token may join the channel; the status of the refusal if not."""
    client = pushd.raw()
    response = client.ask(handshake(f"/ws?channel={channel}&token={token}"))
    client.close()
    return response.status if response.status != 101 else True


GRANTED = {"pushd": {"subscribe": ["private.*"]}}


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_two_issuers_for_each_algorithm(start, tmp_path, algorithm):
    key = Key(tmp_path, algorithm)
    set_file = tmp_path / "keys.json"
    set_file.write_text(key_set(key.public_jwk()))
    rule = ("--channel", "private.*: subscribe=token")
    for options in (key.options, ("--token-key", str(set_file))):
        pushd = start(*options, *rule)
        assert joins(pushd, key.by_pyjwt(**GRANTED)) is True
        assert joins(pushd, key.by_jwcrypto(**GRANTED)) is True
        assert joins(pushd, key.by_jwcrypto(exp=int(time.time()) - 1, **GRANTED)) == 401


def test_a_certificate_is_a_key(start, tmp_path):
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.x509.oid import NameOID
    import datetime

    key = Key(tmp_path, "ES256")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "tokens")])
    long_ago = datetime.datetime(2020, 1, 1)
    certificate = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.private.public_key())
        .serial_number(1).not_valid_before(long_ago).not_valid_after(long_ago + datetime.timedelta(days=1))
        .sign(key.private, hashes.SHA256())
    )
    file = tmp_path / "certificate.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    pushd = start("--token-key", str(file), "--channel", "private.*: subscribe=token")
    assert joins(pushd, key.by_pyjwt(**GRANTED)) is True


def test_two_live_keys_and_names_of_keys(start, tmp_path):
    old, new = Key(tmp_path, "ES256", kid="2025"), Key(tmp_path, "ES256", kid="2026")
    file = tmp_path / "keys.json"
    file.write_text(key_set(old.public_jwk(), new.public_jwk()))
    pushd = start("--token-key", str(file), "--channel", "private.*: subscribe=token")
    assert joins(pushd, old.token(**GRANTED)) is True
    assert joins(pushd, new.token(**GRANTED)) is True
    new.kid = "2025"
    assert joins(pushd, new.token(**GRANTED)) == 401


# Carriers


def test_authorization_header(server, key):
    client = server.connect("private.a", additional_headers={"Authorization": f"bearer {key.token(**GRANTED)}"})
    assert server.publish("private.a", "hello") == 1
    assert client.recv(timeout=5) == "hello"


@pytest.mark.parametrize("others, chosen", [(["pushd.v1"], "pushd.v1"), ([], "bearer"), (["unknown"], "bearer")])
def test_list_of_subprotocols(server, key, others, chosen):
    token = key.token(**GRANTED)
    for offered in ([*others, "bearer", token], ["bearer", token, *others]):
        client = server.connect("private.a", subprotocols=offered)
        assert client.subprotocol == chosen


def test_cookie(start, key):
    pushd = start(*key.options, "--token-cookie", "session", "--channel", "private.*: subscribe=token")
    token = key.token(**GRANTED)
    page = {"Origin": f"http://127.0.0.1:{pushd.port}"}
    pushd.connect("private.a", additional_headers=page | {"Cookie": f"a=b; session={token}; c"})
    cases = [
        (page | {"Cookie": f"other={token}"}, 401),
        (page | {"Cookie": f"session={token}; session={key.token(sub='43', **GRANTED)}"}, 400),
        ({"Origin": "https://evil.example", "Cookie": f"session={token}"}, 403),
    ]
    for headers, status in cases:
        with pytest.raises(InvalidStatus) as refusal:
            pushd.connect("private.a", additional_headers=headers)
        assert refusal.value.response.status_code == status


def test_a_cookie_is_refused_where_every_page_may_connect(key):
    result = run_pushd(*key.options, "--token-cookie", "session", "--allow-origin", "*")
    assert result.returncode == 64 and "list the origins" in result.stderr


def test_the_same_token_twice_is_fine(server, key):
    token = key.token(**GRANTED)
    server.connect("private.a", additional_headers={"Authorization": f"Bearer {token}"}, subprotocols=["bearer", token])


def test_another_scheme_is_no_token(server):
    server.connect("a", additional_headers={"Authorization": "Basic dXNlcjpwYXNz"})


# Refusals


def test_a_refusal(server):
    client = server.raw()
    response = client.ask(handshake("/ws?token=a.b"))
    assert response.status == 401
    assert json.loads(response.body)["error"] == "the token is not a signed JWT of three parts"
    assert response.headers["www-authenticate"].startswith('Bearer error="invalid_token", error_description="the token')


def test_without_a_token(server, start, key):
    server.connect("public")
    assert server.raw().ask(handshake("/ws?channel=private.a")).status == 401
    required = start(*key.options, "--token-required")
    response = required.raw().ask(handshake("/ws?channel=public"))
    assert response.status == 401 and response.headers["www-authenticate"] == "Bearer"
    assert joins(required, key.token(), "public") is True


def test_no_token_in_a_log(server, key):
    good, bad = key.token(**GRANTED), key.token(exp=1)
    for token in (good, bad):
        for headers in ({"Authorization": f"Bearer {token}"}, {"Sec-WebSocket-Protocol": f"other, bearer, {token}"}):
            server.raw().ask(handshake("/ws?channel=private.a&unknown=1", **headers))
        joins(server, token)
    client = server.connect("private.a", additional_headers={"Authorization": f"Bearer {good}"})
    client.send(json.dumps({"action": "refresh", "token": bad}))
    client.recv(timeout=5)
    for token in (good, bad):
        for part in token.split(".")[1:]:
            assert part not in server.log()


def test_no_token_in_a_log_of_a_server_without_tokens(start, key):
    pushd, token = start("--log-level", "debug"), key.token()
    pushd.raw().ask(handshake(f"/ws?token={token}", **{"Sec-WebSocket-Protocol": f"bearer, {token}"}))
    assert token.split(".")[1] not in pushd.log() and "bearer, ***" in pushd.log()


# Claims


def test_the_channels_of_the_token_are_joined(server, key):
    token = key.token(channels=["private.mine", "private.mine", "b"])
    client = server.connect(additional_headers={"Authorization": f"Bearer {token}"})
    assert [server.publish(channel, channel) for channel in ("private.mine", "b", "default")] == [1, 1, 0]
    assert [client.recv(timeout=5), client.recv(timeout=5)] == ["private.mine", "b"]


def test_user_id_must_be_the_tokens_user(server, key):
    header = {"Authorization": f"Bearer {key.token()}"}
    server.connect(user="42", additional_headers=header)
    for user, headers in (("43", header), ("42", {})):
        with pytest.raises(InvalidStatus) as refusal:
            server.connect(user=user, additional_headers=headers)
        assert refusal.value.response.status_code == 400


def test_connections_are_counted_for_the_tokens_user(start, key):
    pushd = start(*key.options, "--max-connections-per-user", "1")
    pushd.connect("a", additional_headers={"Authorization": f"Bearer {key.token()}"})
    assert joins(pushd, key.token(jti="other"), "a") == 503
    assert joins(pushd, key.token(sub="43"), "a") is True


# Options


@pytest.mark.parametrize(
    "content, option, reason",
    [
        (b"short", "--token-secret-file", "the secret has 5 bytes, and at least 32 are needed"),
        (b"", "--token-secret-file", "the secret has 0 bytes"),
        (b"{", "--token-key", "neither PEM"),
        (b'{"keys":[]}', "--token-key", "no key for signatures"),
        (b'{"kty":"oct","k":"c2VjcmV0"}', "--token-key", "the secret has 6 bytes"),
    ],
)
def test_keys_that_cannot_be_used(tmp_path, content, option, reason):
    file = tmp_path / "key"
    file.write_bytes(content)
    result = run_pushd(option, str(file))
    assert result.returncode == 64
    assert option in result.stderr and reason in result.stderr


def test_a_private_key_is_refused(tmp_path):
    key = Key(tmp_path, "ES256")
    key.file.write_bytes(key.private_pem)
    result = run_pushd(*key.options)
    assert result.returncode == 64 and "private key" in result.stderr


@pytest.mark.parametrize(
    "option", [["--token-required"], ["--token-issuer", "x"], ["--token-audience", "x"], ["--token-cookie", "x"]]
)
def test_options_without_a_key_are_refused(option):
    result = run_pushd(*option)
    assert result.returncode == 64 and option[0] in result.stderr and "without a key" in result.stderr


# pushd token


def test_the_command_makes_what_other_programs_accept(tmp_path):
    import jwt

    for algorithm in ALGORITHMS:
        key = Key(tmp_path, algorithm)
        name = algorithm.partition("-")[0]
        source, public = ["--secret-file", str(key.file)], SECRET
        if not algorithm.startswith("HS"):
            file = tmp_path / "private.pem"
            file.write_bytes(key.private_pem)
            source, public = ["--key", str(file)], key.public
        result = run_pushd(
            "token", *source, "--alg", name, "--sub", "42", "--exp", "10m", "--kid", "k", "--aud", "here",
            "--subscribe", "a.*", "--channel", "mine", "--info", '{"name":"Ann"}',
        )
        assert result.returncode == 0, result.stderr
        token = result.stdout.strip()
        claims = jwt.decode(token, public, [name], audience="here")
        assert claims["sub"] == "42" and claims["exp"] - claims["iat"] == 600
        assert claims["pushd"] == {"subscribe": ["a.*"]} and claims["channels"] == ["mine"]
        assert claims["info"] == {"name": "Ann"} and jwt.get_unverified_header(token)["kid"] == "k"


def test_the_command_reads_tokens(key):
    secret = ["--secret-file", str(key.file)]
    result = run_pushd("token", "read", *secret, key.token())
    assert result.returncode == 0 and '"sub":"42"' in result.stdout and "accepted: user 42" in result.stdout
    result = run_pushd("token", "read", *secret, key.token(exp=1))
    assert result.returncode == 1 and "refused: the token has expired" in result.stdout
    result = run_pushd("token", "read", key.token())
    assert result.returncode == 0 and "not checked" in result.stdout
    result = run_pushd("token", "read", "x")
    assert result.returncode == 1 and "not a signed JWT" in result.stdout


def test_the_command_needs_a_key():
    result = run_pushd("token", "--sub", "42")
    assert result.returncode == 64 and "--secret-file or --key" in result.stderr
