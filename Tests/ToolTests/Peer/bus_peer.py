"""What the checks share: a connection to the bus from another language, and a list of checks to run.

A script of checks is called with the port, the data directory and the server's log; with `--list` alone it prints the names
of its checks, from the list that it runs.
"""

import asyncio
import json
import os
import sys
import traceback

IS_LISTING = sys.argv[1:] == ["--list"]
if not IS_LISTING:
    import websockets

PORT, DATA, LOG = (0, "", "") if IS_LISTING else (int(sys.argv[1]), sys.argv[2], sys.argv[3])
TOKEN = "" if IS_LISTING else open(os.path.join(DATA, "token")).read().strip()
URL = f"ws://127.0.0.1:{PORT}/"
CHECKS = []
MIB = 1024 * 1024


def check(function):
    CHECKS.append(function)
    return function


class Connection:
    """Says frames, expects frames."""

    def __init__(self, socket):
        self.socket = socket

    @classmethod
    async def connect(cls, **more):
        options = {"max_size": 64 * MIB, "compression": None, "ping_interval": None, **more}
        return cls(await asyncio.wait_for(websockets.connect(URL, **options), 5))

    async def say(self, op, **fields):
        await self.socket.send(json.dumps({"op": op, **fields}))

    async def raw(self, text):
        await self.socket.send(text)

    async def next(self, timeout=5):
        return json.loads(await asyncio.wait_for(self.socket.recv(), timeout))

    async def expect(self, op, timeout=5):
        """The next frame of this op; news of other peers that come and go is passed over."""
        while True:
            frame = await self.next(timeout)
            if frame["op"] in ("peer_joined", "peer_left") and op not in ("peer_joined", "peer_left"):
                continue
            assert frame["op"] == op, f"expected {op}, got {str(frame)[:300]}"
            return frame

    async def expect_error(self, code, timeout=5):
        frame = await self.expect("error", timeout)
        assert frame["code"] == code, f"expected {code}, got {str(frame)[:300]}"
        assert frame["message"], "an error must have a message"
        return frame

    async def expect_close(self, code, timeout=5):
        try:
            while True:
                await asyncio.wait_for(self.socket.recv(), timeout)
        except websockets.exceptions.ConnectionClosed:
            pass
        assert self.socket.close_code == code, f"expected close {code}, got {self.socket.close_code}"

    async def alive(self):
        await self.say("ping", ref="alive")
        assert (await self.expect("pong"))["ref"] == "alive"

    async def leave(self):
        await self.socket.close()


async def main():
    failed = 0
    for function in CHECKS:
        name = function.__name__
        try:
            await asyncio.wait_for(function(), 60)
            print(f"ok {name}", flush=True)
        except Exception as error:  # Each check must be heard of, whatever befell the one before.
            failed += 1
            place = traceback.extract_tb(error.__traceback__)[-1]
            print(f"FAIL {name}: {type(error).__name__} {str(error)[:400]} (line {place.lineno})", flush=True)
    print(f"{len(CHECKS)} checks, {failed} failed")
    return 1 if failed else 0


def run():
    """Runs all checks and prints a line for each; exit code 1 if one failed."""
    if IS_LISTING:
        return print(*(function.__name__ for function in CHECKS), sep="\n")
    sys.exit(asyncio.run(main()))
