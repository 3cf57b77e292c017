// Plays a conversation through the WebSocket interface that browsers, Node and ws share. In JSON, a binary message's
// data is a string with one character per byte.

function decode({ type, data }) {
  return type === "text" ? data : Uint8Array.from(data, (character) => character.charCodeAt(0));
}

function encode(data) {
  if (typeof data === "string") return { type: "text", data };
  let characters = "";
  for (const byte of new Uint8Array(data)) characters += String.fromCharCode(byte);
  return { type: "binary", data: characters };
}

export function talk(WebSocket, { url, send, code, reason }) {
  return new Promise((resolve) => {
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    const received = [];
    const goOn = () => {
      if (received.length < send.length) socket.send(decode(send[received.length]));
      else if (code) socket.close(code, reason);
    };
    socket.onopen = goOn;
    socket.onmessage = ({ data }) => {
      received.push(encode(data));
      goOn();
    };
    socket.onerror = () => {}; // ws throws without it; a close follows
    socket.onclose = ({ code, wasClean }) => resolve({ received, code, wasClean, extensions: socket.extensions });
  });
}
