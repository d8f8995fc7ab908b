"""Sends what a worker has to say; epochs that end within a twentieth of a second go together.

A message costs the sweep process as much as a small epoch costs the worker. A message that the
sweep waits for goes at once.
"""

from __future__ import annotations

import threading
import time
from multiprocessing.connection import Connection

from fairsweep.records import EpochMetrics, StillTraining, TrialResult, WorkerReady

SECONDS = 0.05
STILL_SECONDS = 1.0


class Outbox:
    """Sends a worker's messages, in order."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._epochs: list[EpochMetrics] = []
        self._sent = 0.0
        self._kept = threading.Event()
        threading.Thread(target=self._send_kept, daemon=True).start()

    def send(self, message: WorkerReady | TrialResult) -> None:
        """Sends at once, after the epochs that were kept."""
        with self._lock:
            self._flush()
            self._connection.send(message)

    def epoch(self, metrics: EpochMetrics, awaited: bool) -> None:
        """Adds an epoch; one that is awaited, or long after the last message, goes at once."""
        with self._lock:
            self._epochs.append(metrics)
            if awaited or time.monotonic() - self._sent > SECONDS:
                self._flush()
            else:
                self._kept.set()

    def still_training(self) -> None:
        """Tells the sweep that a training goes on, if nothing was sent for a while."""
        if time.monotonic() - self._sent > STILL_SECONDS:
            with self._lock:
                self._flush()
                self._connection.send(StillTraining())
                self._sent = time.monotonic()

    def _send_kept(self) -> None:
        """An epoch never waits for the next one, which may take long."""
        while True:
            self._kept.wait()
            time.sleep(SECONDS)
            with self._lock:
                self._flush()

    def _flush(self) -> None:
        self._kept.clear()
        if self._epochs:
            self._connection.send(self._epochs)
            self._epochs = []
            self._sent = time.monotonic()
