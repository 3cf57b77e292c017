"""permessage-deflate (RFC 7692), compared with Python's zlib."""

import json
import os
import zlib

import pytest
from support import wait_until
from support.raw import BINARY, PONG, TEXT, Frame, handshake

OFFER = "permessage-deflate; client_max_window_bits"
AGREED = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
TAIL = b"\x00\x00\xff\xff"
RSV1 = 0xC0
JSON = json.dumps({"prices": [{"item": f"widget {i}", "price": i * 12.5} for i in range(25)]}).encode()


@pytest.fixture
def pushd(start):
    return start("--compression", "on")


def deflate(message, compressor=None):
    compressor = compressor or zlib.compressobj(wbits=-15)
    return (compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


def inflate(frame, bits=15):
    """The message in a frame, as decompressed by a client with a window of this many bits."""
    assert frame.is_compressed
    return zlib.decompressobj(wbits=-bits).decompress(frame.payload + TAIL)


def subscribe(pushd, target="/ws?channel=c", offer=OFFER, **headers):
    return pushd.raw().upgrade(target, Sec_WebSocket_Extensions=offer, **headers)


def answer_to(pushd, offer):
    return pushd.raw().ask(handshake(Sec_WebSocket_Extensions=offer)).headers.get("sec-websocket-extensions")


def test_is_off_by_default(start):
    assert answer_to(start(), OFFER) is None


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("permessage-deflate", AGREED),
        (OFFER, AGREED),
        ("permessage-deflate; server_max_window_bits=12; client_max_window_bits=12", AGREED + "; server_max_window_bits=12"),
        ("permessage-deflate; server_max_window_bits=11", AGREED + "; server_max_window_bits=9"),
        ("permessage-deflate; unknown, permessage-deflate; server_no_context_takeover", AGREED),
        ("permessage-deflate; server_max_window_bits=7", None),
        ("x-webkit-deflate-frame", None),
    ],
)
def test_negotiation(pushd, offer, answer):
    assert answer_to(pushd, offer) == answer


def test_a_malformed_offer_is_a_bad_request(pushd):
    response = pushd.raw().ask(handshake(Sec_WebSocket_Extensions="permessage-deflate; ;"))
    assert response.status == 400 and "Sec-WebSocket-Extensions" in json.loads(response.body)["error"]


@pytest.mark.parametrize("bits", [9, 10, 12, 15])
def test_a_message_fits_the_window_of_its_subscriber(pushd, bits):
    client = subscribe(pushd, offer=f"permessage-deflate; server_max_window_bits={bits}")
    message = b"".join(b"%d and %d, " % (i % 900, i % 77) for i in range(8_000))
    pushd.publish("c", message)
    frame = client.read_frame()
    assert inflate(frame, bits) == message and len(frame.payload) < len(message)


def test_a_window_that_zlib_does_not_have_gets_everything_plain(pushd):
    client = subscribe(pushd, offer="permessage-deflate; server_max_window_bits=8")
    pushd.publish("c", JSON)
    assert client.read_frame() == Frame(TEXT, JSON)


def test_every_kind_of_subscriber_gets_its_own_form_of_a_message(pushd):
    compressing, plain = subscribe(pushd), pushd.raw().upgrade("/ws?channel=c")
    envelope = subscribe(pushd, Sec_WebSocket_Protocol="pushd.v1")
    assert pushd.publish("c", JSON) == 3
    frame = compressing.read_frame()
    assert inflate(frame) == JSON and len(frame.payload) < len(JSON) / 3
    assert plain.read_frame() == Frame(TEXT, JSON)
    assert json.loads(inflate(envelope.read_frame())) == {"channel": "c", "data": json.loads(JSON)}


def test_a_message_is_compressed_once_for_all_subscribers(pushd):
    clients = [subscribe(pushd) for _ in range(50)]
    pushd.publish("c", JSON)
    assert len({client.read_frame() for client in clients}) == 1
    wait_until(lambda: pushd.metrics().sum("pushd_compressions_total") >= 1, "the compression counted")
    # Each worker may need it, but only the first has compressed it.
    assert pushd.fresh_metrics().sum("pushd_compressions_total") == 1


@pytest.mark.parametrize("message", [b"short", b"x" * 255, os.urandom(4_000)], ids=["short", "below 256", "noise"])
def test_what_would_not_get_smaller_goes_out_plain(pushd, message):
    client = subscribe(pushd)
    pushd.publish("c", message)
    frame = client.read_frame()
    assert frame.payload == message and not frame.is_compressed


def test_commands_may_be_compressed_and_fragmented(pushd):
    client = subscribe(pushd)
    command = deflate(b'{"action":"ping","id":1}')
    client.send_frame(TEXT, command, first_bits=RSV1)
    assert client.read_json() == {"action": "pong", "id": 1}
    client.send_frame(TEXT, command[:5], first_bits=0x40)
    client.send_frame(9, b"between")
    client.send_frame(0, command[5:])
    assert client.read_frame()[:2] == (PONG, b"between")
    assert client.read_json() == {"action": "pong", "id": 1}


def test_a_client_that_insists_may_refer_back_to_its_earlier_messages(pushd):
    client = subscribe(pushd, "/ws?context_takeover=1")
    wait_until(lambda: pushd.metrics().sum("pushd_deflate_contexts") == 1, "the context counted")
    compressor = zlib.compressobj(wbits=-15)
    sizes = []
    for number in range(3):
        command = deflate(b'{"action":"ping","id":%d,"filler":"a rather long text"}' % number, compressor)
        sizes.append(len(command))
        client.send_frame(TEXT, command, first_bits=RSV1)
        assert client.read_json()["id"] == number
    assert sizes[1] < sizes[0] / 2
    client.close()
    wait_until(lambda: pushd.metrics().sum("pushd_deflate_contexts") == 0, "the context given back")


def test_without_an_agreement_the_bit_is_a_protocol_error(pushd):
    client = pushd.raw().upgrade()
    client.send_frame(TEXT, deflate(b"{}"), first_bits=RSV1)
    assert client.read_close_code() == 1002


@pytest.mark.parametrize("payload", [b"\xff\x00\x01", deflate(b"x" * 100)[:-3], deflate(b"\xc3" * 10)])
def test_what_cannot_be_decompressed_to_text_closes_with_1007(pushd, payload):
    client = subscribe(pushd)
    client.send_frame(TEXT, payload, first_bits=RSV1)
    assert client.read_close_code() == 1007


def test_a_bomb_is_stopped_at_the_limit(pushd):
    bomb = deflate(bytes(10 << 20))
    assert len(bomb) < 16_384
    subscribe(pushd).send_frame(BINARY, deflate(b"warm"), first_bits=RSV1)
    before = pushd.resident_bytes()
    for _ in range(50):
        client = subscribe(pushd)
        client.send_frame(BINARY, bomb, first_bits=RSV1)
        assert client.read_close_code() == 1009
        client.close()
    assert pushd.resident_bytes() - before < 1 << 20
    reason = {"reason": "message_too_big"}
    wait_until(lambda: pushd.metrics().sum("pushd_connections_closed_total", **reason) == 50, "all of them counted")


def test_the_limit_is_for_the_message_and_not_for_its_compressed_form(start):
    pushd = start("--compression", "on", "--max-message", "1000")
    client = subscribe(pushd)
    stored = deflate(b'{"action":"ping"}'.ljust(1000), zlib.compressobj(level=0, wbits=-15))
    assert len(stored) > 1000
    client.send_frame(TEXT, stored, first_bits=RSV1)
    assert client.read_json() == {"action": "pong"}
    client.send_frame(TEXT, deflate(b'{"action":"ping"}'.ljust(1001)), first_bits=RSV1)
    assert client.read_close_code() == 1009
