"""The opening handshake, its permissions, and the frames."""

import json

import pytest
from support import wait_until
from support.raw import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame, handshake
from websockets.exceptions import InvalidStatus

WORKERS = pytest.mark.parametrize("workers", ["1", "2"])


def status_of(pushd, **headers):
    return pushd.raw().ask(handshake(**headers)).status


def test_without_a_channel_it_joins_default(pushd):
    client = pushd.connect()
    assert pushd.publish("default", "hello") == 1
    assert client.recv(timeout=5) == "hello"


def test_channels_of_the_url_are_joined_at_once(pushd):
    client = pushd.connect("a", "b", "ü/&=?", user="somebody")
    for channel in ("a", "b", "ü/&=?"):
        assert pushd.publish(channel, f"to {channel}") == 1
        assert client.recv(timeout=5) == f"to {channel}"
    assert pushd.publish("default", "not for it") == 0


def test_a_channel_that_is_named_twice_is_joined_once(pushd):
    client = pushd.connect("a", "a")
    assert pushd.publish("a", "1") == 1
    assert pushd.publish("a", "2") == 1
    assert [client.recv(timeout=5), client.recv(timeout=5)] == ["1", "2"]


def test_an_empty_channel_joins_none(pushd):
    for target in ("/ws?channel=", "/ws?channel=&channel="):
        client = pushd.raw().upgrade(target)
        assert pushd.publish("default", "not for it") == 0
        client.send_frame(TEXT, b'{"action":"subscribe","channel":"a"}')
        assert client.read_json() == {"status": "subscribed", "channel": "a"}
    pushd.raw().upgrade("/ws?channel=&channel=b&user_id=u")
    assert pushd.publish("b", "for one") == 1
    assert pushd.health()["connections"] == 3


@pytest.mark.parametrize("name", ["%00", "a%0Ab", "%7F", "%FF", "x" * 256, "%C3%BC" * 128, "%zz"])
def test_a_bad_channel_name_is_400(pushd, name):
    response = pushd.raw().ask(handshake(f"/ws?channel={name}"))
    assert response.status == 400
    assert b'"error"' in response.body


def test_a_channel_name_may_have_255_bytes(pushd):
    pushd.raw().upgrade(f"/ws?channel={'x' * 255}")
    assert pushd.publish("x" * 255, "hello") == 1


def test_more_channels_than_allowed_in_the_url_are_refused(start):
    pushd = start("--max-channels", "2")
    pushd.connect("a", "b")
    with pytest.raises(InvalidStatus) as refused:
        pushd.connect("a", "b", "c")
    assert refused.value.response.status_code == 400


@WORKERS
def test_text_and_bytes_arrive_verbatim_and_in_order(start, workers):
    pushd = start("--workers", workers)
    client = pushd.connect("c")
    sent = ["text", '{"json": [1, 2] }', "ünï ☃ 𝄞", b"\xff\xfe", b"", "x" * 70_000, b"\x80" * 70_000, "\x00"]
    for payload in sent:
        pushd.publish("c", payload.encode() if isinstance(payload, str) else payload)
    received = [client.recv(timeout=5) for _ in sent]
    assert received == ["" if payload == b"" else payload for payload in sent]


@WORKERS
def test_a_frame_in_the_same_packet_as_the_handshake_is_answered(start, workers):
    client = start("--workers", workers).raw()
    client.send(handshake("/ws") + bytes.fromhex("8985 00000000") + b"hello")
    assert client.read_response().status == 101
    assert client.read_frame() == Frame(PONG, b"hello")


def test_a_ping_is_answered_between_fragments(pushd):
    client = pushd.raw().upgrade()
    client.send_frame(TEXT, b'{"action":', first_bits=0)
    client.send_frame(PING, b"now")
    assert client.read_frame() == Frame(PONG, b"now")
    client.send_frame(CONTINUATION, b'"ping"}')
    assert client.read_json() == {"action": "pong"}


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
def test_a_close_is_answered_with_its_code(pushd, code):
    client = pushd.raw().upgrade()
    client.send_frame(CLOSE, code.to_bytes(2, "big") + b"bye")
    assert client.read_close_code() == code


def test_an_empty_close_is_answered(pushd):
    client = pushd.raw().upgrade()
    client.send_frame(CLOSE)
    assert client.read_frame() == Frame(CLOSE, b"")
    assert client.is_closed()


def test_a_client_that_leaves_is_no_longer_counted(pushd):
    leaver, cut = pushd.connect("c"), pushd.raw().upgrade("/ws?channel=c")
    assert pushd.publish("c", "hello") == 2
    leaver.close()
    cut.reset()
    wait_until(lambda: pushd.health()["connections"] == 0, "0 connections")
    assert pushd.publish("c", "hello") == 0


# Subprotocols


def test_pushd_v1_is_chosen_where_it_is_offered(pushd):
    assert pushd.connect("c", subprotocols=["other", "pushd.v1"]).subprotocol == "pushd.v1"


def test_an_unknown_subprotocol_is_not_chosen(pushd):
    response = pushd.raw().ask(handshake(Sec_WebSocket_Protocol="other"))
    assert response.status == 101
    assert "sec-websocket-protocol" not in response.headers


@pytest.mark.parametrize(
    "payload, frame",
    [
        (b'{"a":[1,2.5,null]}', '{"channel":"c","data":{"a":[1,2.5,null]}}'),
        (b"1.50e+3", '{"channel":"c","data":1.50e+3}'),
        (b"17", '{"channel":"c","data":17}'),
        (b'"text"', '{"channel":"c","data":"text"}'),
        (b"hello", '{"channel":"c","data":"hello"}'),
        (b"", '{"channel":"c","data":""}'),
        (b'say "hi"\\\n', '{"channel":"c","data":"say \\"hi\\"\\\\\\n"}'),
        (b"{broken", '{"channel":"c","data":"{broken"}'),
        ("ü ☃".encode(), '{"channel":"c","data":"ü ☃"}'),
        (b"\xff\x00\x01", '{"channel":"c","data_base64":"/wAB"}'),
    ],
)
def test_pushd_v1_wraps_the_payload(pushd, payload, frame):
    client = pushd.connect("c", subprotocols=["pushd.v1"])
    pushd.publish("c", payload)
    received = client.recv(timeout=5)
    assert isinstance(received, str)
    assert received == frame


def test_pushd_v1_takes_json_with_white_space_around_it(pushd):
    client = pushd.connect("c", subprotocols=["pushd.v1"])
    pushd.publish("c", b' {\n"a": 1 }\r\n')
    assert json.loads(client.recv(timeout=5)) == {"channel": "c", "data": {"a": 1}}


def test_pushd_v1_quotes_the_name_of_the_channel(pushd):
    client = pushd.connect('a"b\\', subprotocols=["pushd.v1"])
    pushd.publish('a"b\\', "1")
    assert client.recv(timeout=5) == '{"channel":"a\\"b\\\\","data":1}'


@WORKERS
def test_subscribers_of_both_kinds_share_a_channel(start, workers):
    pushd = start("--workers", workers)
    clients = [pushd.connect("c", subprotocols=protocols) for protocols in (None, ["pushd.v1"]) * 3]
    assert pushd.publish("c", "hello") == 6
    assert [client.recv(timeout=5) for client in clients] == ["hello", '{"channel":"c","data":"hello"}'] * 3


# Origin


@pytest.mark.parametrize("origin", ["http://evil.example", "http://localhost.evil.example", "null", "http://localhost:1"])
def test_a_page_of_another_origin_is_refused(pushd, origin):
    assert status_of(pushd, Origin=origin) == 403


def test_a_page_of_the_same_origin_and_a_program_pass(pushd):
    host = f"127.0.0.1:{pushd.port}"
    assert status_of(pushd, Host=host, Origin=f"http://{host}") == 101
    assert status_of(pushd, Host="localhost", Origin="http://localhost:80") == 101
    assert status_of(pushd, Host="localhost:80", Origin="http://localhost") == 101
    assert status_of(pushd) == 101


def test_the_scheme_is_a_part_of_the_origin(pushd):
    assert status_of(pushd, Host="localhost", Origin="https://localhost") == 403


def test_allowed_origins_pass_and_others_do_not(start):
    pushd = start("--allow-origin", "https://app.example", "--allow-origin", "http://localhost:3000")
    assert status_of(pushd, Origin="https://app.example") == 101
    assert status_of(pushd, Origin="http://localhost:3000") == 101
    assert status_of(pushd, Origin="http://app.example") == 403
    assert status_of(pushd, Origin="https://app.example:8443") == 403
    assert status_of(pushd, Origin="https://app.example:443") == 101


def test_a_star_label_allows_the_names_below_a_domain(start):
    pushd = start("--allow-origin", "https://*.app.example")
    assert status_of(pushd, Origin="https://a.b.app.example") == 101
    assert status_of(pushd, Origin="https://app.example") == 403
    assert status_of(pushd, Origin="https://a.app.example.evil.example") == 403


@pytest.mark.parametrize("origin", ["http://evil.example", "null"])
def test_a_star_allows_every_origin(start, origin):
    assert status_of(start("--allow-origin", "*"), Origin=origin) == 101


# Origins of apps and devices; the last one has capitals, which browsers do not send.
APPS = ["file://", "null", "tauri://localhost", "chrome-extension://abcdefghijklmnop", "https://App.Example"]


@pytest.mark.parametrize("origin", APPS)
def test_what_apps_and_devices_send_can_be_listed(start, origin):
    assert status_of(start("--allow-origin", origin), Origin=origin.lower()) == 101
    assert status_of(start("--allow-origin", "https://other.example"), Origin=origin) == 403


# Limits


def test_past_max_connections_a_handshake_is_told_to_come_back(start):
    pushd = start("--max-connections", "2")
    first, _ = pushd.connect("c"), pushd.connect("c")
    response = pushd.raw().ask(handshake())
    assert response.status == 503
    assert int(response.headers["retry-after"]) >= 0
    assert pushd.get("/health/ready").status == 503
    assert pushd.get("/health").status == 200
    first.close()
    wait_until(lambda: pushd.get("/health/ready").status == 200, "ready again")
    pushd.connect("c")


@pytest.mark.parametrize("opcode", [TEXT, BINARY])
def test_a_message_past_max_message_closes_with_1009(start, opcode):
    pushd = start("--max-message", "1000")
    client = pushd.raw().upgrade()
    client.send_frame(TEXT, b'{"action":"ping"}'.ljust(1000))
    assert client.read_json() == {"action": "pong"}
    client.send_frame(opcode, b"x" * 1001)
    assert client.read_close_code() == 1009


def test_fragments_past_max_message_together_close_with_1009(start):
    client = start("--max-message", "1000").raw().upgrade()
    client.send_frame(TEXT, b"x" * 600, first_bits=0)
    client.send_frame(CONTINUATION, b"x" * 600, first_bits=0)
    assert client.read_close_code() == 1009


def test_a_client_that_does_not_answer_pings_is_closed(start):
    pushd = start("--ping-interval", "1", "--pong-timeout", "1")
    healthy, silent = pushd.connect("c"), pushd.raw().upgrade("/ws?channel=c")
    assert silent.read_frame().opcode == PING
    while silent.receive_more():
        pass
    wait_until(lambda: pushd.publish("c", "still here") == 1, "one subscriber")
    while healthy.recv(timeout=5) != "still here":
        pass


def test_a_client_that_answers_pings_stays(start):
    client = start("--ping-interval", "1", "--pong-timeout", "1").raw().upgrade()
    for _ in range(3):
        frame = client.read_frame()
        assert frame.opcode == PING
        client.send_frame(PONG, frame.payload)
    client.send_frame(TEXT, b'{"action":"ping"}')
    assert client.read_json() == {"action": "pong"}


@pytest.mark.alone
@WORKERS
def test_a_slow_consumer_is_cut_and_others_lose_nothing(start, workers):
    pushd = start("--workers", workers, "--outbox-limit", "65536")
    slow, healthy = pushd.raw(receive_buffer=16384).upgrade("/ws?channel=c"), pushd.connect("c")
    pad = "x" * 16_000
    for number in range(500):
        pushd.publish("c", f"{number} {pad}")
        assert healthy.recv(timeout=10) == f"{number} {pad}"
    frames = [slow.read_frame()]
    while frames[-1].opcode == TEXT:
        frames.append(slow.read_frame())
    assert [frame.payload for frame in frames[:-1]] == [f"{number} {pad}".encode() for number in range(len(frames) - 1)]
    assert (frames[-1].opcode, int.from_bytes(frames[-1].payload[:2], "big")) == (CLOSE, 1013)
    slow.send_frame(CLOSE, frames[-1].payload)
    assert slow.is_closed()
    wait_until(lambda: pushd.health()["connections"] == 1, "one connection")
    wait_until(lambda: pushd.metrics().sum("pushd_dropped_total") > 0, "a counted drop")
