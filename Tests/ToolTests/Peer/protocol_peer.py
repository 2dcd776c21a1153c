#!/usr/bin/env python3
"""Checks the wire protocol of a running bus as a client in another language sees it (docs/PROTOCOL.md).

    python3 protocol_peer.py <port> <data-dir>

The bus must have no other agents. Needs Python 3.9 and the package `websockets`, from 10.4 on. Each check joins under
names of its own, so that none disturbs another; a message that must not come is proven absent by a ping and its pong.
"""
from __future__ import annotations

import asyncio
import functools
import itertools
import json
import os
import re
import stat
import sys
import unicodedata
from pathlib import Path

import websockets

WAIT = 5  # seconds, for an answer
LONG_WAIT = 60  # for frames of many MiB, which a debug build of the server takes its time to read
KIB, MIB = 1 << 10, 1 << 20
CHECKS = []

os.environ["no_proxy"] = "*"  # the bus is on this machine, whatever proxy the environment names


# --- the harness ------------------------------------------------------------------------------------------------------


class Failed(Exception):
    """What the bus did differently."""


def check(function):
    CHECKS.append((function.__name__, function))
    return function


def check_each(cases):
    """Registers one check for each of the named cases, which the function gets after the bus."""

    def register(function):
        for label, case in cases.items():
            CHECKS.append((f"{function.__name__}[{label}]", functools.partial(function, case=case)))
        return function

    return register


def same(what, got, expected):
    if got != expected:
        raise Failed(f"{what}: got {short(got)}, expected {short(expected)}")


def fits(what, text, pattern):
    if not isinstance(text, str) or not re.fullmatch(pattern, text):
        raise Failed(f"{what}: got {short(text)}, expected {pattern}")


def short(value):
    return repr(value) if len(repr(value)) <= 200 else f"{repr(value)[:200]}…"


def encode(frame):
    return json.dumps(frame, ensure_ascii=False)


def within(seconds, awaitable):
    return asyncio.wait_for(awaitable, seconds)


class Peer:
    """One connection to the bus. What arrives and is not asked for yet stays in its inbox."""

    def __init__(self, socket, nonce=None):
        self.socket, self.nonce, self.inbox, self.refs = socket, nonce, [], itertools.count(1)
        self.welcome = self.id = self.name = None

    async def send(self, frame):
        text = frame if isinstance(frame, str) else encode(frame)
        await within(LONG_WAIT, self.socket.send(text))

    async def receive(self, seconds=WAIT):
        try:
            return json.loads(await within(seconds, self.socket.recv()))
        except asyncio.TimeoutError:
            raise Failed(f"no frame within {seconds} s") from None

    async def expect(self, op, seconds=WAIT, **fields):
        """The next frame with this op and these fields. Others stay in the inbox; an error ends the check."""
        wanted = {"op": op, **fields}.items()
        for frame in self.inbox:
            if wanted <= frame.items():
                self.inbox.remove(frame)
                return frame
        while True:
            try:
                frame = await self.receive(seconds)
            except Failed as failure:
                raise Failed(f"{failure}, expected {short(dict(wanted))}, had {short(self.inbox)}") from None
            if wanted <= frame.items():
                return frame
            if frame["op"] == "error":
                raise Failed(f"got {frame}, expected {short(dict(wanted))}")
            self.inbox.append(frame)

    async def ask(self, op, **fields):
        """The answer to a request."""
        ref = f"ref-{next(self.refs)}"
        await self.send({"op": op, "ref": ref, **fields})
        while True:
            frame = await self.receive()
            if frame.get("ref") == ref:
                return frame
            self.inbox.append(frame)

    async def so_far(self, seconds=WAIT):
        """Everything that arrived before the pong to a ping of now, and was not taken from the inbox yet."""
        ref = f"ref-{next(self.refs)}"
        await self.send({"op": "ping", "ref": ref})
        await self.expect("pong", seconds, ref=ref)
        frames, self.inbox = self.inbox, []
        return frames

    async def accepted(self, op, seconds=WAIT, **fields):
        """Sends a message that the bus must accept: there is no error before the pong."""
        await self.send({"op": op, **fields})
        frames = await self.so_far(seconds)
        same("answers to an accepted message", frames, [])

    async def refused(self, code, frame, seconds=WAIT, ref=None):
        """Sends a frame that the bus must refuse with this code, and leave the connection alive."""
        await self.send(frame)
        error = await self.receive(seconds)
        same("answer", (error["op"], error.get("code"), error.get("ref")), ("error", code, ref))
        fits("message", error.get("message"), r"(?s).{8,}")
        await self.so_far()
        return error

    async def closed(self, code, seconds=WAIT):
        """The connection ends, with this code."""
        try:
            while True:
                await self.receive(seconds)
        except websockets.ConnectionClosed as end:
            same("close code", end.rcvd and int(end.rcvd.code), code)


class Bus:
    """The bus as one check sees it: with names of its own, and connections that end with it."""

    def __init__(self, port, data, prefix):
        self.port, self.data, self.prefix, self.peers = port, Path(data), prefix, []
        self.token = (self.data / "token").read_text().strip()

    def called(self, name):
        return f"{self.prefix}-{name}"

    async def open(self, nonce=None, **options):
        options = {"max_size": None, "ping_interval": None, "close_timeout": WAIT, **options}
        connecting = websockets.connect(f"ws://127.0.0.1:{self.port}/", **options)
        self.peers.append(Peer(await within(WAIT, connecting), nonce))
        return self.peers[-1]

    def hello(self, **fields):
        """A hello of an agent; None leaves a field out."""
        frame = {"op": "hello", "token": self.token, "role": "agent", **fields}
        return {name: value for name, value in frame.items() if value is not None}

    async def greet(self, **fields):
        peer = await self.open(fields.get("nonce"))
        await peer.send(self.hello(**fields))
        peer.welcome = await peer.expect("welcome")
        peer.id, peer.name = peer.welcome["session_id"], peer.welcome["assigned_name"]
        return peer

    async def join(self, name, **fields):
        return await self.greet(**{"name": self.called(name), "nonce": f"nonce of {name}", **fields})

    async def control(self, agent):
        return await self.greet(role="control", for_session=agent.id, nonce=agent.nonce)

    async def refuses(self, code, hello):
        """A first frame that is answered with this error and a close."""
        peer = await self.open()
        await peer.send(hello)
        error = await peer.receive()
        same("answer to hello", (error["op"], error.get("code")), ("error", code))
        await peer.closed(1008)
        return error

    async def http(self, headers=None, start="GET / HTTP/1.1"):
        """The status of an HTTP request over a plain socket; in `headers` None leaves one out, a list repeats it."""
        defaults = {
            "Host": f"127.0.0.1:{self.port}",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec-WebSocket-Version": "13",
        }
        lines = [start]
        for name, value in {**defaults, **(headers or {})}.items():
            values = value if isinstance(value, list) else [value] if value is not None else []
            lines += [f"{name}: {value}" for value in values]
        reader, writer = await within(WAIT, asyncio.open_connection("127.0.0.1", self.port))
        self.peers.append(Peer(writer))
        writer.write("".join(f"{line}\r\n" for line in lines + [""]).encode())
        head = (await within(WAIT, reader.readuntil(b"\r\n\r\n"))).decode()
        return int(head.split()[1]), head, reader, writer

    async def raw_agent(self):
        """An agent over a plain socket, for frames that no library would send."""
        _, _, reader, writer = await self.http()
        writer.write(raw_frame(1, encode(self.hello()).encode()))
        same("answer to hello", (await read_raw_frame(reader))[0], 1)
        return reader, writer

    async def leave(self):
        for peer in self.peers:
            closing = peer.socket.close()
            if closing is not None:
                await within(LONG_WAIT, closing)


def raw_frame(opcode, payload=b"", length=None, is_last=True, is_masked=True):
    """A frame whose mask, if any, is zero, so that it changes nothing."""
    length = len(payload) if length is None else length
    mask_bit = 0x80 if is_masked else 0
    size = bytes([mask_bit | length]) if length < 126 else bytes([mask_bit | 127]) + length.to_bytes(8, "big")
    return bytes([(0x80 if is_last else 0) | opcode]) + size + bytes(4 if is_masked else 0) + payload


async def read_raw_frame(reader):
    opcode, length = await within(WAIT, reader.readexactly(2))
    if length == 126:
        length = int.from_bytes(await within(WAIT, reader.readexactly(2)), "big")
    return opcode & 0x0F, await within(WAIT, reader.readexactly(length))


# --- the upgrade ------------------------------------------------------------------------------------------------------


@check_each({host: host for host in ["127.0.0.1", "127.9.9.9:80", "localhost", "LocalHost:9473", "[::1]", "[::1]:9473"]})
async def upgrade_from_this_machine(bus, case):
    status, head, _, _ = await bus.http({"Host": case})
    same("status", status, 101)
    accept = re.search(r"(?im)^sec-websocket-accept:\s*(\S+)", head)
    same("Sec-WebSocket-Accept", accept and accept[1], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")


@check_each(
    {
        "origin": (403, {"Origin": "http://evil.example"}),
        "origin of this machine": (403, {"Origin": "http://127.0.0.1"}),
        "origin null": (403, {"Origin": "null"}),
        "foreign host": (403, {"Host": "evil.example"}),
        "host that begins as loopback": (403, {"Host": "127.0.0.1.evil.example"}),
        "host that begins as localhost": (403, {"Host": "localhost.evil.example:80"}),
        "no host": (403, {"Host": None}),
        "two hosts": (403, {"Host": ["127.0.0.1", "evil.example"]}),
        "plain GET": (426, {"Upgrade": None, "Connection": None}),
        "POST": (426, {"Content-Length": "0"}, "POST / HTTP/1.1"),
        "another path": (404, {}, "GET /bus HTTP/1.1"),
        "a query": (404, {}, "GET /?token=x HTTP/1.1"),
        "no key": (400, {"Sec-WebSocket-Key": None}),
        "another version": (400, {"Sec-WebSocket-Version": "8"}),
    }
)
async def upgrade_refused(bus, case):
    expected, *request = case
    status, _, reader, _ = await bus.http(*request)
    same("status", status, expected)
    await within(WAIT, reader.read())  # ends because the server closes


# --- hello ------------------------------------------------------------------------------------------------------------


@check
async def hello_of_an_agent(bus):
    alice = await bus.join("alice", session_id=bus.called("ID_9"), cwd="/tmp", pid=1, features=["no-such-feature"])
    welcome = {"op": "welcome", "session_id": bus.called("ID_9"), "assigned_name": bus.called("alice"), "features": []}
    same("welcome", alice.welcome, welcome)


@check_each({"left out": {}, "empty": {"name": "", "label": "", "cwd": ""}, "null": {"features": "null", "pid": "null"}})
async def hello_without_what_is_optional(bus, case):
    peer = await bus.open()
    await peer.send(encode(bus.hello(**case)).replace('"null"', "null"))
    welcome = await peer.expect("welcome", assigned_name="")
    fits("session_id", welcome["session_id"], r"[A-Za-z0-9_-]{4,64}")


@check
async def hello_of_a_control_connection(bus):
    alice, watcher = await bus.join("alice"), await bus.join("watcher")
    control = await bus.control(alice)
    same("welcome", (control.name, control.welcome["for_session"], control.welcome["features"]), ("", alice.id, []))
    listed = [session["session_id"] for session in (await watcher.ask("list"))["sessions"]]
    same("listed: alice, the control connection", (alice.id in listed, control.id in listed), (True, False))
    await watcher.accepted("broadcast", text="for agents")
    same("frames to the control connection", await control.so_far(), [])
    same("the agent gets the broadcast", (await alice.expect("msg"))["text"], "for agents")
    news = [frame for frame in await watcher.so_far() if frame.get("session_id") == control.id]
    same("news of the control connection", news, [])


@check_each({"without a token": {"token": None}, "with the token": {}})
async def hello_on_the_unix_socket(bus, case):
    path = bus.data / f"bus.{bus.port}.sock"
    if not path.exists():
        return  # the data directory's path is too long for a socket address
    peer = Peer(await within(WAIT, websockets.unix_connect(str(path), ping_interval=None)))
    bus.peers.append(peer)
    await peer.send(bus.hello(**case))
    await peer.expect("welcome")


@check_each(
    {
        "name empty after a rename": {"op": "rename", "name": ""},
        **{
            repr(name): {"op": "hello", "name": name}
            for name in ["Alice", "-a", "a_b", "a b", "a.b", "é", "a\n", " a", "a" * 41, "٣"]
        },
    }
)
async def invalid_name(bus, case):
    alice = await bus.join("alice")
    await alice.refused("invalid_name", {"op": "rename", "name": case["name"]})
    if case["op"] == "hello":
        await bus.refuses("invalid_name", bus.hello(name=case["name"]))


@check
async def valid_names(bus):
    for name in ["7", "0-", "a--b", "a" * 40]:
        same("assigned_name", (await bus.greet(name=name)).name, name)


@check_each(
    {
        "line break": "a\nb", "NUL": "\0", "escape": "\x1b[31m", "DEL": "\x7f", "C1 control": "\x85",
        "right-to-left override": "a\u202eb", "isolate": "\u2066a", "zero width space": "a\u200bb",
        "zero width joiner": "a\u200db", "byte order mark": "\ufeffa", "soft hyphen": "a\u00adb", "tag": "a\U000e0041",
        "line separator": "a\u2028b", "paragraph separator": "a\u2029b", "no-break space": "a\u00a0b",
        "ideographic space": "a\u3000b", "61 letters": "a" * 61, "61 after NFC": "e\u0301" * 61,
    }
)  # fmt: skip
async def invalid_label(bus, case):
    await bus.refuses("invalid_label", bus.hello(label=case))


@check_each({"composed": "e\u0301" * 60, "emoji": "🦊" * 60, "quotes": 'a "b" \\ c', "Hangul": "\u1112\u1161\u11ab"})
async def label_is_kept_in_nfc(bus, case):
    alice, bob = await bus.join("alice", label=case), await bus.join("bob")
    label = unicodedata.normalize("NFC", case)
    listed = [session for session in (await bob.ask("list"))["sessions"] if session["session_id"] == alice.id]
    same("label in list", listed[0]["label"], label)
    await alice.accepted("send", to=bob.id, text="hi")
    same("from_label", (await bob.expect("msg"))["from_label"], label)


@check_each(
    {
        "no role": {"role": None}, "unknown role": {"role": "boss"}, "role 1": {"role": 1}, "token 1": {"token": 1},
        "session_id 1": {"session_id": 1}, "session_id of 3": {"session_id": "abc"}, "session_id empty": {"session_id": ""},
        "session_id of 65": {"session_id": "a" * 65}, "session_id with /": {"session_id": "a/bc"}, "name 1": {"name": 1},
        "label list": {"label": []}, "cwd object": {"cwd": {}}, "cwd of 4097": {"cwd": "a" * 4097}, "pid text": {"pid": "1"},
        "pid 1.5": {"pid": 1.5}, "pid true": {"pid": True}, "nonce 1": {"nonce": 1}, "nonce of 129": {"nonce": "a" * 129},
        "nonce empty": {"nonce": ""}, "for_session 1": {"role": "control", "for_session": 1},
        "features text": {"features": "a"}, "features numbers": {"features": [1]}, "ref 1": {"ref": 1},
    }
)  # fmt: skip
async def invalid_payload_in_hello(bus, case):
    await bus.refuses("invalid_payload", bus.hello(**case))


@check_each({"a field twice": '"name":"a","name":"b"', "half a surrogate pair": r'"label":"\ud83d"'})
async def invalid_payload_in_the_text_of_hello(bus, case):
    await bus.refuses("invalid_payload", encode(bus.hello())[:-1] + f",{case}}}")


@check
async def name_taken(bus):
    await bus.join("alice")
    await bus.join("alice-3")
    error = await bus.refuses("name_taken", bus.hello(name=bus.called("alice")))
    free = [bus.called(name) for name in ("alice-2", "alice-4", "alice-5")]
    same("candidates", error.get("candidates"), free)
    bob = await bus.join("bob")
    error = await bob.refused("name_taken", {"op": "rename", "name": bus.called("alice"), "ref": "r"}, ref="r")
    same("candidates", error.get("candidates"), free)


@check
async def name_taken_of_full_length(bus):
    await bus.greet(name="b" * 40)
    error = await bus.refuses("name_taken", bus.hello(name="b" * 40))
    same("number of candidates", len(set(error["candidates"])), 3)
    for name in error["candidates"]:
        same("assigned_name", (await bus.greet(name=name)).name, name)


# --- who may do what --------------------------------------------------------------------------------------------------


@check_each({"wrong": "0" * 43, "empty": "", "missing": None})
async def unauthorized_token(bus, case):
    await bus.refuses("unauthorized", bus.hello(token=case))


@check
async def unauthorized_token_that_is_nearly_right(bus):
    last = "B" if bus.token.endswith("A") else "A"
    for token in (bus.token[:-1], bus.token[:-1] + last, bus.token + "A"):
        await bus.refuses("unauthorized", bus.hello(token=token))


@check_each(
    {
        "ping": {}, "list": {}, "bye": {}, "send": {"to": "a", "text": "a"}, "broadcast": {"text": "a"},
        "rename": {"name": "a"}, "no-such-op": {},
    }
)  # fmt: skip
async def unauthorized_first_frame(bus, case):
    op = {"to": "send", "text": "broadcast", "name": "rename"}.get(next(iter(case), ""), "ping")
    await bus.refuses("unauthorized", {"op": op, **case})
