"""The wire of a gateway in another language, and another implementation of the envelope: `gateway --transport stdio`.

Called with the directory of the tools and the schema of the envelope; sessions claude-1 and claude-2 are on the bus as
the Claude Code sessions 1 and 2. With `--list` alone it prints the names of its checks, from the list that it runs.
"""

import datetime
import json
import os
import queue
import subprocess
import sys
import threading
import time
import traceback

IS_LISTING = sys.argv[1:] == ["--list"]
if not IS_LISTING:
    import jsonschema

    TOOLS, SCHEMA = sys.argv[1], json.load(open(sys.argv[2]))
CHECKS = []


def check(function):
    CHECKS.append(function)
    return function


def tool(name, *arguments, key=1):
    environment = {**os.environ, "INTER_SESSION_PPID_OVERRIDE": str(key)}
    return subprocess.Popen(
        [os.path.join(TOOLS, name), *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run(name, *arguments, key=1):
    process = tool(name, *arguments, key=key)
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


def log():
    return [json.loads(line) for line in run("log", "--json", "--limit", "200")[1].splitlines()]


class Wire:
    def __init__(self):
        environment = {**os.environ, "INTER_SESSION_PPID_OVERRIDE": "9"}
        self.process = subprocess.Popen(
            [os.path.join(TOOLS, "gateway"), "--agent", "a", "--transport", "stdio", "--retry-seconds", "20"],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        self.lines = queue.Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))
        self.lines.put(None)

    def say(self, **line):
        self.raw(json.dumps(line))

    def raw(self, text):
        self.process.stdin.write(text + "\n")
        self.process.stdin.flush()

    def expect(self, op):
        line = self.lines.get(timeout=60)
        assert line and line["op"] == op, f"expected {op}, got {line}"
        return line

    def deliver(self, id, body, sender="b"):
        self.say(op="deliver", id=id, **{"from": sender} if sender else {}, body=body)
        assert self.expect("ack")["id"] == id


WIRE = None if IS_LISTING else Wire()


def envelope(id, text, from_session="claude:7", to_session="claude:1", agent="b", **tp):
    """As another program would make one."""
    now = datetime.datetime.now(datetime.timezone.utc)
    minute = now.replace(second=0, microsecond=0)
    stamp = lambda time: time.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    routing = {"v": 1, "from_session": from_session, **tp}
    if to_session:
        routing["to_session"] = to_session
    return {
        "tp": routing,
        "message": {"text": text, "role": "agent", "id": id, "line": 12, "timestamp": stamp(now), "phase": "final"},
        "source": {"path": "/var/log/x.jsonl", "record_type": "assistant"},
        "harness": {"provider": "codex", "command": "codex", "argv": ["--model", "x"]},
        "scope": {
            "type": "session",
            "key": f"{agent}:{from_session}",
            "cwd": "/tmp",
            "wrapper_session_id": "w.77",
            "harness_session_id": "019f1111-2222-7333",
        },
        "bucket": {
            "unit": "minute",
            "start": stamp(minute),
            "end": stamp(minute + datetime.timedelta(minutes=1)),
        },
        "version": 1,
        "envelope_version": "tinyplace.harness.session.v1",
    }


def eventually(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"


def find(text):
    return [message for message in log() if message["text"] == text]


@check
def what_this_program_makes_is_of_the_schema():
    jsonschema.validate(envelope("x", "y"), SCHEMA)
    broken = envelope("x", "y")
    broken["tp"]["to_session"] = "not a label"
    try:
        jsonschema.validate(broken, SCHEMA)
    except jsonschema.ValidationError:
        return
    raise AssertionError("the schema takes anything")


@check
def an_envelope_reaches_the_session_it_names_and_is_acknowledged_when_the_bus_has_it():
    WIRE.deliver("d1", json.dumps(envelope("py-1", "für dich ↵ 😀", to_session="claude:2")))
    (message,) = find("für dich ↵ 😀")
    assert message["to"] == "claude-2" and message["from_name"] == "claude:7@b", message


@check
def the_same_message_twice_is_one_message():
    body = json.dumps(envelope("py-2", "only once"))
    WIRE.deliver("d2", body)
    WIRE.deliver("d3", body)
    assert len(find("only once")) == 1


@check
def what_goes_out_is_of_the_schema_and_says_who_and_when():
    sender = tool("send", "--to", "claude:9@b", "--text", 'a "quoted" \\ line\nand é 😀')
    line = WIRE.expect("send")
    body = json.loads(line["body"])
    jsonschema.validate(body, SCHEMA)
    assert line["to"] == "b"
    assert body["message"]["text"] == 'a "quoted" \\ line\nand é 😀' and body["message"]["role"] == "agent"
    assert body["message"]["id"] == line["id"]
    assert body["scope"]["key"] == "a:claude-1"
    assert body["tp"] == {"v": 1, "from_session": "claude-1", "to_session": "claude:9"}, body["tp"]
    assert body["scope"]["wrapper_session_id"] not in ("", "claude-1")
    stamp = body["message"]["timestamp"]
    assert body["bucket"]["start"] == stamp[:17] + "00.000Z" and body["bucket"]["end"] > stamp
    WIRE.say(op="sent", id=line["id"])
    output, errors = sender.communicate(timeout=60)
    # On a busy machine the word of it may come after `send` has given up waiting for that.
    assert sender.returncode == 0 and ("forwarded" in output or "delivered" in output), (output, errors)
    end = time.monotonic() + 60
    while f'"{line["id"]}"' not in (log := tool("log", "--json", "--limit", "1").communicate(timeout=60)[0]) \
            or '"state":"forwarded"' not in log:
        assert time.monotonic() < end, log


@check
def a_reply_from_outside_names_our_message_and_ours_names_theirs():
    asker = tool("send", "--to", "claude:9@b", "--text", "question", "--wait", "30")
    line = WIRE.expect("send")
    WIRE.say(op="sent", id=line["id"])
    WIRE.deliver("d4", json.dumps(envelope("py-4", "the answer", "claude:9", "claude-1", in_reply_to=line["id"])))
    output, errors = asker.communicate(timeout=60)
    assert output == "the answer\n", (output, errors)
    (message,) = find("the answer")
    assert message["in_reply_to"] == line["id"]
    sender = tool("send", "--to", "claude:9@b", "--re", message["msg_id"], "--text", "thanks")
    line = WIRE.expect("send")
    assert json.loads(line["body"])["tp"]["in_reply_to"] == "py-4"
    WIRE.say(op="sent", id=line["id"])
    assert sender.wait(timeout=60) == 0


@check
def an_inside_message_is_not_named_outside():
    _, output, _ = run("send", "--json", "--to", "claude-2", "--text", "between us")
    sender = tool("send", "--to", "claude:9@b", "--re", json.loads(output)["msg_id"], "--text", "about that")
    line = WIRE.expect("send")
    assert "in_reply_to" not in json.loads(line["body"])["tp"]
    WIRE.say(op="sent", id=line["id"])
    assert sender.wait(timeout=60) == 0


@check
def the_header_of_before_marks_an_automatic_message():
    WIRE.deliver("d5", "\u0001tp-auto\u0001\u0001re:m-1\u0001from the past")
    (message,) = find("from the past")
    assert message["auto"] is True and message["from_name"] == "@b" and message["to"] == "claude-1", message


@check
def plain_text_is_text_and_its_sender_may_be_unknown():
    WIRE.deliver("d6", "just text", sender=None)
    (message,) = find("just text")
    assert message["from_name"] == "@?", message


@check
def who_sent_it_is_what_the_wire_says():
    WIRE.deliver("d7", json.dumps(envelope("py-7", "says to be c", agent="c")))
    assert find("says to be c")[0]["from_name"] == "claude:7@b"


@check
def a_failure_is_tried_again_under_the_same_id():
    sender = tool("send", "--to", "@b", "--text", "try again")
    first = WIRE.expect("send")
    WIRE.say(op="failed", id=first["id"], reason="no network")
    second = WIRE.expect("send")
    assert first == second
    WIRE.say(op="sent", id=second["id"])
    assert sender.wait(timeout=60) == 0


@check
def a_final_failure_is_given_back():
    _, output, _ = run("send", "--json", "--to", "@b", "--text", "hopeless")
    id = json.loads(output)["msg_id"]
    line = WIRE.expect("send")
    assert line["id"] == id
    WIRE.say(op="failed", id=id, reason="no such agent", final=True)
    eventually(lambda: find("hopeless")[0]["deliveries"][0]["state"] == "returned")


@check
def agents_are_those_that_the_wire_names():
    WIRE.say(op="agents", names=["b", "carol", "not an agent"])
    listing = lambda: json.loads(run("list", "--all", "--json")[1])
    eventually(lambda: [entry["agents"] for entry in listing() if "agent" in entry] == [["b", "carol"]])


@check
def a_line_that_is_not_understood_is_answered_with_an_error():
    for line in ["nonsense", "[]", '{"op":"dance"}', '{"op":"deliver","id":7,"body":"x"}', '{"op":"deliver","id":"x"}']:
        WIRE.raw(line)
        assert WIRE.expect("error")["message"]
    WIRE.deliver("d8", "still here")


@check
def an_envelope_without_text_is_taken_and_kept_as_failed():
    body = envelope("py-9", "")
    del body["message"]["text"]
    WIRE.deliver("d9", json.dumps(body))
    assert not [message for message in log() if not message["text"]]


@check
def the_end_of_the_wire_is_the_end_of_the_gateway():
    WIRE.process.stdin.close()
    assert WIRE.process.wait(timeout=60) == 0


if IS_LISTING:
    print(*(function.__name__ for function in CHECKS), sep="\n")
    sys.exit()
failed = 0
for function in CHECKS:
    try:
        function()
        print("ok", function.__name__, flush=True)
    except Exception:
        failed += 1
        print("FAIL", function.__name__, traceback.format_exc().replace("\n", " | "), flush=True)
WIRE.process.kill()
sys.exit(1 if failed else 0)
