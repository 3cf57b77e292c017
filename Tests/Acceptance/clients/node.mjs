// Plays the conversation from standard input and writes the outcome to standard output: node.mjs [MODULE]
// MODULE exports the WebSocket to use; the default is Node's global one.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { talk } from "./talk.mjs";

const [module] = process.argv.slice(2);
const { WebSocket } = module ? createRequire(import.meta.url)(module) : globalThis; // import ignores NODE_PATH
talk(WebSocket, JSON.parse(readFileSync(0, "utf8"))).then((outcome) => {
  process.stdout.write(JSON.stringify(outcome), () => process.exit()); // do not wait for a lingering connection
});
