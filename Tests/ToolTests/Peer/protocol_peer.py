"""Checks the whole wire protocol as a client in another language: python3 protocol_peer.py PORT DATA_DIRECTORY SERVER_LOG

The server must be up, with nobody else on it. Prints a line for each check; exit code 1 if one failed.
"""

import asyncio
import json
import os
import stat
import unicodedata

from bus_peer import DATA, IS_LISTING, MIB, PORT, TOKEN, Connection, check, run

if not IS_LISTING:
    import websockets


class Peer(Connection):
    """A connection that has said hello, with no feature."""

    @classmethod
    async def join(cls, name, **fields):
        peer = await cls.connect()
        hello = {"role": "agent", "session_id": f"id-{name}", "name": name, "nonce": f"n-{name}", "token": TOKEN}
        await peer.say("hello", **{**hello, **fields})
        peer.welcome = await peer.expect("welcome")
        return peer

    @classmethod
    async def control(cls, name):
        peer = await cls.connect()
        await peer.say("hello", role="control", for_session=f"id-{name}", nonce=f"n-{name}", token=TOKEN)
        peer.welcome = await peer.expect("welcome")
        return peer


async def refused_hello(code, close=1008, **fields):
    peer = await Peer.connect()
    await peer.say("hello", **fields)
    error = await peer.expect_error(code)
    await peer.expect_close(close)
    return error


async def http(request):
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    writer.write(request.encode())
    answer = await asyncio.wait_for(reader.read(), 5)
    writer.close()
    return int(answer.split()[1])


def upgrade(path="/", host="127.0.0.1", extra=""):
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{extra}\r\n"
    )


# --- the upgrade ------------------------------------------------------------------------------------------------


@check
async def an_origin_is_refused():
    assert await http(upgrade(extra="Origin: http://evil.example\r\n")) == 403


@check
async def a_foreign_host_is_refused():
    assert await http(upgrade(host="evil.example")) == 403


@check
async def a_plain_request_is_told_to_upgrade():
    assert await http("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n") == 426
    assert await http("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{}") == 426


@check
async def another_path_is_not_found():
    assert await http(upgrade(path="/other")) == 404


# --- hello ------------------------------------------------------------------------------------------------------


@check
async def an_agent_is_welcomed():
    peer = await Peer.join("hello-a", features=["unheard-of"])
    assert peer.welcome["session_id"] == "id-hello-a" and peer.welcome["assigned_name"] == "hello-a"
    assert peer.welcome["features"] == []
    await peer.leave()


@check
async def a_session_without_an_id_gets_one():
    peer = await Peer.connect()
    await peer.say("hello", role="agent", token=TOKEN)
    welcome = await peer.expect("welcome")
    assert len(welcome["session_id"]) >= 4 and welcome["assigned_name"] == ""
    await peer.leave()


@check
async def a_wrong_or_missing_token_is_unauthorized():
    await refused_hello("unauthorized", role="agent", token="wrong")
    await refused_hello("unauthorized", role="agent")


@check
async def the_first_frame_must_be_hello():
    peer = await Peer.connect()
    await peer.say("list")
    await peer.expect_error("unauthorized")
    await peer.expect_close(1008)


@check
async def names_have_a_rule():
    for name in ["Big", "-a", "a_b", "a b", "ü", "x" * 41]:
        await refused_hello("invalid_name", role="agent", token=TOKEN, name=name)


@check
async def labels_have_a_rule():
    for label in ["a\nb", "a\u202eb", "x" * 61, "a\u00a0b", "a\u2028b", "a\u200bb", "\x1b[31m"]:
        await refused_hello("invalid_label", role="agent", token=TOKEN, label=label)


@check
async def a_label_is_kept_in_nfc():
    peer = await Peer.join("nfc", label="e\u0301 日本語 😀")
    await peer.say("list")
    session = [s for s in (await peer.expect("list_ok"))["sessions"] if s["name"] == "nfc"][0]
    assert session["label"] == unicodedata.normalize("NFC", "e\u0301 日本語 😀")
    await peer.leave()


@check
async def wrong_types_in_hello_are_invalid_payload():
    good = {"role": "agent", "token": TOKEN}
    wrong = [
        {"role": "boss"}, {"role": 1}, {"token": 1}, {"session_id": 1}, {"session_id": "x"}, {"session_id": "a b c d"},
        {"name": 1}, {"label": []}, {"cwd": {}}, {"nonce": 1}, {"nonce": "n" * 129},
        {"features": "acks"}, {"features": [1]}, {"ref": 1},
    ]  # fmt: skip
    for fields in wrong:
        await refused_hello("invalid_payload", **{**good, **fields})


@check
async def a_pid_that_is_no_number_counts_as_none():
    for number, pid in enumerate(["1", 1.5, [], {}, True, 0, -1, 10**30]):
        peer = await Peer.join(f"pid-{number}", pid=pid)
        await peer.alive()
        await peer.leave()


@check
async def a_cwd_is_cleaned_before_it_is_kept():
    peer = await Peer.join("cwd", cwd="/a\x1b[2J/b\n\u202e\x00/é")
    await peer.say("list")
    sessions = (await peer.expect("list_ok"))["sessions"]
    assert [s["cwd"] for s in sessions if s["name"] == "cwd"] == ["/a/b↵/é"], sessions
    await peer.leave()


@check
async def a_frame_that_is_json_and_no_object_is_invalid_payload():
    peer = await Peer.join("no-object")
    for text in ["[]", '[{"op":"ping"}]', '"x"', " 7 ", "null", "true"]:
        first = await Peer.connect()
        await first.raw(text)
        await first.expect_error("invalid_payload")
        await first.expect_close(1008)
        await peer.raw(text)
        await peer.expect_error("invalid_payload")
    await peer.alive()
    await peer.leave()


@check
async def a_taken_name_comes_with_candidates():
    first = await Peer.join("taken")
    error = await refused_hello("name_taken", role="agent", token=TOKEN, name="taken")
    assert error["candidates"] == ["taken-2", "taken-3", "taken-4"]
    await first.leave()


@check
async def the_same_nonce_takes_over_and_another_does_not():
    old = await Peer.join("again")
    await refused_hello("unauthorized", role="agent", token=TOKEN, session_id="id-again", nonce="guess")
    await refused_hello("unauthorized", role="agent", token=TOKEN, session_id="id-again")
    new = await Peer.join("again")
    await old.expect_close(4000)
    await new.alive()
    await new.leave()


@check
async def a_control_needs_its_agent_and_its_nonce():
    agent = await Peer.join("boss")
    await refused_hello("unknown_peer", role="control", token=TOKEN, for_session="id-nobody", nonce="n-boss")
    await refused_hello("unauthorized", role="control", token=TOKEN, for_session="id-boss", nonce="guess")
    control = await Peer.control("boss")
    assert control.welcome["for_session"] == "id-boss" and control.welcome["session_id"] != "id-boss"
    await agent.leave()
    await asyncio.wait_for(agent.socket.wait_closed(), 5)
    await control.say("list")
    await control.expect_error("unauthorized")
    await control.leave()


# --- operations -------------------------------------------------------------------------------------------------


@check
async def a_direct_message_has_every_field():
    alpha, beta = await Peer.join("from", label="The sender"), await Peer.join("to")
    await alpha.say("send", to="to", text="hi")
    message = await beta.expect("msg")
    assert message["from"] == "id-from" and message["from_name"] == "from" and message["from_label"] == "The sender"
    assert message["to"] == "to" and message["to_session_id"] == "id-to" and message["text"] == "hi"
    assert 8 <= len(message["msg_id"]) <= 12 and message["ts"].endswith("Z")
    await alpha.leave(), await beta.leave()


@check
async def success_is_silence_and_pong_proves_it():
    alpha, beta = await Peer.join("quiet"), await Peer.join("hearer")
    await alpha.say("send", to="hearer", text="x", ref="1")
    await alpha.say("ping", ref="2")
    assert (await alpha.expect("pong"))["ref"] == "2"
    await alpha.say("send", to="nobody-at-all", text="x", ref="3")
    await alpha.say("ping")
    assert (await alpha.expect_error("unknown_peer"))["ref"] == "3"
    await alpha.expect("pong")
    await alpha.leave(), await beta.leave()


@check
async def text_is_kept_to_the_byte():
    alpha, beta = await Peer.join("bytes-a"), await Peer.join("bytes-b")
    for text in ["\u0000\u0001\x7f\r\n\t\\\"/", "😀é e\u0301 ↵ \u2028\ufeff", "x" * MIB, "é" * (MIB // 8)]:
        await alpha.say("send", to="bytes-b", text=text)
        assert (await beta.expect("msg"))["text"] == text
    await alpha.leave(), await beta.leave()


@check
async def a_thousand_messages_keep_their_order():
    alpha, beta = await Peer.join("order-a"), await Peer.join("order-b")
    for number in range(1000):
        await alpha.say("send", to="order-b", text=str(number))
    frames = [await beta.expect("msg") for _ in range(1000)]
    assert [f["text"] for f in frames] == [str(n) for n in range(1000)]
    assert len({f["msg_id"] for f in frames}) == 1000
    await alpha.leave(), await beta.leave()


@check
async def a_broadcast_reaches_the_others():
    alpha, beta, gamma = [await Peer.join(f"cast-{x}") for x in "abc"]
    await alpha.say("broadcast", text="all")
    for peer in (beta, gamma):
        message = await peer.expect("msg")
        assert message["text"] == "all" and "to" not in message and "to_session_id" not in message
    await alpha.alive()
    for peer in (alpha, beta, gamma):
        await peer.leave()


@check
async def addresses_are_resolved_in_order():
    names = ["addr-one", "addr-one-more", "addr-two"]
    peers = [await Peer.join(name) for name in names]
    me = await Peer.join("addr-me")
    for target, index in [("id-addr-one", 0), ("addr-one", 0), ("addr-one-", 1), ("addr-t", 2), ("id-addr-t", 2)]:
        await me.say("send", to=target, text=target)
        assert (await peers[index].expect("msg"))["text"] == target
    await me.say("send", to="addr-o", text="x")
    assert (await me.expect_error("ambiguous"))["matches"] == ["addr-one", "addr-one-more"]
    for target in ["id-", "addr-three", "", "addr-me", "id-addr-me"]:
        await me.say("send", to=target, text="x")
        await me.expect_error("unknown_peer")
    for peer in [*peers, me]:
        await peer.leave()


@check
async def wrong_payloads_are_refused_and_the_connection_lives():
    peer = await Peer.join("payload")
    for text in [
        '{"op":"send","to":"x"}', '{"op":"send","text":"x"}', '{"op":"send","to":1,"text":"x"}', '{"op":1}', "{}",
        '{"op":"send","to":"x","text":null}', '{"op":"send","to":"x","text":""}', '{"op":"broadcast","text":""}',
        '{"op":"broadcast"}', '{"op":"rename"}', '{"op":"rename","name":1}', '{"op":"ping","ref":1}',
        '{"op":"send","to":"x","to":"x","text":"x"}', '{"op":"send","to":"x","text":"\\ud800"}',
        '{"op":"ping","deep":' + "[" * 1000 + "]" * 1000 + "}",
    ]:  # fmt: skip
        await peer.raw(text)
        await peer.expect_error("invalid_payload")
    await peer.alive()
    await peer.leave()


@check
async def what_is_not_known_is_unknown_op_and_the_connection_lives():
    peer = await Peer.join("unknown")
    for text in ["not json", "", "[", "[] []", '"x', '{"op":"ping"', '{"op":"ping"}{}', '{"op":"dance"}', '{"op":"hello","role":"agent"}']:
        await peer.raw(text)
        await peer.expect_error("unknown_op")
    await peer.alive()
    await peer.leave()


@check
async def a_text_too_long_is_refused():
    alpha, beta = await Peer.join("long-a"), await Peer.join("long-b")
    await alpha.say("send", to="long-b", text="x" * (10 * MIB))
    assert len((await beta.expect("msg", 30))["text"]) == 10 * MIB
    await alpha.say("send", to="long-b", text="x" * (10 * MIB + 1))
    assert (await alpha.expect_error("text_too_long", 30))["limit"] == 10 * MIB
    await alpha.say("broadcast", text="x" * (256 * 1024 + 1))
    assert (await alpha.expect_error("text_too_long"))["limit"] == 256 * 1024
    await alpha.leave(), await beta.leave()


@check
async def the_61st_broadcast_in_a_minute_is_refused():
    agent = await Peer.join("loud")
    controls = [await Peer.control("loud"), await Peer.control("loud")]
    for number in range(60):
        await controls[number % 2].say("broadcast", text="x")
    for peer in [agent, *controls]:
        await controls[0].alive(), await controls[1].alive()
        await peer.say("broadcast", text="x")
        assert 1 <= (await peer.expect_error("rate_limited"))["retry_after"] <= 60
    for peer in [*controls, agent]:
        await peer.leave()


@check
async def peers_hear_of_each_other():
    alpha = await Peer.join("news-a")
    beta = await Peer.join("news-b")
    joined = await alpha.expect("peer_joined")
    assert joined["session_id"] == "id-news-b" and joined["name"] == "news-b"
    await beta.say("rename", name="news-c")
    assert await beta.expect("renamed") == {"op": "renamed", "name": "news-c"}
    assert await alpha.expect("renamed") == {"op": "renamed", "session_id": "id-news-b", "name": "news-c"}
    await beta.say("rename", name="news-a")
    assert (await beta.expect_error("name_taken"))["candidates"][0] == "news-a-2"
    await beta.say("rename", name="No")
    await beta.expect_error("invalid_name")
    await beta.leave()
    assert (await alpha.expect("peer_left"))["session_id"] == "id-news-b"
    await alpha.leave()


@check
async def a_control_acts_for_its_agent():
    agent, other = await Peer.join("acts"), await Peer.join("acted-on")
    control = await Peer.control("acts")
    await control.say("send", to="acted-on", text="x")
    assert (await other.expect("msg"))["from"] == "id-acts"
    await control.say("rename", name="acts-new")
    assert await control.expect("renamed") == {"op": "renamed", "name": "acts-new"}
    assert (await agent.expect("renamed"))["session_id"] == "id-acts"
    await control.say("list")
    assert "acts-new" in [s["name"] for s in (await control.expect("list_ok"))["sessions"]]
    for peer in (control, agent, other):
        await peer.leave()


@check
async def bye_closes():
    peer = await Peer.join("bye")
    await peer.say("bye")
    await peer.expect_close(1000)


# --- frames -----------------------------------------------------------------------------------------------------


@check
async def a_binary_frame_ends_the_connection():
    peer = await Peer.join("binary")
    await peer.socket.send(b"{}")
    await peer.expect_close(1003)


@check
async def a_frame_too_large_ends_the_connection():
    peer = await Peer.join("huge")
    try:
        await peer.socket.send("x" * (16 * MIB + 1))
    except websockets.exceptions.ConnectionClosed:
        pass
    await peer.expect_close(1009, 30)


@check
async def fragments_too_large_together_end_the_connection():
    peer = await Peer.join("pieces")

    async def pieces():
        for _ in range(18):
            yield "x" * MIB

    try:
        await peer.socket.send(pieces())
    except websockets.exceptions.ConnectionClosed:
        pass
    await peer.expect_close(1009, 30)


@check
async def fragments_are_put_together():
    peer = await Peer.join("joined-up")
    await peer.socket.send(['{"op":"pi', 'ng","ref', '":"f"}'])
    assert (await peer.expect("pong"))["ref"] == "f"
    await peer.leave()


@check
async def a_peer_that_does_not_read_holds_nobody_up_and_gets_its_mail_when_it_reads():
    sender, reader = await Peer.join("flood-a"), await Peer.join("flood-b")
    slow = await Peer.connect(max_queue=1)
    await slow.say("hello", role="agent", name="flood-slow", token=TOKEN)
    await slow.expect("welcome")
    for number in range(100):
        await sender.say("send", to="flood-slow", text="x" * MIB)
        await sender.say("send", to="flood-b", text=str(number))
    for number in range(100):
        assert (await reader.expect("msg"))["text"] == str(number)
    for number in range(100):
        assert len((await slow.expect("msg"))["text"]) == MIB
    for peer in (sender, reader, slow):
        await peer.leave()


@check
async def accepted_messages_are_in_the_log():
    alpha, beta = await Peer.join("log-a"), await Peer.join("log-b")
    await alpha.say("send", to="log-b", text="for the\nlog ✓")
    message = await beta.expect("msg")
    path = os.path.join(DATA, f"bus.{PORT}", "messages.log")
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    lines = [line for line in open(path, encoding="utf-8") if f'"msg_id":"{message["msg_id"]}"' in line]
    assert len(lines) == 1
    record = json.loads(lines[0])
    fields = ["msg_id", "ts", "from", "from_name", "from_label", "to", "to_session_id", "text"]
    assert all(record[field] == message[field] for field in fields) and record["recipients"] == 1
    await alpha.leave(), await beta.leave()


run()
