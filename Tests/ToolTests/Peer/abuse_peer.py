"""What a hostile program of this machine can do to the bus over TCP, and that everybody else does not notice."""

import asyncio
import json
import os
import resource
import socket
import struct
import time

import bus_peer
from bus_peer import DATA, IS_LISTING, LOG, PORT, TOKEN, check

MIB = 1024 * 1024
UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)


def frame(payload, opcode=1, fin=True, masked=True, reserved=0):
    head = bytes([(0x80 if fin else 0) | reserved | opcode])
    mask = 0x80 if masked else 0
    if len(payload) < 126:
        head += bytes([mask | len(payload)])
    elif len(payload) < 65536:
        head += bytes([mask | 126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([mask | 127]) + struct.pack(">Q", len(payload))
    return head + (b"\0\0\0\0" if masked else b"") + payload


def raw():
    return socket.create_connection(("127.0.0.1", PORT), 5)


def read_all(connection, timeout=20):
    """Everything until the server ends it; None if it does not."""
    connection.settimeout(timeout)
    data = b""
    try:
        while chunk := connection.recv(65536):
            data += chunk
    except (ConnectionError, BrokenPipeError):
        pass
    except TimeoutError:
        return None
    return data


def upgraded():
    connection = raw()
    connection.sendall(UPGRADE)
    head = b""
    while b"\r\n\r\n" not in head:
        head += connection.recv(1)
    assert b" 101 " in head, head
    return connection


def hello(name):
    return {"op": "hello", "role": "agent", "token": TOKEN, "name": name, "nonce": "n", "features": ["receipts"]}


def joined(name):
    """A raw connection that is welcome."""
    connection = upgraded()
    connection.sendall(frame(json.dumps(hello(name)).encode()))
    connection.settimeout(5)
    assert b'"welcome"' in connection.recv(65536)
    return connection


def close_code(data):
    """The code of the close frame at the end of what was read."""
    at = data.rfind(b"\x88")
    return struct.unpack(">H", data[at + 2 : at + 4])[0] if at >= 0 else None


def answers(within=2.0):
    """The own user's tools, through the Unix socket, get their answer."""
    begin = time.monotonic()
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(within)
    connection.connect(os.path.join(DATA, f"bus.{PORT}.sock"))
    connection.sendall(UPGRADE.replace(b"127.0.0.1", b"localhost"))
    connection.sendall(frame(b'{"op":"hello","role":"observer"}') + frame(b'{"op":"ping"}'))
    data = b""
    while b'"pong"' not in data:
        data += connection.recv(65536)
    connection.close()
    assert time.monotonic() - begin < within


def is_ended(connection):
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def names():
    connection = joined("looker")
    connection.sendall(frame(b'{"op":"list"}'))
    data = b""
    while b'"list_ok"' not in data or not data.endswith(b"}"):
        data += connection.recv(65536)
    connection.close()
    listing = json.loads(data[data.index(b'{"op":"list_ok"') :])
    return {session["name"] for session in listing["sessions"]} - {"looker"}


def server_memory():
    pid = int(open(os.path.join(DATA, f"server.{PORT}.pid")).read())
    for line in open(f"/proc/{pid}/status"):
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmRSS")


def refusals():
    """What the server has said of hellos that it refused."""
    with open(LOG) as log:
        return [line for line in log if "refused a hello" in line]


if not IS_LISTING:
    BEGIN = time.monotonic()
    LORIS = [raw(), upgraded(), raw()]
    LORIS[0].sendall(b"GET / HTT")
    LORIS[1].sendall(frame(json.dumps(hello("loris")).encode())[:20])
    MEMORY = server_memory()


@check
async def what_is_no_upgrade_is_refused_and_its_body_is_never_a_frame():
    body = json.dumps(hello("page")).encode()
    requests = [
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"%x\r\n%s\r\n0\r\n\r\n" % (len(frame(body)), frame(body)),
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"
        + frame(body),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(body),
        UPGRADE.replace(b"Host: 127.0.0.1", b"Host: 127.0.0.1\r\nOrigin: http://127.0.0.1") + frame(body),
        UPGRADE.replace(b"Host: 127.0.0.1", b"Host: evil.example") + frame(body),
        b"CONNECT 127.0.0.1:80 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + frame(body),
        frame(body),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + body,
    ]
    for request in requests:
        connection = raw()
        connection.sendall(request)
        data = read_all(connection)
        assert data is not None, f"not ended: {request[:60]}"
        assert b" 101 " not in data and b"welcome" not in data, data[:200]
        connection.close()
    assert "page" not in names()


@check
async def before_hello_little_is_kept():
    head = raw()
    try:
        head.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"X: " + b"x" * (2 * MIB))
    except OSError:
        pass
    assert read_all(head) is not None
    large = upgraded()
    try:
        large.sendall(frame(b'{"op":"hello","token":"' + b"x" * (4 * MIB)))
    except OSError:
        pass
    data = read_all(large)
    assert data is not None and close_code(data) in (1009, None), data
    answers()


@check
async def frames_that_break_the_rules_end_the_connection_with_their_code():
    deep = b'{"op":"ping","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    cases = [
        (frame(b'{"op":"ping"}', masked=False), 1002),
        (frame(b'{"op":"ping"}', reserved=0x40), 1002),
        (frame(b'{"op":"ping","x":"\xff"}'), 1007),
        (frame(b"\0\1", opcode=2), 1003),
        (frame(b"x" * 9 * MIB, fin=False) + frame(b"x" * 9 * MIB, opcode=0), 1009),
        (b"\x81\xff" + struct.pack(">Q", 1 << 62) + b"\0\0\0\0", 1009),
    ]
    for index, (data, code) in enumerate(cases):
        connection = joined(f"rule-{index}")
        try:
            connection.sendall(data)
        except OSError:
            pass
        answer = read_all(connection)
        assert answer is not None and close_code(answer) == code, (code, answer)
    connection = joined("patient")
    odd = [
        (deep, b"invalid_payload"),
        (b'{"op":"ping","op":"ping"}', b"invalid_payload"),
        (b'{"op":"send","to":1e999,"text":"x"}', b"invalid_payload"),
        (b'{"op":"log","limit":99999999999999999999999999}', b"invalid_payload"),
        (b'{"op":"log","limit":-0.5e-300}', b"invalid_payload"),
        (b'{"op":"send","to":"x","text":"\\ud800"}', b"invalid_payload"),
        (b"[" * 20 + b"]" * 20, b"invalid_payload"),
        (b"\xef\xbb\xbf{}", b"unknown_op"),
    ]
    for text, code in odd:
        connection.sendall(frame(text))
        answer = connection.recv(65536)
        assert b'"error"' in answer and b'"%s"' % code in answer, (text[:60], answer)
    connection.sendall(frame(b'{"op":"ping"}'))
    assert b"pong" in connection.recv(65536)


@check
async def a_fragment_a_byte_costs_the_sender_and_nobody_else():
    connection = joined("crumbs")
    try:
        connection.sendall(frame(b"{", fin=False) + frame(b" ", opcode=0, fin=False) * 20_000)
    except OSError:
        pass
    data = read_all(connection)
    assert data is not None and close_code(data) == 1009, data
    answers()


@check
async def guessing_the_token_is_slow():
    begin = time.monotonic()
    said = len(refusals())
    guesses = []
    for number in range(60):
        connection = upgraded()
        connection.sendall(frame(json.dumps({**hello("thief"), "token": f"guess-{number}"}).encode()))
        guesses.append(connection)
    answers()
    for connection in guesses:
        data = read_all(connection)
        assert data is not None and b"unauthorized" in data and close_code(data) == 1008
    assert time.monotonic() - begin >= 0.5
    assert said <= len(refusals()) <= said + 1 + (time.monotonic() - begin) / 10, refusals()


@check
async def a_second_word_before_the_answer_to_a_wrong_token_is_not_heard():
    connection = upgraded()
    connection.sendall(frame(json.dumps({**hello("thief"), "token": "x"}).encode()))
    connection.sendall(frame(json.dumps(hello("thief")).encode()))
    data = read_all(connection)
    assert data is not None and b"welcome" not in data and b"unauthorized" in data


@check
async def ten_thousand_connections_take_a_hundred_places_and_tools_find_theirs():
    held = [raw() for _ in range(400)]
    answers()
    for connection in held:
        connection.setblocking(False)
    deadline = time.monotonic() + 5
    while sum(map(is_ended, held)) < 400 - 128:
        assert time.monotonic() < deadline, sum(map(is_ended, held))
    for connection in held:
        connection.close()
    for _ in range(20):
        crowd = [raw() for _ in range(500)]
        answers()
        for connection in crowd:
            connection.close()
    for _ in range(50):
        try:
            joined("after-the-crowd").close()
            break
        except (OSError, AssertionError):
            await asyncio.sleep(0.2)
    else:
        raise AssertionError("nobody gets in after the crowd")


@check
async def who_takes_too_long_to_say_hello_is_ended():
    for connection in LORIS:
        data = read_all(connection, timeout=25)
        assert data is not None and b"welcome" not in data
    assert "loris" not in names()


@check
async def refused_hellos_make_a_line_in_ten_seconds():
    # Each guess of the flood above is counted in such a line: the next guess after ten seconds of silence says so.
    deadline = time.monotonic() + 25
    while sum(int(line.split("(and ")[1].split()[0]) for line in refusals() if "(and " in line) < 55:
        assert time.monotonic() < deadline, refusals()
        connection = upgraded()
        connection.sendall(frame(json.dumps({**hello("thief"), "token": "x"}).encode()))
        assert b"unauthorized" in read_all(connection)
        connection.close()
    assert any("the token is wrong" in line for line in refusals())
    assert len(refusals()) <= 2 + (time.monotonic() - BEGIN) / 10, refusals()


@check
async def the_server_has_not_grown():
    assert server_memory() - MEMORY < 64 * MIB, (MEMORY, server_memory())


if __name__ == "__main__":
    bus_peer.run()
