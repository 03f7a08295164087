"""A wish to stop is noted; only a second one raises, and only where it does no harm."""

from __future__ import annotations

import os
import signal
import subprocess
import threading

import pytest

from optuna_xmcnas.worker import Interruption


BOTH = pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])


def send(number: int) -> None:
    os.kill(os.getpid(), number)


@BOTH
def test_a_first_signal_is_only_noted(number: int) -> None:
    with Interruption() as interruption:
        with interruption.allowed():
            send(number)
        assert interruption.is_wanted


@BOTH
def test_a_second_signal_raises_once_where_that_is_allowed(number: int) -> None:
    with Interruption() as interruption:
        send(number)
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            send(number)
        send(number)  # impatient: a third one while the second is dealt with


@BOTH
def test_a_second_signal_elsewhere_is_only_noted(number: int) -> None:
    with Interruption() as interruption:
        with interruption.allowed():
            pass
        send(number)
        send(number)
        assert interruption.is_wanted


def test_a_signal_from_the_system_is_told_from_the_keyboard() -> None:
    with Interruption() as interruption:
        send(signal.SIGINT)
        assert not interruption.was_terminated
        send(signal.SIGTERM)
        assert interruption.was_terminated


def test_a_wish_needs_no_signal() -> None:
    interruption = Interruption()
    assert not interruption.is_wanted
    interruption.wish()
    assert interruption.is_wanted


def test_the_death_of_the_parent_is_a_wish() -> None:
    assert not Interruption(parent=os.getppid()).is_wanted
    with subprocess.Popen(["true"]) as other:
        pass
    assert Interruption(parent=other.pid).is_wanted


def test_handlers_are_given_back() -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with Interruption():
        assert signal.getsignal(signal.SIGINT) is not before[0]
    assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == before


def test_another_thread_may_use_it_without_effect() -> None:
    seen = []

    def use() -> None:
        with Interruption() as interruption, interruption.allowed():
            seen.append(interruption.is_wanted)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert seen == [False]


def test_whoever_must_know_at_once_is_called_at_the_first_signal_only() -> None:
    called: list[int] = []
    with Interruption(on_wish=lambda: called.append(1)):
        send(signal.SIGTERM)
        send(signal.SIGTERM)
    assert called == [1]
