"""The websocket-client package, which does not support compression."""

from websocket import ABNF, create_connection

from . import PATIENCE_S, Outcome


def talk(conversation):
    socket = create_connection(conversation.url, timeout=PATIENCE_S)
    try:
        received, close = _exchange(socket, conversation)
        is_at_end = socket.sock.recv(1) == b""
    finally:
        socket.shutdown()
    return Outcome(received, code=int.from_bytes(close[:2], "big"), is_clean=is_at_end, is_compressed=False)


def _exchange(socket, conversation):
    """The messages and the payload of the server's Close."""
    received = []
    for message in conversation.send:
        socket.send(message, ABNF.OPCODE_TEXT if isinstance(message, str) else ABNF.OPCODE_BINARY)
        opcode, data = socket.recv_data()
        if opcode == ABNF.OPCODE_CLOSE:
            return received, data
        received.append(data.decode() if opcode == ABNF.OPCODE_TEXT else data)
    if conversation.code:
        socket.send_close(conversation.code, conversation.reason)
        frame = socket.recv_frame()
        assert frame.opcode == ABNF.OPCODE_CLOSE, frame
        return received, frame.data
    while (answer := socket.recv_data())[0] != ABNF.OPCODE_CLOSE:
        received.append(answer[1].decode() if answer[0] == ABNF.OPCODE_TEXT else answer[1])
    return received, answer[1]
