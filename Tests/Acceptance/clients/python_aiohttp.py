"""The aiohttp package."""

import asyncio

from aiohttp import ClientSession, ClientWSTimeout, WSCloseCode, WSMsgType

from . import PATIENCE_S, Outcome

TIMEOUT = ClientWSTimeout(ws_receive=PATIENCE_S, ws_close=PATIENCE_S)


def talk(conversation):
    return asyncio.run(_talk(conversation))


async def _talk(conversation):
    async with (
        ClientSession() as session,
        session.ws_connect(conversation.url, compress=15, max_msg_size=0, timeout=TIMEOUT) as socket,
    ):
        is_compressed = socket.compress > 0
        received = await _exchange(socket, conversation)
    return Outcome(
        received,
        code=socket.close_code,
        is_clean=socket.close_code != WSCloseCode.ABNORMAL_CLOSURE and socket.exception() is None,
        is_compressed=is_compressed,
    )


async def _exchange(socket, conversation):
    received = []
    for message in conversation.send:
        await (socket.send_str(message) if isinstance(message, str) else socket.send_bytes(message))
        answer = await socket.receive()
        if answer.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
            return received
        received.append(answer.data)
    if conversation.code:
        await socket.close(code=conversation.code, message=conversation.reason.encode())
    return received + [message.data async for message in socket]
