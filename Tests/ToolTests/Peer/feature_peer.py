"""Checks the features of the wire protocol as a client in another language: python3 feature_peer.py PORT DATA_DIRECTORY SERVER_LOG

The server must be up, with nobody else on it, and this must not have run on the data directory before (it remembers names).
If the server was started with INTER_SESSION_PAIR_LIMIT (2 or more), the same must be in this environment.
Prints a line for each check; exit code 1 if one failed.
"""

import asyncio
import datetime
import os

from bus_peer import MIB, TOKEN, Connection, check, run

PAIR_LIMIT = int(os.environ.get("INTER_SESSION_PAIR_LIMIT", "120"))
FEATURES = ["receipts", "acks", "hold", "replies", "sessions", "notices", "history"]


def without(*features):
    return [feature for feature in FEATURES if feature not in features]


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Peer(Connection):
    """A connection that has said hello, with every feature unless told otherwise."""

    @classmethod
    async def join(cls, who, **fields):
        """An agent with every feature unless told otherwise. Coming back with the same `who` is the same session."""
        peer = await cls.connect()
        hello = {"role": "agent", "session_id": f"id-{who}", "name": who, "nonce": f"n-{who}", "token": TOKEN}
        await peer.say("hello", **{**hello, "features": FEATURES, **fields})
        peer.welcome = await peer.expect("welcome")
        if "acks" in peer.welcome["features"]:
            peer.waiting = (await peer.expect("waiting"))["count"]
        return peer

    @classmethod
    async def control(cls, who):
        peer = await cls.connect()
        hello = {"role": "control", "for_session": f"id-{who}", "nonce": f"n-{who}", "token": TOKEN}
        await peer.say("hello", **hello, features=FEATURES)
        peer.welcome = await peer.expect("welcome")
        return peer

    @classmethod
    async def observer(cls):
        peer = await cls.connect()
        await peer.say("hello", role="observer", token=TOKEN, features=["sessions", "history"])
        peer.welcome = await peer.expect("welcome")
        return peer

    async def expect_both(self, *ops):
        """One frame of each op, in whatever order they come."""
        found = {}
        while len(found) < len(ops):
            frame = await self.next()
            if frame["op"] not in ("peer_joined", "peer_left"):
                assert frame["op"] in ops and frame["op"] not in found, f"expected {ops}, got {str(frame)[:300]}"
                found[frame["op"]] = frame
        return [found[op] for op in ops]

    async def send(self, to, text, **fields):
        await self.say("send", to=to, text=text, **fields)
        return await self.expect("sent")

    async def ack(self, *msg_ids):
        await self.say("ack", msg_ids=list(msg_ids))
        await self.alive()

    async def list(self, **fields):
        await self.say("list", **fields)
        return {s["name"]: s for s in (await self.expect("list_ok"))["sessions"]}

    async def messages(self, op, **fields):
        await self.say(op, **fields)
        return await self.expect("messages")

    async def until_online(self, *names, gone=()):
        """Asks until these are online and those are not."""

        async def ask():
            while True:
                online = await self.list()
                if all(name in online for name in names) and not any(name in online for name in gone):
                    return

        await asyncio.wait_for(ask(), 5)


async def leave(*peers):
    for peer in peers:
        await peer.leave()


# --- hello, receipts --------------------------------------------------------------------------------------------


@check
async def features_are_agreed_on():
    peer = await Peer.join("agree", features=[*FEATURES, "unheard-of"])
    assert sorted(peer.welcome["features"]) == sorted(FEATURES) and peer.waiting == 0
    await peer.leave()
    peer = await Peer.join("agree", features=["receipts"])
    assert peer.welcome["features"] == ["receipts"]
    await peer.say("show", msg_id="zzzzzzzzzz", ref="x")
    assert (await peer.expect_error("unknown_op"))["ref"] == "x"
    await peer.leave()


@check
async def a_send_is_answered_when_stored():
    alpha, beta = await Peer.join("sent-a"), await Peer.join("sent-b")
    sent = await alpha.send("id-sent-b", "hi", ref="r1")
    message = await beta.expect("msg")
    assert sent["ref"] == "r1" and sent["msg_id"] == message["msg_id"] and sent["to"] == "sent-b"
    assert sent["state"] == "delivered" and sent["recipients"] == 1 and "offline_since" not in sent
    assert "ref" not in await alpha.send("sent-b", "hi")
    await leave(alpha, beta)


@check
async def a_broadcast_is_answered_when_stored():
    alpha, beta, gamma = [await Peer.join(f"all-{x}") for x in "abc"]
    await alpha.until_online("all-b", "all-c", gone=["agree", "sent-a", "sent-b"])
    await alpha.say("broadcast", text="all", ref="r2")
    sent = await alpha.expect("sent")
    assert sent["ref"] == "r2" and sent["recipients"] == 2 and sent["state"] == "delivered" and "to" not in sent
    for peer in (beta, gamma):
        assert (await peer.expect("msg"))["msg_id"] == sent["msg_id"]
    await leave(alpha, beta, gamma)


@check
async def sent_waits_for_the_receiver_as_long_as_it_may():
    alpha, beta = await Peer.join("receipt-a"), await Peer.join("receipt-b")
    await alpha.say("send", to="receipt-b", text="one", receipt_within=5000)
    await beta.say("ack", msg_id=(await beta.expect("msg"))["msg_id"])
    assert (await alpha.expect("sent"))["state"] == "seen"
    assert (await alpha.send("receipt-b", "two", receipt_within=1))["state"] == "delivered"
    await leave(alpha, beta)


# --- acks -------------------------------------------------------------------------------------------------------


@check
async def unseen_mail_comes_again_oldest_first_until_it_is_acked():
    alpha, beta = await Peer.join("ack-a"), await Peer.join("ack-b")
    ids = [(await alpha.send("ack-b", text))["msg_id"] for text in ("1", "2", "3")]
    assert [(await beta.expect("msg"))["msg_id"] for _ in ids] == ids
    await beta.leave()
    beta = await Peer.join("ack-b")
    again = [await beta.expect("msg") for _ in range(beta.waiting)]
    assert [m["msg_id"] for m in again] == ids and [m["text"] for m in again] == ["1", "2", "3"]
    await beta.ack(ids[0], ids[2], "zzzzzzzzzz")
    await beta.leave()
    beta = await Peer.join("ack-b")
    assert beta.waiting == 1 and (await beta.expect("msg"))["msg_id"] == ids[1]
    await beta.say("ack", msg_id=ids[1])
    await beta.alive()
    await beta.leave()
    beta = await Peer.join("ack-b")
    assert beta.waiting == 0
    await beta.alive()
    await leave(alpha, beta)


@check
async def what_was_printed_is_taken_as_acked():
    alpha, beta = await Peer.join("print-a"), await Peer.join("print-b")
    ids = [(await alpha.send("print-b", text))["msg_id"] for text in ("1", "2")]
    await beta.leave()
    beta = await Peer.join("print-b", printed=[ids[0], "zzzzzzzzzz"])
    assert beta.waiting == 1 and (await beta.expect("msg"))["msg_id"] == ids[1]
    await beta.alive()
    await beta.ack(ids[1])
    await leave(alpha, beta)


@check
async def without_acks_mail_counts_as_seen_when_written():
    alpha, beta = await Peer.join("noack-a"), await Peer.join("noack-b", features=without("acks"))
    await alpha.send("noack-b", "live")
    await beta.expect("msg")
    await beta.leave()
    await alpha.until_online(gone=["noack-b"])
    await alpha.send("noack-b", "waited")
    beta = await Peer.join("noack-b", features=without("acks"))
    assert (await beta.expect("msg"))["text"] == "waited"
    await beta.alive()
    await beta.leave()
    beta = await Peer.join("noack-b")
    assert beta.waiting == 0
    await leave(alpha, beta)


# --- hold -------------------------------------------------------------------------------------------------------


@check
async def mail_for_a_known_offline_session_waits_for_it():
    alpha, beta = await Peer.join("hold-a"), await Peer.join("hold-b")
    await beta.leave()
    await alpha.until_online(gone=["hold-b"])
    sent = await alpha.send("hold-b", "by name")
    assert sent["state"] == "queued" and sent["to"] == "hold-b" and sent["recipients"] == 1
    assert sent["offline_since"][:2] == "20" and sent["offline_since"].endswith("Z")
    ids = [sent["msg_id"], (await alpha.send("id-hold-b", "by id"))["msg_id"]]
    beta = await Peer.join("hold-b")
    assert beta.waiting == 2 and [(await beta.expect("msg"))["msg_id"] for _ in ids] == ids
    await beta.ack(*ids)
    await leave(alpha, beta)


@check
async def a_name_never_seen_is_unknown_and_the_nearest_is_named():
    alpha, beta = await Peer.join("near-a"), await Peer.join("near-beta")
    plain = await Peer.join("near-plain", features=[])
    for peer in (alpha, plain):
        await peer.say("send", to="near-betta", text="x", ref="n")
        error = await peer.expect_error("unknown_peer")
        assert error["ref"] == "n" and "near-beta" in error["nearest"]
    await beta.alive()
    await leave(alpha, beta, plain)


@check
async def without_hold_an_offline_session_is_unknown():
    alpha, beta = await Peer.join("drop-a", features=without("hold")), await Peer.join("drop-b")
    await beta.leave()
    await alpha.until_online(gone=["drop-b"])
    for target in ("drop-b", "id-drop-b"):
        await alpha.say("send", to=target, text="x")
        await alpha.expect_error("unknown_peer")
    beta = await Peer.join("drop-b")
    assert beta.waiting == 0
    await leave(alpha, beta)


@check
async def an_exact_offline_name_beats_a_live_prefix():
    alpha, beta = await Peer.join("look-a"), await Peer.join("look-b")
    longer, plain = await Peer.join("look-b-longer"), await Peer.join("look-plain", features=[])
    await beta.leave()
    await alpha.until_online(gone=["look-b"])
    sent = await alpha.send("look-b", "x")
    assert sent["to"] == "look-b" and sent["state"] == "queued"
    await plain.say("send", to="look-b", text="x")
    await plain.expect_error("unknown_peer")
    assert (await alpha.send("look-b-", "x"))["to"] == "look-b-longer"
    assert (await longer.expect("msg"))["to"] == "look-b-longer"
    await longer.leave()
    await alpha.until_online(gone=["look-b-longer"])
    sent = await alpha.send("look-b-l", "x")
    assert sent["to"] == "look-b-longer" and sent["state"] == "queued"
    await leave(alpha, plain)


# --- replies ----------------------------------------------------------------------------------------------------


@check
async def in_reply_to_and_auto_are_passed_on():
    alpha, beta = await Peer.join("reply-a"), await Peer.join("reply-b")
    question = (await alpha.send("reply-b", "?"))["msg_id"]
    message = await beta.expect("msg")
    assert "in_reply_to" not in message and "auto" not in message
    await beta.send("reply-a", "!", in_reply_to=question)
    message = await alpha.expect("msg")
    assert message["in_reply_to"] == question and "auto" not in message
    await beta.send("reply-a", "!!", in_reply_to=question, auto=True)
    message = await alpha.expect("msg")
    assert message["in_reply_to"] == question and message["auto"] is True
    await leave(alpha, beta)


@check
async def an_awaited_answer_goes_to_the_one_that_waits():
    alpha, beta = await Peer.join("await-a"), await Peer.join("await-b")
    control = await Peer.control("await-a")
    sent = await control.send("await-b", "?", **{"await": True})
    question = await beta.expect("msg")
    assert question["from"] == "id-await-a" and question["msg_id"] == sent["msg_id"]
    await beta.send("await-a", "something else")
    assert (await alpha.expect("msg"))["text"] == "something else"
    await beta.send("await-a", "the answer", in_reply_to=sent["msg_id"])
    answer = await control.expect("msg")
    assert answer["text"] == "the answer" and answer["in_reply_to"] == sent["msg_id"]
    await control.ack(answer["msg_id"])
    await alpha.alive()
    await beta.send("await-a", "a second", in_reply_to=sent["msg_id"])
    second = await alpha.expect("msg")
    assert second["text"] == "a second"
    await control.leave()
    await alpha.leave()
    alpha = await Peer.join("await-a")
    assert alpha.waiting == 2, "the two that were not acked, and not the answer"
    await leave(alpha, beta)


@check
async def an_awaited_answer_that_was_not_acked_is_mail_of_the_agent():
    alpha, beta = await Peer.join("late-a"), await Peer.join("late-b")
    control = await Peer.control("late-a")
    question = (await control.send("late-b", "?", **{"await": True}))["msg_id"]
    await beta.expect("msg")
    await beta.send("late-a", "not acked", in_reply_to=question)
    answer = await control.expect("msg")
    await alpha.alive()
    await control.leave()
    assert (await alpha.expect("msg"))["msg_id"] == answer["msg_id"]
    await leave(alpha, beta)


async def answer_until_refused(first, second):
    """Automatic answers to automatic answers; returns how many were accepted and who was refused."""
    last, turns = (await first.send("id-" + second.who, "?"))["msg_id"], 0
    await second.expect("msg")
    speaker, listener = second, first
    while turns < 10:
        await speaker.say("send", to="id-" + listener.who, text="auto", in_reply_to=last, auto=True)
        frame = await speaker.next()
        while frame["op"] in ("peer_joined", "peer_left", "notice"):
            if frame["op"] == "notice":
                speaker.notice = frame
            frame = await speaker.next()
        if frame["op"] == "error":
            assert frame["code"] == "hop_limit" and frame["message"], str(frame)[:300]
            return turns, speaker, listener, last
        assert frame["op"] == "sent" and (await listener.expect("msg"))["auto"] is True
        last, turns, speaker, listener = frame["msg_id"], turns + 1, listener, speaker
    raise AssertionError("nobody stopped the loop")


async def join_for_loop(who, **fields):
    peer = await Peer.join(who, **fields)
    peer.who, peer.notice = who, None
    return peer


@check
async def a_chain_of_automatic_answers_is_stopped():
    alpha = await join_for_loop("hop-a", features=without("notices"))
    beta = await join_for_loop("hop-b", features=without("notices"))
    accepted, speaker, listener, last = await answer_until_refused(alpha, beta)
    assert accepted == 4, f"{accepted} automatic answers were accepted"
    await speaker.send("id-" + listener.who, "by hand", in_reply_to=last)
    assert (await listener.expect("msg"))["text"] == "by hand"
    await leave(alpha, beta)


# --- notices, the limit of a pair -------------------------------------------------------------------------------


@check
async def a_notice_of_a_stopped_loop_goes_to_those_that_know_notices():
    alpha = await join_for_loop("notice-a")
    beta = await join_for_loop("notice-b", features=without("notices"))
    _, speaker, listener, last = await answer_until_refused(alpha, beta)
    notice = alpha.notice or await alpha.expect("notice")
    assert notice["msg_id"] and notice["ts"].endswith("Z") and notice["text"]
    assert beta.notice is None
    await beta.alive()
    await speaker.say("send", to="id-" + listener.who, text="auto", in_reply_to=last, auto=True)
    await speaker.expect_error("hop_limit")
    await alpha.alive(), await beta.alive()
    await leave(alpha, beta)


@check
async def a_pair_that_talks_too_much_is_stopped_and_both_are_told():
    features = ["acks", "notices"]
    alpha, beta = [await Peer.join(f"pair-{x}", features=features) for x in "ab"]
    gamma = await Peer.join("pair-c", features=[])
    half = PAIR_LIMIT // 2
    for peer, to, count in [(alpha, "pair-b", half), (beta, "pair-a", PAIR_LIMIT - half)]:
        for _ in range(count):
            await peer.say("send", to=to, text="x")
    to_beta = [(await beta.expect("msg"))["msg_id"] for _ in range(half)]
    to_alpha = [(await alpha.expect("msg"))["msg_id"] for _ in range(PAIR_LIMIT - half)]
    await alpha.ack(*to_alpha), await beta.ack(*to_beta)
    await alpha.say("send", to="pair-b", text="too much", ref="p")
    error, notice = await alpha.expect_both("error", "notice")
    assert error["code"] == "rate_limited" and error["ref"] == "p" and 1 <= error["retry_after"] <= 60
    assert notice["text"] and (await beta.expect("notice"))["text"]
    await beta.say("send", to="pair-a", text="too much")
    await beta.expect_error("rate_limited")
    await alpha.alive(), await beta.alive()
    await alpha.say("send", to="pair-c", text="another pair")
    assert (await gamma.expect("msg"))["text"] == "another pair"
    await alpha.leave()
    alpha = await Peer.join("pair-a", features=features)
    assert alpha.waiting == 1 and await alpha.expect("notice") == notice
    await alpha.ack(notice["msg_id"])
    await alpha.leave()
    alpha = await Peer.join("pair-a", features=features)
    assert alpha.waiting == 0
    await leave(alpha, beta, gamma)


# --- sessions ---------------------------------------------------------------------------------------------------


@check
async def a_session_gets_its_old_name_back():
    watcher = await Peer.join("name-w")
    peer = await Peer.join("name-1", name=None, suggested_name="name-old")
    assert peer.welcome["assigned_name"] == "name-old"
    await peer.say("rename", name="name-new")
    await peer.expect("renamed"), await watcher.expect("renamed")
    await peer.leave()
    await watcher.until_online(gone=["name-new"])
    peer = await Peer.join("name-1", name=None, suggested_name="name-other")
    assert peer.welcome["assigned_name"] == "name-new"
    second = await Peer.join("name-2", name=None, suggested_name="name-new")
    assert second.welcome["assigned_name"] == "name-new-2"
    third = await Peer.join("name-3", name=None, suggested_name="")
    assert third.welcome["assigned_name"].startswith("claude-") and third.welcome["assigned_name"][7:].isdigit()
    await leave(watcher, peer, second, third)


@check
async def list_all_knows_the_offline():
    alpha, beta = await Peer.join("list-a", pid=os.getpid()), await Peer.join("list-b", pid=os.getpid())
    await beta.leave()
    await alpha.until_online(gone=["list-b"])
    await alpha.send("list-b", "x")
    everybody = await alpha.list(all=True)
    here, away = everybody["list-a"], everybody["list-b"]
    assert here["online"] is True and here["waiting"] == 0 and here["pid"] == os.getpid() and 0 <= here["idle"] < 60
    assert away["online"] is False and away["waiting"] == 1 and "idle" not in away and away["since"].endswith("Z")
    assert away["session_id"] == "id-list-b"
    assert "list-b" not in await alpha.list()
    await alpha.leave()


@check
async def disconnect_closes_the_agent():
    agent = await Peer.join("off-a")
    await agent.say("disconnect", ref="d")
    await agent.expect("disconnected")
    await agent.expect_close(4001)
    agent = await Peer.join("off-a")
    control = await Peer.control("off-a")
    await control.say("disconnect")
    await control.expect("disconnected")
    await agent.expect_close(4001)
    await control.leave()


# --- history ----------------------------------------------------------------------------------------------------


@check
async def show_gives_the_whole_message_and_what_became_of_it():
    alpha, beta = await Peer.join("show-a"), await Peer.join("show-b")
    text = "é" * 40_000 + "the end"
    sent = await alpha.send("show-b", text)
    message = await beta.expect("msg")

    async def shown(msg_id):
        answer = await alpha.messages("show", msg_id=msg_id)
        assert len(answer["messages"]) == 1
        return answer["messages"][0]

    entry = await shown(sent["msg_id"])
    assert all(entry[key] == message[key] for key in message if key != "op") and "op" not in entry
    assert entry["bytes"] == 80_007
    assert entry["deliveries"] == [{"session_id": "id-show-b", "name": "show-b", "state": "delivered"}]
    await beta.ack(sent["msg_id"])
    assert (await shown(sent["msg_id"]))["deliveries"][0]["state"] == "seen"
    await beta.leave()
    await alpha.until_online(gone=["show-b"])
    sent_later = await alpha.send("show-b", "later")
    assert (await shown(sent_later["msg_id"]))["deliveries"][0]["state"] == "queued"
    entry = (await alpha.messages("log", **{"with": "show-b"}))["messages"][0]
    assert entry["msg_id"] == sent["msg_id"] and entry["bytes"] == 80_007
    assert len(entry["text"].encode()) <= 64 * 1024, "log cuts"
    await alpha.leave()


@check
async def what_was_never_said_is_an_unknown_message():
    peer = await Peer.join("show-none")
    await peer.say("show", msg_id="zzzzzzzzzz", ref="s")
    assert (await peer.expect_error("unknown_message"))["ref"] == "s"
    await peer.leave()


@check
async def log_selects():
    alpha, beta, gamma = [await Peer.join(f"log-{x}") for x in "xyz"]
    for peer, to, text in [(alpha, "log-y", "first pear"), (beta, "log-x", "second plum"), (alpha, "log-z", "third pear")]:
        await peer.send(to, text)
        await {"log-x": alpha, "log-y": beta, "log-z": gamma}[to].expect("msg")
    await asyncio.sleep(0.01)  # Times are in whole milliseconds: keep the middle apart from its neighbours.
    middle = now()
    await asyncio.sleep(0.01)
    await beta.send("log-x", "fourth pear tree")
    await alpha.expect("msg")

    async def texts(**fields):
        answer = await alpha.messages("log", **fields)
        return [m["text"] for m in answer["messages"]]

    every = ["first pear", "second plum", "third pear", "fourth pear tree"]
    assert await texts(limit=4) == every
    assert await texts(limit=2) == every[2:]
    assert await texts(**{"with": "log-y"}) == [every[0], every[1], every[3]]
    assert await texts(since=middle) == [every[3]]
    assert await texts(since="2100-01-01T00:00:00.000Z") == []
    assert await texts(grep="pear", **{"with": "log-y"}) == [every[0], every[3]]
    assert await texts(grep="no such words anywhere") == []
    await leave(alpha, beta, gamma)


@check
async def log_tells_what_is_unseen_and_does_not_touch_it():
    alpha, beta = await Peer.join("unseen-a"), await Peer.join("unseen-b")
    ids = [(await alpha.send("unseen-b", text))["msg_id"] for text in ("1", "2", "3", "4")]
    for _ in ids:
        await beta.expect("msg")
    await beta.ack(ids[0])
    await beta.leave()
    observer = await Peer.observer()
    for who in ("unseen-b", "id-unseen-b"):
        answer = await observer.messages("log", unseen_by=who)
        assert [m["msg_id"] for m in answer["messages"]] == ids[1:] and answer["total"] == 3
    answer = await observer.messages("log", unseen_by="unseen-b", limit=1)
    assert len(answer["messages"]) == 1 and answer["total"] == 3
    beta = await Peer.join("unseen-b")
    assert beta.waiting == 3
    await leave(alpha, beta, observer)


@check
async def an_observer_looks_and_does_nothing():
    alpha, observer = await Peer.join("seen-a"), await Peer.observer()
    await observer.alive()
    online = await alpha.list()
    assert observer.welcome.get("session_id") not in [s["session_id"] for s in online.values()]
    assert "seen-a" in await observer.list() and "seen-a" in await observer.list(all=True)
    for op, fields in [("send", {"to": "seen-a", "text": "x"}), ("broadcast", {"text": "x"}), ("rename", {"name": "x"}), ("disconnect", {})]:
        await observer.say(op, **fields)
        await observer.expect_error("unauthorized")
    await alpha.alive()
    await observer.say("bye")
    await observer.expect_close(1000)
    await alpha.leave()


# --- what a client of before sees -------------------------------------------------------------------------------


@check
async def wrong_types_are_invalid_payload_and_the_connection_lives():
    peer = await Peer.join("types")
    for op, fields in [
        ("ack", {"msg_id": 1}), ("ack", {"msg_ids": "x"}), ("show", {}), ("show", {"msg_id": 1}), ("log", {"limit": "x"}),
        ("list", {"all": 1}), ("send", {"to": "x", "text": "x", "in_reply_to": 1}), ("send", {"to": "x", "text": "x", "await": "x"}),
    ]:  # fmt: skip
        await peer.say(op, **fields)
        await peer.expect_error("invalid_payload")
    await peer.alive()
    await peer.leave()


@check
async def without_features_there_is_no_new_field_or_op():
    alpha = await Peer.join("old-a")
    plain = await Peer.join("old-b", features=None, printed=["zzzzzzzzzz"], suggested_name="old-c")
    assert plain.welcome == {"op": "welcome", "session_id": "id-old-b", "assigned_name": "old-b", "features": []}
    await plain.alive()
    question = (await alpha.send("old-b", "?"))["msg_id"]
    await alpha.send("old-b", "!", in_reply_to=question, auto=True)
    base = {"op", "msg_id", "ts", "from", "from_name", "from_label", "to", "to_session_id", "text"}
    for _ in range(2):
        assert set(await plain.expect("msg")) == base
    await plain.say("send", to="old-a", text="x", in_reply_to=question, auto=True, receipt_within=5000, **{"await": True})
    assert set(await alpha.expect("msg")) == base
    await plain.alive()
    for session in (await plain.list(all=True)).values():
        assert set(session) == {"session_id", "name", "label", "cwd", "since"}
    for op, fields in [("ack", {"msg_id": question}), ("show", {"msg_id": question}), ("log", {}), ("disconnect", {})]:
        await plain.say(op, **fields)
        await plain.expect_error("unknown_op")
    await plain.alive()
    await leave(alpha, plain)


run()
