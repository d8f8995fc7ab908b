"""When a worker is taken to hang, and what its dump says of where."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from fairsweep.errors import OURS
from fairsweep.executor.liveness import EPOCHS, LONGEST_STEP, Heartbeat, place_in, whereabouts

LIMIT = 300.0


def silence(heartbeat: Heartbeat, seconds: float) -> None:
    """Nothing is heard for so long, listened to twice a second."""
    for _ in range(round(2 * seconds)):
        heartbeat.listened(0.5)


def epochs(count: int, seconds: float) -> Heartbeat:
    """A training whose epochs took so long each."""
    heartbeat = Heartbeat(LIMIT, now=1000.0)
    for number in range(count):
        heartbeat.heard(1000.0 + (number + 1) * seconds, epochs=1)
    return heartbeat


@pytest.mark.parametrize("count", [0, 1, 7])
def test_the_limit_holds_for_every_epoch(count: int) -> None:
    heartbeat = epochs(count, 1.0)
    silence(heartbeat, LIMIT)
    assert not heartbeat.hangs
    silence(heartbeat, 1)
    assert heartbeat.hangs


def test_long_epochs_are_given_their_time() -> None:
    heartbeat = epochs(3, 60.0)
    silence(heartbeat, EPOCHS * 60)
    assert not heartbeat.hangs
    silence(heartbeat, 1)
    assert heartbeat.hangs


def test_one_long_epoch_among_short_ones_changes_nothing() -> None:
    heartbeat = epochs(5, 1.0)
    heartbeat.heard(1005.0 + 280.0, epochs=1)
    silence(heartbeat, LIMIT + 1)
    assert heartbeat.hangs


def test_epochs_that_come_together_share_their_time() -> None:
    heartbeat = Heartbeat(LIMIT, now=0.0)
    heartbeat.heard(200.0, epochs=100)
    silence(heartbeat, LIMIT + 1)
    assert heartbeat.hangs


def test_any_message_is_a_sign_of_life() -> None:
    heartbeat = epochs(1, 1.0)
    silence(heartbeat, LIMIT)
    heartbeat.heard(1400.0, epochs=0)
    silence(heartbeat, LIMIT)
    assert not heartbeat.hangs


def test_a_machine_that_slept_is_no_silence_of_the_worker() -> None:
    heartbeat = epochs(1, 1.0)
    heartbeat.listened(86_400.0)
    assert heartbeat.silent == LONGEST_STEP
    assert not heartbeat.hangs


HEAD = "Current thread 0x00007f0a (most recent call first):\n"
OTHER = "Thread 0x00007f0b (most recent call first):\n"
MAIN = "Thread 0x00007f0c [python] (most recent call first):\n"


def frame(file: str, line: int) -> str:
    return f'  File "{file}", line {line} in call\n'


KERAS = frame("/env/lib/site-packages/keras/model.py", 7)
OWN = frame(str(OURS / "training" / "loops.py"), 8)


def test_the_innermost_line_of_the_users_on_the_main_thread_is_told() -> None:
    dump = OTHER + frame("x/data.py", 1) + "\n" + MAIN + KERAS + frame("x/model.py", 41) + OWN
    assert str(place_in(f"{dump}{frame('x/train.py', 5)}")) == "model.py:41"


def test_another_thread_of_the_users_is_told_while_the_main_one_waits_for_it() -> None:
    dump = HEAD + frame("x/data.py", 41) + "\n" + OTHER + OWN + "\n" + MAIN + KERAS + OWN
    assert str(place_in(dump)) == "data.py:41"


def test_without_a_line_of_the_users_the_innermost_one_is_told() -> None:
    assert str(place_in(OTHER + OWN + "\n" + MAIN + KERAS + OWN)) == "model.py:7"


@pytest.mark.parametrize("dump", ["", "Segmentation fault\n"])
def test_what_says_nothing_is_no_place(dump: str) -> None:
    assert str(place_in(dump)) == "an unknown place"


LOOP = """
import faulthandler, signal, threading, time
faulthandler.register(signal.SIGUSR1)
threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
print("ready", flush=True)
while True: pass
"""


def test_a_process_says_where_it_is_while_it_does_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "loop.py").write_text(LOOP)
    log = tmp_path / "worker.log"
    log.write_text("said before\n")
    with (
        log.open("ab") as errors,
        subprocess.Popen(
            [sys.executable, str(tmp_path / "loop.py")], stdout=subprocess.PIPE, stderr=errors
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        place = whereabouts(process.pid, log)
        process.kill()
    assert place.file == str(tmp_path / "loop.py")
    assert 5 <= place.line <= 6
    assert "said before" not in place.dump
