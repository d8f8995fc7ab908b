"""That reading and measuring data goes on: said every few megabytes to who waits for it."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

_listener: ContextVar[Callable[[], None]] = ContextVar("listener", default=lambda: None)


def say_to(listener: Callable[[], None]) -> None:
    """Has a function called whenever it goes on, from here on in this context."""
    _listener.set(listener)


def goes_on() -> None:
    """Says that it does."""
    _listener.get()()
