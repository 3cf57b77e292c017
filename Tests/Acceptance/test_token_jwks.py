"""--token-jwks: keys that a provider publishes, fetched over HTTPS."""

import json
import threading
import time

import pytest
from support import wait_until
from support.certificates import Authority
from support.key_provider import KeyProvider
from support.pushd import run_pushd
from support.raw import handshake
from support.tokens import ALGORITHMS, SECRET, Key, key_set
from test_tokens import GRANTED, joins

RULE = ("--channel", "private.*: subscribe=token")


@pytest.fixture
def provider(tmp_path):
    """A provider without keys, and the options for a server that trusts it."""
    authority = Authority(tmp_path)
    provider = KeyProvider(pair=authority.sign("provider"))
    provider.options = ("--token-jwks", provider.url, "--hook-ca", str(authority.file))
    yield provider
    provider.close()


@pytest.fixture
def serve(start, provider):
    """Starts a server with the provider's keys, and waits until it has tried to fetch them."""

    def serve(*options):
        pushd = start(*provider.options, *RULE, *options)
        wait_until(lambda: attempts(pushd) > 0, "an attempt to fetch the keys")
        return pushd

    return serve


def attempts(pushd):
    return pushd.metrics().sum("pushd_token_key_fetches_total")


def state_of(pushd):
    return pushd.health()["token_keys"]


def test_two_issuers_for_each_algorithm(serve, provider, tmp_path):
    """One provider with a key for each algorithm."""
    keys = [Key(tmp_path, algorithm, kid=algorithm) for algorithm in ALGORITHMS if algorithm[:2] != "HS"]
    provider.keys = [key.public_jwk(use="sig") for key in keys]
    pushd = serve()
    for key in keys:
        assert joins(pushd, key.by_pyjwt(**GRANTED)) is True, key.kid
        assert joins(pushd, key.by_jwcrypto(**GRANTED)) is True, key.kid
        assert joins(pushd, key.by_pyjwt(exp=int(time.time()) - 1, **GRANTED)) == 401
    assert state_of(pushd)["keys"] == len(keys)
    assert provider.requests[0][0] == "/keys.json" and len(provider.requests) == 1


def test_a_certificate_of_an_unknown_authority(start, provider, tmp_path):
    key = Key(tmp_path, "ES256", kid="1")
    provider.keys = [key.public_jwk()]
    stranger = start("--token-jwks", provider.url, *RULE)
    assert joins(stranger, key.token(**GRANTED)) == 401
    wait_until(lambda: "token keys provider down" in stranger.log(), "a line about the certificate")
    assert provider.requests == [] and "certificate" in state_of(stranger)["reason"]


def test_over_http_on_this_machine(start, tmp_path):
    key = Key(tmp_path, "ES256", kid="1")
    provider = KeyProvider(key.public_jwk())
    try:
        pushd = start("--token-jwks", provider.url.replace("127.0.0.1", "localhost"), *RULE)
        assert joins(pushd, key.token(**GRANTED)) is True
    finally:
        provider.close()


def test_rotation(serve, provider, tmp_path):
    """A token with an unknown kid has the keys fetched again; a key that is gone does not count any more."""
    old, new = Key(tmp_path, "ES256", kid="old"), Key(tmp_path, "RS256", kid="new")
    provider.keys = [old.public_jwk()]
    pushd = serve()
    client = pushd.connect("private.a", additional_headers={"Authorization": f"Bearer {old.token(**GRANTED)}"})
    assert joins(pushd, new.token(**GRANTED)) == 401
    provider.keys = [new.public_jwk()]
    wait_until(lambda: joins(pushd, new.token(**GRANTED)) is True, "a token with the new key", seconds=20, pause=0.2)
    assert joins(pushd, old.token(**GRANTED)) == 401
    assert len(provider.requests) == 2
    assert pushd.publish("private.a", "still here") == 1
    assert client.recv(timeout=5) == "still here"


def test_strangers_cannot_have_the_keys_fetched_at_will(serve, provider, tmp_path):
    key = Key(tmp_path, "ES256", kid="1")
    provider.keys = [key.public_jwk()]
    pushd = serve()
    for number in range(100):
        key.kid = f"https://evil.example/{number}"
        assert joins(pushd, key.token(**GRANTED)) == 401
    assert len(provider.requests) <= 2


def test_clients_wait_for_the_first_keys(start, provider, tmp_path):
    """On all loops, those that open a WebSocket; and nobody else waits."""
    key = Key(tmp_path, "ES256", kid="1")
    provider.keys = [key.public_jwk()]
    provider.conduct = "hang"
    pushd = start(*provider.options, "--workers", "2", *RULE)
    wait_until(lambda: provider.requests, "the request for the keys")
    clients = [pushd.raw() for _ in range(20)]
    for client in clients:
        client.send(handshake(f"/ws?channel=private.a&token={key.token(**GRANTED)}"))
    witness = pushd.connect("news")
    assert pushd.publish("news", "hello") == 1 and witness.recv(timeout=5) == "hello"
    assert pushd.publish("private.a", "x") == 0
    leaving = pushd.raw()
    leaving.send(handshake(f"/ws?channel=private.a&token={key.token(**GRANTED)}"))
    leaving.close()
    provider.release()
    assert [client.read_response(has_body=False).status for client in clients] == [101] * 20
    wait_until(lambda: pushd.publish("private.a", "x") == 20, "all that wait")


def test_a_wait_has_an_end(start, provider, tmp_path):
    """A provider that does not answer: what cannot be decided is refused."""
    key = Key(tmp_path, "ES256", kid="1")
    provider.keys = [key.public_jwk()]
    provider.conduct = "hang"
    pushd = start(*provider.options, *RULE)
    response = pushd.raw().ask(handshake(f"/ws?channel=private.a&token={key.token(**GRANTED)}"))
    assert response.status == 401
    assert json.loads(response.body)["error"] == "the key that the token was signed with is not known yet"
    assert pushd.health()["status"] == "degraded" and state_of(pushd)["state"] == "missing"
    provider.release()
    wait_until(lambda: joins(pushd, key.token(**GRANTED)) is True, "the next attempt", seconds=20, pause=0.2)
    assert pushd.health()["status"] == "ok"


def test_a_provider_that_dies_and_comes_back(start, provider, tmp_path):
    """The keys of before stay in use, for as long as it is away."""
    first, second = Key(tmp_path, "ES256", kid="1"), Key(tmp_path, "ES384", kid="2")
    provider.keys = [first.public_jwk()]
    pushd = start(*provider.options, *RULE)
    assert joins(pushd, first.token(**GRANTED)) is True
    provider.leave()
    wait_until(lambda: joins(pushd, second.token(**GRANTED)) and state_of(pushd)["state"] == "stale", "stale", 20, 0.2)
    assert pushd.health()["status"] == "degraded" and state_of(pushd)["reason"]
    assert joins(pushd, first.token(jti="another", **GRANTED)) is True
    provider.keys = [first.public_jwk(), second.public_jwk()]
    provider.come_back()
    wait_until(lambda: joins(pushd, second.token(**GRANTED)) is True, "the new key", 20, 0.2)
    assert state_of(pushd)["state"] == "fresh" and pushd.health()["status"] == "ok"
    log = pushd.log()
    assert log.count("token keys provider down") == 1 and log.count("token keys provider up") == 1


def test_refresh_waits_for_a_new_key(serve, provider, tmp_path):
    old, new = Key(tmp_path, "ES256", kid="old"), Key(tmp_path, "ES256", kid="new")
    provider.keys = [old.public_jwk()]
    pushd = serve()
    client = pushd.connect("private.a", additional_headers={"Authorization": f"Bearer {old.token(**GRANTED)}"})
    provider.keys = [old.public_jwk(), new.public_jwk()]

    def is_refreshed():
        client.send(json.dumps({"action": "refresh", "token": new.token(**GRANTED)}))
        return json.loads(client.recv(timeout=10)).get("status") == "refreshed"

    wait_until(is_refreshed, "a token with the new key", 20, 0.2)
    assert len(provider.requests) == 2


# Attacks


def test_secrets_and_unusable_keys_in_a_set_do_not_count(serve, provider, tmp_path):
    """Anyone can read the document: a secret in it is none."""
    secret, good = Key(tmp_path, "HS256", kid="secret"), Key(tmp_path, "ES256", kid="good")
    pem_as_secret = Key(tmp_path, "HS256", kid="good")
    provider.keys = [
        secret.public_jwk(),
        secret.public_jwk(kid="none", alg="none"),
        good.public_jwk(kid="encrypts", use="enc"),
        {"kty": "RSA", "n": "AQAB", "e": "AQAB", "kid": "short"},
        {"kty": "EC", "crv": "P-256", "x": "AAAA", "y": "AAAA", "kid": "off the curve"},
        {"kty": "new kind", "kid": "future"},
        good.public_jwk(),
    ]
    pushd = serve()
    assert state_of(pushd)["keys"] == 1
    assert joins(pushd, good.token(**GRANTED)) is True
    assert joins(pushd, secret.token(**GRANTED)) == 401
    assert joins(pushd, pem_as_secret.token(**GRANTED)) == 401
    assert SECRET not in pushd.log()


def test_a_token_cannot_bring_its_keys(serve, provider, tmp_path):
    """Members of the header that name a key or a place for keys are not read."""
    import jwt

    good, evil = Key(tmp_path, "ES256", kid="good"), Key(tmp_path, "ES256", kid="evil")
    elsewhere = KeyProvider(evil.public_jwk(kid="good"))
    try:
        provider.keys = [good.public_jwk()]
        pushd = serve()
        claims = {"sub": "42", "exp": int(time.time()) + 60, **GRANTED}
        for header in [
            {"kid": "good"},
            {"kid": elsewhere.url},
            {"kid": "../../keys.json"},
            {"kid": "good\u0000"},
            {"kid": "GOOD"},
            {"kid": "good", "jku": elsewhere.url},
            {"kid": "evil", "jku": elsewhere.url, "x5u": elsewhere.url},
            {"kid": "evil", "jwk": evil.public_jwk()},
        ]:
            assert joins(pushd, jwt.encode(claims, evil.private, "ES256", header)) == 401, header
        assert elsewhere.requests == []
    finally:
        elsewhere.close()


def many_keys(tmp_path):
    key = Key(tmp_path, "ES256", kid="1").public_jwk()
    return key_set(*({**key, "kid": str(number)} for number in range(65)))


BAD = {
    "garbage": lambda _: b"<html>login</html>",
    "no keys": lambda _: b'{"keys":[]}',
    "a list": lambda _: b"[]",
    "nothing": lambda _: b"",
    "not JSON": lambda _: b'{"keys":[{"kty":"EC",]}',
    "deep": lambda _: b'{"keys":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "too many": lambda path: many_keys(path).encode(),
    "huge": lambda _: b'{"keys":[],"x":"' + b"x" * 10_000_000 + b'"}',
    "redirect": lambda _: 302,
    "error": lambda _: 500,
}


@pytest.mark.parametrize("name", BAD)
def test_a_document_that_is_no_key_set(start, provider, tmp_path, name):
    """The keys of files still count, and so does the provider once it is well."""
    key, local = Key(tmp_path, "ES256", kid="good"), Key(tmp_path, "RS256")
    provider.keys = [key.public_jwk()]
    provider.conduct = BAD[name](tmp_path)
    pushd = start(*provider.options, *local.options, *RULE)
    wait_until(lambda: "token keys provider down" in pushd.log(), "a line that says why")
    assert joins(pushd, local.token(**GRANTED)) is True
    assert joins(pushd, key.token(**GRANTED)) == 401
    assert state_of(pushd)["state"] == "missing" and state_of(pushd)["reason"]
    assert all(path == "/keys.json" for path, _ in provider.requests)


def test_reasons_are_for_admins(start, provider):
    provider.conduct = 500
    pushd = start(*provider.options, "--api-key", "secret")
    wait_until(lambda: pushd.health()["status"] == "degraded", "the failure")
    assert "reason" not in state_of(pushd)
    told = json.loads(pushd.get("/health", {"X-API-Key": "secret"}).body)["token_keys"]["reason"]
    assert told == "the status is 500 and not 200"


@pytest.mark.parametrize(
    "url",
    [
        "http://id.example.org/keys",
        "http://localhost@id.example.org/keys",
        "http://127.0.0.1.example.org/keys",
        "http://127.0.0.1\\@id.example.org/",
        "ftp://localhost/keys",
        "file:///etc/passwd",
        "keys.json",
    ],
)
def test_urls_that_are_refused(url):
    result = run_pushd("--token-jwks", url)
    assert result.returncode == 64 and "--token-jwks" in result.stderr


def test_a_storm_of_unknown_keys_has_bounds(start, provider, tmp_path):
    """Clients with unknown kids wait for one fetch and no longer, and hold no memory afterwards."""
    key = Key(tmp_path, "ES256", kid="1")
    provider.keys = [key.public_jwk()]
    provider.conduct = "hang"
    pushd = start(*provider.options, *RULE)
    wait_until(lambda: provider.requests, "the request for the keys")
    key.kid = "unknown"
    target = handshake(f"/ws?channel=private.a&token={key.token(**GRANTED)}")
    clients = [pushd.raw() for _ in range(300)]
    threads = [threading.Thread(target=client.send, args=(target,)) for client in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    provider.release()
    assert [client.read_response().status for client in clients] == [401] * 300
    assert len(provider.requests) <= 2
