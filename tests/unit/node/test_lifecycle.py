"""What signals do to a node that does not end by itself."""

import signal
import subprocess
import sys
import textwrap

import pytest

STUBBORN = """
    import asyncio, sys
    from sotto.node import logs
    from sotto.node.lifecycle import Lifecycle

    class Stubborn:
        def __init__(self, is_ready):
            self.ready = asyncio.Event()
            if is_ready:
                self.ready.set()

        async def run(self):
            print("running", flush=True)
            await asyncio.Event().wait()

        def stop(self):
            print("asked", flush=True)

    logs.configure("info", "json")
    asyncio.run(Lifecycle(Stubborn(sys.argv[1] == "ready"), float(sys.argv[2])).run())
"""


@pytest.mark.parametrize(
    ("state", "seconds", "signals", "code"),
    [
        # It hangs: the time is over.
        ("ready", "0.3", 1, 0),
        # It hangs: somebody is in a hurry.
        ("ready", "600", 2, 128 + signal.SIGTERM),
        # While it starts there is nothing to finish.
        ("starting", "600", 1, 0),
    ],
)
def test_it_ends_in_bounded_time(state: str, seconds: str, signals: int, code: int) -> None:
    command = [sys.executable, "-c", textwrap.dedent(STUBBORN), state, seconds]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        if state == "ready":
            # Nobody takes the log any more, which must not keep it from ending.
            process.stderr.close()
        assert process.stdout.readline() == "running\n"
        for number in range(signals):
            process.send_signal(signal.SIGTERM)
            if number + 1 < signals:
                assert process.stdout.readline() == "asked\n"
        assert process.wait(60) == code
