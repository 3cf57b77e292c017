"""POST /publish: bodies, limits, and permissions."""

import json
import re
import subprocess

import pytest
from support import own_address
from support.raw import Response

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])
BAD_NAMES = ["", "%00", "a%0Ab", "%FF", "x" * 256, "%zz"]


@WORKERS
def test_the_answer_counts_the_subscribers_of_all_loops(start, workers):
    pushd = start("--workers", workers)
    clients = [pushd.connect("c") for _ in range(10)]
    response = pushd.request("POST", "/publish?channel=c", "hello")
    assert response.status == 200
    assert response.headers["content-type"].startswith("application/json")
    assert response.body == b'{"channel":"c","subscribers":10}'
    assert [client.recv(timeout=5) for client in clients] == ["hello"] * 10


def test_the_answer_names_the_channel_as_json(pushd):
    response = pushd.request("POST", "/publish?channel=%22%C3%BC%20%5C+1", "x")
    assert json.loads(response.body)["channel"] in ('"ü \\+1', '"ü \\ 1')
    assert json.loads(response.body)["subscribers"] == 0


@pytest.mark.parametrize("target", ["/publish"] + [f"/publish?channel={name}" for name in BAD_NAMES])
def test_without_a_good_channel_it_is_400(pushd, target):
    assert pushd.request("POST", target, "x").status == 400


@pytest.mark.parametrize(
    "target, words",
    [
        ("/publish", "add ?channel=NAME to the URL: the channel goes in the query, the body is the message"),
        ("/publish?chanel=c", "'chanel' is no parameter here (they are channel, key, user, id, exclude, append and end); add ?channel=NAME"),
        ("/publish?channel=", "channel= is empty"),
        ("/publish?channel=a&channel=b", "2 channels: a request publishes to one"),
        ("/publish?channel=" + "x" * 300, "channel= has 300 bytes, 255 are allowed"),
        ("/publish?channel=a%0Ab", "channel= has a control character in it"),
        ("/publish?channel=%FF", "the query is not UTF-8"),
        ("/publish?channel=100%", "a percent sign itself is %25"),
        ("/publish?channel=c&key=a&key=b", "2 values of key=: only one is possible"),
    ],
)
def test_each_fault_is_told_by_itself(pushd, target, words):
    response = pushd.request("POST", target, '{"channel":"c","data":1}', {"Content-Type": "application/json"})
    assert response.status == 400
    assert words in json.loads(response.body)["error"]


def test_a_channel_that_is_not_encoded(pushd):
    request = "POST /publish?channel=ü HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx".encode()
    response = pushd.raw().ask(request)
    assert response.status == 400
    assert "percent-encode" in json.loads(response.body)["error"]


def test_get_is_answered_with_an_example(pushd):
    response = pushd.request("GET", "/publish?channel=c")
    assert (response.status, response.headers["allow"]) == (405, "POST")
    example = f"curl -d hello 'http://127.0.0.1:{pushd.port}/publish?channel=news'"
    assert json.loads(response.body)["error"] == f"this path takes POST: {example}"


def test_a_form_with_files_is_415_and_not_delivered(pushd, tmp_path):
    client = pushd.connect("c")
    (tmp_path / "file").write_text("x")
    url = f"http://127.0.0.1:{pushd.port}/publish?channel=c"
    command = ["curl", "--silent", "--write-out", "%{http_code}", "--form", f"file=@{tmp_path}/file", url]
    answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout
    assert answer.endswith("415") and "multipart/form-data" in answer and "--data-binary" in answer
    pushd.publish("c", "{broken", {"Content-Type": "application/json"})
    assert client.recv(timeout=5) == "{broken"


def test_a_body_up_to_max_publish_arrives_and_one_past_it_is_413(start):
    pushd = start("--max-publish", "100000")
    client = pushd.connect("c")
    assert pushd.publish("c", b"x" * 100_000) == 1
    response = pushd.request("POST", "/publish?channel=c", b"x" * 100_001)
    assert response.status == 413
    assert json.loads(response.body)["error"]
    pushd.publish("c", "next")
    assert [len(client.recv(timeout=5)), client.recv(timeout=5)] == [100_000, "next"]


def test_the_default_limit_is_one_mebibyte(pushd):
    client = pushd.connect("c")
    body = bytes(range(256)) * 4096
    assert pushd.publish("c", body) == 1
    assert client.recv(timeout=5) == body
    assert pushd.request("POST", "/publish?channel=c", body + b"x").status == 413


def test_a_chunked_body_arrives_in_one_piece(pushd):
    client = pushd.connect("c")
    raw = pushd.raw()
    raw.send(b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    for byte in b"5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: x\r\n\r\n":
        raw.send(bytes([byte]))
    assert raw.read_response().status == 200
    assert client.recv(timeout=5) == "hello, world"


def test_a_chunked_body_past_max_publish_is_413(start):
    raw = start("--max-publish", "1000").raw()
    raw.send(b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    raw.send(b"100\r\n%s\r\n" % (b"x" * 256) * 4)
    assert raw.read_response().status == 413


def expect(size):
    return b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size


def test_expect_100_continue_is_answered_before_the_body(pushd):
    raw = pushd.raw()
    assert raw.ask(expect(5), has_body=False).status == 100
    assert raw.ask(b"hello").status == 200


def test_expect_with_too_long_a_body_is_refused_before_it_is_sent(start):
    assert start("--max-publish", "1000").raw().ask(expect(1001)).status == 413


@pytest.mark.parametrize("options", [["--header", "Expect: 100-continue"], ["--header", "Transfer-Encoding: chunked"]])
def test_curl_uploads_a_file(pushd, tmp_path, options):
    client = pushd.connect("c")
    (tmp_path / "body").write_bytes(b"x" * 500_000)
    subprocess.run(
        ["curl", "--silent", "--fail", "--data-binary", f"@{tmp_path}/body", *options]
        + [f"http://127.0.0.1:{pushd.port}/publish?channel=c"],
        check=True,
        timeout=20,
        stdout=subprocess.DEVNULL,
    )
    assert client.recv(timeout=5) == "x" * 500_000


@WORKERS
def test_messages_of_one_publisher_keep_their_order(start, workers):
    pushd = start("--workers", workers)
    clients = [pushd.connect("c") for _ in range(4)]
    raw = pushd.raw()
    raw.send(
        b"".join(
            b"POST /publish?channel=c HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n%d" % (len(str(number)), number)
            for number in range(1000)
        )
    )
    assert all(raw.read_response().status == 200 for _ in range(1000))
    for client in clients:
        assert [client.recv(timeout=5) for _ in range(1000)] == [str(number) for number in range(1000)]


# Permissions


@pytest.fixture
def from_elsewhere(start):
    """Publishes from an address that is not loopback, to a pushd with these options."""
    address = own_address()
    if not address:
        pytest.skip("this machine has no address but loopback")

    def publish(*options, **headers) -> Response:
        pushd = start("--listen", "0.0.0.0:0", *options)
        pushd.host = address
        return pushd.request("POST", "/publish?channel=c", "hello", headers)

    return publish


def test_without_a_key_others_are_told_which_option_to_set(from_elsewhere):
    response = from_elsewhere()
    assert response.status == 403
    assert "--publish-key" in json.loads(response.body)["error"]


@pytest.mark.parametrize("key", ["first", "second"])
def test_others_need_one_of_the_keys(from_elsewhere, key):
    response = from_elsewhere("--publish-key", "first", "--publish-key", "second", Authorization=f"Bearer {key}")
    assert response.status == 200


@pytest.mark.parametrize("headers", [{}] + [{"Authorization": value} for value in ("Bearer wrong", "Bearer ", "Basic key", "key")])
def test_others_without_a_right_key_are_unauthorized(from_elsewhere, headers):
    response = from_elsewhere("--publish-key", "key", **headers)
    assert response.status == 401
    assert json.loads(response.body)["error"]


@pytest.fixture(params=["loopback", "unix"])
def near(start, tmp_path, request):
    """Starts a pushd and connects from this machine, over TCP or a unix socket."""
    listen = "127.0.0.1:0" if request.param == "loopback" else f"unix:{tmp_path}/socket"
    return lambda *options: start("--listen", listen, *options)


def test_a_key_is_needed_on_this_machine_too(near):
    pushd = near("--publish-key", "key")
    assert pushd.request("POST", "/publish?channel=c", "hello").status == 401
    assert pushd.publish("c", "hello", {"Authorization": "Bearer key"}) == 0
    assert "publishing: with a key;" in pushd.log()


def test_without_a_key_this_machine_may_publish_and_the_log_says_so(near):
    pushd = near()
    assert pushd.publish("c", "hello") == 0
    assert re.search(r"notice pushd .*; publishing: this machine only \(--publish-key\);", pushd.log())


@pytest.mark.parametrize("field", ["Forwarded", "X-Forwarded-For", "X-Real-IP", "Via"])
def test_without_a_key_a_proxy_on_this_machine_may_not_publish(near, field):
    response = near().request("POST", "/publish?channel=c", "hello", {field: "192.0.2.7"})
    assert response.status == 403
    assert "--publish-key" in json.loads(response.body)["error"]


@pytest.mark.parametrize("origin, status", [("http://evil.example", 403), ("http://localhost:8081", 200)])
def test_a_page_of_another_origin_cannot_publish_through_its_visitor(pushd, origin, status):
    headers = {"Host": "localhost:8081", "Origin": origin}
    assert pushd.request("POST", "/publish?channel=c", "hello", headers).status == status
