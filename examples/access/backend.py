#!/usr/bin/env python3
"""A backend that decides who may join which channel: it signs tokens, and answers pushd's questions (README.md)."""

import http.server
import json
import os
import pathlib
import time
import urllib.parse

import jwt  # pip install pyjwt, or apt install python3-jwt

SECRET = pathlib.Path(os.environ.get("SECRET_FILE", "secret")).read_bytes().rstrip(b"\r\n")
PUSHD_URL = os.environ.get("PUSHD_URL", "ws://localhost:8081/ws")
PAGE = pathlib.Path(__file__).with_name("page.html").read_bytes()
ROOMS = {"ann": ["private.red", "private.blue", "asked.green"], "bob": ["private.blue"]}  # yours are in a database


def token(user):
    """A token for ten minutes; the page fetches the next one before it expires."""
    claims = {"sub": user, "exp": int(time.time()) + 600, "pushd": {"subscribe": ROOMS[user]}}
    return jwt.encode(claims, SECRET, "HS256")


class Backend(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        url = urllib.parse.urlsplit(self.path)
        user = dict(urllib.parse.parse_qsl(url.query)).get("user")  # yours is the one who has logged in
        if url.path == "/":
            self.answer(200, "text/html; charset=utf-8", PAGE)
        elif url.path == "/token" and user in ROOMS:
            self.answer(200, "application/json", json.dumps({"token": token(user), "url": PUSHD_URL}).encode())
        else:
            self.answer(403, "text/plain", b"no such user\n")

    def do_POST(self):  # pushd asks about a channel whose rule says subscribe=ask
        question = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        is_allowed = question["channel"] in ROOMS.get(question["user"], [])
        answer = {"allow": True} if is_allowed else {"allow": False, "reason": "not your room"}
        self.answer(200, "application/json", json.dumps(answer).encode())

    def answer(self, status, kind, body):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "8000"))), Backend).serve_forever()
