"""A wish to stop is noted, and raised only where it does no harm."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from optuna_xmcnas.workflows.interruption import Interruption


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_outside_the_block_is_only_noted(number: int) -> None:
    with Interruption() as interruption:
        os.kill(os.getpid(), number)
        assert interruption.is_wanted
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            pytest.fail("a wish noted before must raise at the door")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_inside_the_block_raises_once(number: int) -> None:
    with Interruption() as interruption:
        with pytest.raises(KeyboardInterrupt), interruption.allowed():
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)  # impatient: a second one while the first is dealt with
        assert interruption.is_wanted


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
