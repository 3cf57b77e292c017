#!/usr/bin/env node
// publish.mjs CHANNEL [MESSAGE]: publishes MESSAGE, or each line of standard input, to a channel of pushd.
// Publishes through Redis if $REDIS_URL is set, else over HTTP to $PUSHD_URL with $PUSHD_PUBLISH_KEY, if set.
import { createRequire } from "node:module";

const { REDIS_URL, PUSHD_URL = "http://localhost:8081", PUSHD_PUBLISH_KEY: key } = process.env;
const [channel, ...messages] = process.argv.slice(2);
if (!channel || messages.length > 1) exit("usage: publish.mjs CHANNEL [MESSAGE]");

function exit(why) {
  console.error(why);
  process.exit(1);
}
const fail = (error) => exit(`publish.mjs: not accepted: ${error.message || error.code}`);

async function inTime(promise) {
  const timer = setTimeout(fail, 5000, new Error("no answer within 5 s"));
  await promise.catch((error) => fail(error.cause ?? error)); // fetch puts the reason into the cause
  clearTimeout(timer);
}

async function* lines(stream, rest = "") { // readline would also split lines at U+2028
  for await (const chunk of stream.setEncoding("utf8")) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop();
    yield* parts;
  }
  if (rest) yield rest;
}

async function post(body) {
  const url = `${PUSHD_URL}/publish?channel=${encodeURIComponent(channel)}`;
  const response = await fetch(url, { method: "POST", body, headers: key && { Authorization: `Bearer ${key}` } });
  const answer = await response.text();
  if (!response.ok) throw new Error(`${response.status} ${answer}`);
}

function redisPackage() {
  try {
    return createRequire(import.meta.url)("redis"); // import ignores NODE_PATH
  } catch (error) {
    if (error.code !== "MODULE_NOT_FOUND") throw error;
    exit("publish.mjs: REDIS_URL needs the package redis: npm install redis, or apt install node-redis and set "
      + "NODE_PATH=/usr/share/nodejs");
  }
}

let publish = post;
if (REDIS_URL) {
  const client = redisPackage().createClient({ url: REDIS_URL }).on("error", fail);
  await inTime(client.connect());
  publish = (message) => client.publish(`push:${channel}`, message);
}
for await (const message of messages.length ? messages : lines(process.stdin)) await inTime(publish(message));
process.exit(); // also ends the connection
