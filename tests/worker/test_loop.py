"""Workers share a study: the budget is exact, the dead are taken over once, others left alone."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
import functools
from pathlib import Path
import threading
import time
from typing import Any

import numpy as np
import optuna
from optuna import Study
from optuna import Trial
from optuna.storages import BaseStorage
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial
from optuna.trial import TrialState
import pytest

from optuna_xmcnas import open_storage
from optuna_xmcnas import work
from optuna_xmcnas import WorkSettings
from optuna_xmcnas.exceptions import ChildFailedError
from optuna_xmcnas.exceptions import ChildInterruptedError
from optuna_xmcnas.exceptions import SearchFailedError
from optuna_xmcnas.samplers.storage import ENDED_KEY
from optuna_xmcnas.study import Ended
from optuna_xmcnas.study import ended_of
from optuna_xmcnas.study import origin_number
from optuna_xmcnas.study import Retry
from optuna_xmcnas.study import RETRY_KEY
from optuna_xmcnas.study import retry_of
from optuna_xmcnas.worker import Ending
from optuna_xmcnas.worker import Interruption
from optuna_xmcnas.worker import lease_of
from optuna_xmcnas.worker import loop
from optuna_xmcnas.worker.lease import LEASE_KEY
from optuna_xmcnas.worker.trials import create_running
from optuna_xmcnas.worker.trials import fail_trial
from tests.soak.invariants import check
from tests.worker.toys import begin
from tests.worker.toys import DEAD
from tests.worker.toys import LIVING
from tests.worker.toys import make_study
from tests.worker.toys import n_complete
from tests.worker.toys import Observer
from tests.worker.toys import proposal_of
from tests.worker.toys import sampler
from tests.worker.toys import settings
from tests.worker.toys import SPACE
from tests.worker.toys import states
from tests.worker.toys import train


DEADLINE_S = 30.0


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop, "_LONGEST_PAUSE_S", 0.02)
    monkeypatch.setattr(loop, "_NAP_S", 0.005)


def in_threads(*tasks: Callable[[], Ending]) -> list[Ending]:
    with ThreadPoolExecutor(len(tasks)) as pool:
        return [task.result() for task in [pool.submit(task) for task in tasks]]


class TestBudget:
    @pytest.mark.parametrize("kind", ["memory", "sqlite", "journal"])
    def test_eight_workers_make_exactly_as_many_children_as_wanted(
        self, kind: str, tmp_path: Path
    ) -> None:
        memory = InMemoryStorage()
        urls = {"sqlite": f"sqlite:///{tmp_path}/study.db", "journal": f"{tmp_path}/study.log"}

        def opened() -> BaseStorage:
            return memory if kind == "memory" else open_storage(urls[kind])

        study = make_study(opened())

        def worker() -> Ending:
            mine = optuna.load_study(study_name="toy", storage=opened(), sampler=sampler())
            return work(mine, train, settings(21))

        assert in_threads(*[worker] * 8) == [Ending.BUDGET] * 8
        assert set(check(study, 21, SPACE)) <= {"complete", "fail unneeded"}

    def test_a_study_that_is_full_is_left_as_it_is(self) -> None:
        study = make_study()
        work(study, train, settings(3))
        assert work(study, train, settings(2)) is Ending.BUDGET
        assert states(study) == ["COMPLETE"] * 3

    def test_of_two_that_begin_the_last_child_at_the_same_moment_the_later_one_yields(
        self,
    ) -> None:
        study = make_study(Meeting())
        tasks = [functools.partial(work, study, train, settings(1)) for _ in range(2)]
        assert in_threads(*tasks) == [Ending.BUDGET] * 2
        first, second = study.trials
        assert first.state == TrialState.COMPLETE
        assert ended_of(second) is Ended.UNNEEDED

    def test_a_genome_that_nobody_trains_is_not_drawn(self) -> None:
        study = make_study(Meeting())
        in_threads(*[functools.partial(work, study, train, settings(1)) for _ in range(2)])
        assert "RegularizedEvolutionSampler:proposal" not in study.trials[1].system_attrs

    def test_no_child_begins_after_the_deadline(self) -> None:
        study = make_study()
        deadline = time.monotonic() - 1
        assert work(study, train, settings(3), deadline=deadline) is Ending.TIMEOUT
        assert states(study) == []

    def test_a_pruned_child_is_not_one_of_those_wanted(self) -> None:
        study = make_study()

        def prune_first(trial: Trial, should_stop: Callable[[], bool]) -> float:
            if trial.number == 0:
                raise optuna.TrialPruned
            return train(trial, should_stop)

        assert work(study, prune_first, settings(2)) is Ending.BUDGET
        assert states(study) == ["PRUNED", "COMPLETE", "COMPLETE"]

    @pytest.mark.parametrize(
        ("wrong", "message"),
        [
            ({"n_trials": 0}, r"`n_trials` must be at least 1; got 0"),
            ({"retries": -1}, r"`retries` must be at least 0; got -1"),
            ({"max_failures": 0}, r"`max_failures` must be at least 1; got 0"),
            ({"grace_s": 0.5}, r"`grace_s` must be at least 1 second; got 0.5"),
            ({"grace_s": float("nan")}, r"`grace_s` must be at least 1 second; got nan"),
        ],
    )
    def test_settings_out_of_range_are_refused(self, wrong: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            WorkSettings(**{"n_trials": 1, **wrong})


class TestFailures:
    @pytest.mark.parametrize(
        ("result", "reason"),
        [
            (float("nan"), "ValueError: The value nan is not acceptable"),
            (None, "ValueError: No values were told"),
            ("good", "ValueError: The values .*|ValueError: The value .* could not be cast"),
            ([1.0, 2.0], "ValueError: The number of the values 2 did not match"),
        ],
    )
    def test_what_is_no_score_fails_the_trial_and_the_worker_goes_on(
        self, result: Any, reason: str
    ) -> None:
        study = make_study()

        def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
            score = train(trial, should_stop)
            return result if trial.number == 0 else score

        assert work(study, objective, settings(1)) is Ending.BUDGET
        assert states(study) == ["FAIL", "COMPLETE"]
        failure = study.trials[0].user_attrs["failure"]
        assert any(failure.startswith(text.partition(" .*")[0]) for text in reason.split("|"))

    @pytest.mark.parametrize(
        ("error", "reason"),
        [
            (RuntimeError("boom"), "RuntimeError: boom"),
            (ChildFailedError("the loss is nan at step 3"), "the loss is nan at step 3"),
        ],
    )
    def test_an_error_fails_the_trial_with_its_reason_and_the_worker_goes_on(
        self, error: Exception, reason: str
    ) -> None:
        study = make_study()
        observer = Observer()
        assert work(study, failing(error, {0}), settings(1), observer=observer) is Ending.BUDGET
        assert states(study) == ["FAIL", "COMPLETE"]
        assert study.trials[0].user_attrs["failure"] == reason
        assert observer.ended == [0, 1]

    def test_too_many_failures_in_a_row_stop_the_search_and_name_the_last_reason(self) -> None:
        study = make_study()
        error = ChildFailedError("too little memory")
        match = r"3 children failed one after another; the last one, trial 4: too little memory"
        with pytest.raises(SearchFailedError, match=match):
            work(study, failing(error, {0, 2, 3, 4}), settings(9, max_failures=3))
        assert states(study) == ["FAIL", "COMPLETE", "FAIL", "FAIL", "FAIL"]

    def test_the_failures_of_other_workers_count(self) -> None:
        study = make_study()

        def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
            for _ in range(2):
                study.tell(study.ask(), state=TrialState.FAIL)
            raise ChildFailedError("ours")

        with pytest.raises(SearchFailedError, match="no reason is known"):
            work(study, objective, settings(9, max_failures=3))
        assert states(study) == ["FAIL"] * 3

    def test_the_failures_of_runs_before_do_not_count(self) -> None:
        study = make_study()
        for _ in range(4):
            study.tell(study.ask(), state=TrialState.FAIL)
        error = ChildFailedError("again")
        with pytest.raises(SearchFailedError, match="2 children failed one after another"):
            work(study, failing(error, set(range(9))), settings(9, max_failures=2))
        assert len(study.trials) == 6


class TestInterruption:
    def test_a_worker_that_is_to_stop_begins_nothing(self) -> None:
        study = make_study()
        interruption = Interruption()
        interruption.wish()
        ending = work(study, train, settings(3), interruption=interruption)
        assert ending is Ending.INTERRUPTED
        assert states(study) == []

    def test_a_child_that_was_stopped_goes_on_with_the_next_worker(self) -> None:
        study = make_study()
        interruption = Interruption()

        def stopped(trial: Trial, should_stop: Callable[[], bool]) -> float:
            score = train(trial, should_stop)
            if trial.number == 1:
                interruption.wish()
                assert should_stop()
                raise ChildInterruptedError
            return score

        first = work(study, stopped, settings(3), interruption=interruption)
        assert first is Ending.INTERRUPTED
        assert states(study) == ["COMPLETE", "FAIL"]
        assert work(study, train, settings(3, retries=0)) is Ending.BUDGET
        interrupted, resumed = study.trials[1:3]
        assert ended_of(interrupted) is Ended.INTERRUPTED
        assert retry_of(resumed) == Retry(origin=1, of=1, losses=0)
        assert proposal_of(resumed) == proposal_of(interrupted)
        assert resumed.params == interrupted.params
        check(study, 3, SPACE, retries=0)

    def test_a_second_wish_in_the_objective_puts_the_trial_back_too(self) -> None:
        study = make_study()

        interruption = Interruption()

        def impatient(trial: Trial, should_stop: Callable[[], bool]) -> float:
            interruption.wish()
            raise KeyboardInterrupt

        ending = work(study, impatient, settings(3), interruption=interruption)
        assert ending is Ending.INTERRUPTED
        assert ended_of(study.trials[0]) is Ended.INTERRUPTED

    def test_ctrl_c_that_nobody_takes_over_puts_the_trial_back_and_is_raised(self) -> None:
        study = make_study()

        def interrupted(trial: Trial, should_stop: Callable[[], bool]) -> float:
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            work(study, interrupted, settings(3))
        assert ended_of(study.trials[0]) is Ended.INTERRUPTED

    def test_a_worker_that_waits_for_others_stops_when_it_is_told(self) -> None:
        study = make_study()
        begin(study, LIVING)
        interruption = Interruption()
        observer = Observer(interruption.wish)
        ending = work(study, train, settings(1), interruption=interruption, observer=observer)
        assert ending is Ending.INTERRUPTED
        assert states(study) == ["RUNNING"]


class TestStalls:
    def test_a_worker_that_hangs_stops_beating_and_its_trial_is_taken_over(self) -> None:
        study = make_study()
        freed = threading.Event()

        def hang_once(trial: Trial, should_stop: Callable[[], bool]) -> float:
            if trial.number == 0:
                freed.wait(DEADLINE_S)
            return train(trial, should_stop)

        hurried = replace(settings(1), grace_s=1.0, stall_s=0.2)
        hanging = threading.Thread(target=work, args=(study, hang_once, hurried), daemon=True)
        hanging.start()
        while not study.get_trials(deepcopy=False):
            time.sleep(0.01)
        assert work(study, train, hurried) is Ending.BUDGET
        freed.set()
        hanging.join(DEADLINE_S)
        assert states(study) == ["FAIL", "COMPLETE"]
        assert retry_of(study.trials[1]) == Retry(origin=0, of=0, losses=1)


class TestRetries:
    def test_the_child_of_a_dead_worker_is_tried_again_by_the_next(self) -> None:
        study = make_study()
        work(study, train, settings(12))  # so that the lost one has a parent
        begin(study)
        observer = Observer()
        assert work(study, train, settings(13), observer=observer) is Ending.BUDGET
        lost, retry = study.trials[12:]
        assert ended_of(lost) is Ended.LOST
        assert lost.user_attrs["failure"].startswith("lost: its worker on ")
        assert retry_of(retry) == Retry(origin=12, of=12, losses=1)
        assert proposal_of(lost).parent is not None
        assert proposal_of(retry) == proposal_of(lost)
        assert retry.user_attrs["genome"] == lost.user_attrs["genome"]
        assert (observer.lost, observer.ended) == ([12], [13])
        check(study, 13, SPACE)

    def test_a_chain_remembers_its_origin_and_its_losses(self) -> None:
        study = make_study()
        for n_lost in range(1, 4):
            if n_lost == 1:
                begin(study)
            with pytest.raises(SystemExit):
                work(study, dying, settings(1, retries=9))
            mark_dead(study, study.trials[-1])
            assert retry_of(study.trials[-1]) == Retry(origin=0, of=n_lost - 1, losses=n_lost)
            assert origin_number(study.trials[-1]) == 0
        work(study, train, settings(1, retries=9))
        assert states(study) == ["FAIL", "FAIL", "FAIL", "FAIL", "COMPLETE"]
        assert len({proposal_of(trial).identity for trial in study.trials}) == 1

    def test_without_retries_a_new_child_takes_the_place(self) -> None:
        study = make_study()
        begin(study)
        assert work(study, train, settings(1, retries=0)) is Ending.BUDGET
        lost, other = study.trials
        assert retry_of(other) is None
        assert proposal_of(other).identity != proposal_of(lost).identity

    def test_a_child_that_kills_every_worker_is_given_up_when_the_retries_are_used_up(
        self,
    ) -> None:
        study = make_study()
        begin(study)
        with pytest.raises(SystemExit):
            work(study, dying, settings(1))
        mark_dead(study, study.trials[-1])
        assert work(study, train, settings(1)) is Ending.BUDGET
        first, second, other = study.trials
        assert proposal_of(first).identity == proposal_of(second).identity
        assert proposal_of(other).identity != proposal_of(first).identity
        check(study, 1, SPACE)

    def test_children_that_were_given_up_count_as_failures(self) -> None:
        study = make_study()

        def leave_a_dead_one(trial: Trial, should_stop: Callable[[], bool]) -> float:
            for name in ("one", "another"):
                begin(study, replace(DEAD, worker=name))
            return train(trial, should_stop)

        with pytest.raises(SearchFailedError, match=r"trial 2: lost: its worker on .* is gone"):
            work(study, leave_a_dead_one, settings(9, retries=0, max_failures=2))

    def test_one_broken_worker_ends_itself_and_not_the_others(self) -> None:
        study = make_study()

        def train_beside_a_broken_one(trial: Trial, should_stop: Callable[[], bool]) -> float:
            for _ in range(5):
                study.tell(begin(study, LIVING), state=TrialState.FAIL)
            return train(trial, should_stop)

        settled = settings(3, max_failures=5)
        assert work(study, train_beside_a_broken_one, settled) is Ending.BUDGET

    def test_two_workers_that_take_over_the_same_child_start_one_retry(self) -> None:
        study = make_study(Meeting(after=1))
        begin(study)
        tasks = [functools.partial(work, study, train, settings(2)) for _ in range(2)]
        assert in_threads(*tasks) == [Ending.BUDGET] * 2
        retries = [trial for trial in study.trials if retry_of(trial) is not None]
        assert sorted(str(ended_of(trial)) for trial in retries) == ["None", "unneeded"]
        check(study, 2, SPACE)

    def test_a_retry_that_died_before_it_could_yield_to_its_twin_does_not_fork_the_chain(
        self,
    ) -> None:
        study = make_study()
        begin(study)
        fail_trial(study, study.trials[0], ENDED_KEY, Ended.LOST.to_record())
        for lease in (LIVING, DEAD):
            attrs = {LEASE_KEY: lease.to_record(), RETRY_KEY: Retry(0, 0, 1).to_record()}
            create_running(study, {**study.trials[0].system_attrs, **attrs})
        observer = Observer(lambda: study.tell(1, 1.0))
        assert work(study, train, settings(2, retries=5), observer=observer) is Ending.BUDGET
        assert ended_of(study.trials[2]) is Ended.UNNEEDED
        assert [retry_of(trial) for trial in study.trials[3:]] == [None]

    def test_a_retry_does_not_inherit_how_the_one_before_it_ended(self) -> None:
        study = make_study()
        begin(study)
        error = ChildFailedError("its own fault")
        assert work(study, failing(error, {1}), settings(1, retries=5)) is Ending.BUDGET
        assert states(study) == ["FAIL", "FAIL", "COMPLETE"]
        assert ended_of(study.trials[1]) is None
        assert retry_of(study.trials[2]) is None

    def test_the_child_of_another_sampler_is_tried_again_too(self) -> None:
        study = make_study()
        study.sampler = optuna.samplers.RandomSampler(seed=0)
        begin(study)
        assert work(study, train, settings(1)) is Ending.BUDGET
        lost, retry = study.trials
        assert retry_of(retry) == Retry(origin=0, of=0, losses=1)
        assert retry.params == lost.params

    def test_a_wish_that_another_sampler_completed_is_tried_again_as_it_was(self) -> None:
        study = make_study()
        study.sampler = optuna.samplers.RandomSampler(seed=0)
        study.enqueue_trial({"n_layers": 6})
        with pytest.raises(SystemExit):
            work(study, dying, settings(1))
        mark_dead(study, study.trials[0])
        assert work(study, train, settings(1)) is Ending.BUDGET
        lost, retry = study.trials
        assert len(lost.params) == len(SPACE.distributions())
        assert retry.params == lost.params

    def test_an_enqueued_genome_that_died_before_it_began_is_tried_again(self) -> None:
        study = make_study(Stopping())
        SPACE.enqueue(study, SPACE.random(rng()))
        with pytest.raises(SystemExit):
            work(study, train, settings(1))
        mark_dead(study, study.trials[0])
        assert states(study) == ["RUNNING"]
        wished = study.trials[0].system_attrs["fixed_params"]
        assert work(study, train, settings(1)) is Ending.BUDGET
        assert study.trials[1].params == wished
        assert proposal_of(study.trials[1]).mutation == "enqueued"


class TestOthers:
    def test_an_enqueued_trial_is_taken_first_and_keeps_its_parameters(self) -> None:
        study = make_study()
        work(study, train, settings(1))
        genome = SPACE.random(rng())
        SPACE.enqueue(study, genome)
        assert work(study, train, settings(2)) is Ending.BUDGET
        assert states(study) == ["COMPLETE"] * 2
        assert SPACE.from_params(study.trials[1].params) == genome
        assert lease_of(study.trials[1]) is not None

    def test_an_enqueued_trial_that_another_claims_first_is_left_to_it(self) -> None:
        study = make_study(Overtaking(claims=True))
        study.enqueue_trial({"n_layers": 3})
        observer = Observer(lambda: study.tell(0, 1.0))
        assert work(study, train, settings(1), observer=observer) is Ending.BUDGET
        assert states(study) == ["COMPLETE"]
        assert observer.ended == []

    def test_an_enqueued_trial_that_is_one_too_many_is_kept_for_later(self) -> None:
        study = make_study(Overtaking(claims=False))
        study.enqueue_trial({"n_layers": 3})
        observer = Observer(lambda: study.tell(1, state=TrialState.FAIL))
        assert work(study, train, settings(1), observer=observer) is Ending.BUDGET
        assert states(study) == ["FAIL", "FAIL", "COMPLETE"]
        assert retry_of(study.trials[2]) == Retry(origin=0, of=0, losses=0)
        assert study.trials[2].params["n_layers"] == 3

    def test_the_running_trial_of_something_else_is_left_alone_and_not_waited_for(self) -> None:
        study = make_study()
        study.ask()
        observer = Observer()
        assert work(study, train, settings(2), observer=observer) is Ending.BUDGET
        assert states(study) == ["RUNNING", "COMPLETE", "COMPLETE"]
        assert (observer.lost, observer.ended) == ([], [1, 2])
        assert observer.n_waited == 0

    def test_a_trial_that_was_begun_twice_is_ended_and_costs_no_retry(self) -> None:
        storage = Stuttering()
        study = make_study(storage)
        begin(study)
        storage.stutters = 1
        observer = Observer()
        assert work(study, train, settings(2), observer=observer) is Ending.BUDGET
        assert observer.lost == [0]
        summary = check(study, 2, SPACE)
        assert summary["fail lost"] == 1
        assert summary["fail unneeded"] >= 1
        (finished,) = [
            t for t in study.trials if retry_of(t) is not None and t.state == TrialState.COMPLETE
        ]
        assert retry_of(finished) == Retry(origin=0, of=0, losses=1)

    def test_a_mark_that_another_version_left_is_no_obstacle(self) -> None:
        study = make_study()
        marks: list[Any] = [None, 3, "x", [], {"format": 99}]
        for junk in marks:
            trial = study.ask()
            for key in ("ended", "lease", "retry"):
                study._storage.set_trial_system_attr(trial._trial_id, f"xmcnas:{key}", junk)
            study.tell(trial, state=TrialState.FAIL)
        assert work(study, train, settings(2)) is Ending.BUDGET
        assert n_complete(study) == 2


class Meeting(InMemoryStorage):
    """Two workers create trials at the same moment, the first ones apart."""

    def __init__(self, after: int = 0) -> None:
        super().__init__()
        self._meet = threading.Barrier(2)
        self._calls = iter(range(after + 2))
        self._after = after

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        if next(self._calls, -1) >= self._after:
            self._meet.wait(DEADLINE_S)
            trial_id = super().create_new_trial(study_id, template_trial)
            self._meet.wait(DEADLINE_S)
            return trial_id
        return super().create_new_trial(study_id, template_trial)


class Overtaking(InMemoryStorage):
    """Another worker is quicker at the moment of the first claim."""

    def __init__(self, *, claims: bool) -> None:
        super().__init__()
        self._claims = claims
        self._is_first = True

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        if self._is_first and state == TrialState.RUNNING:
            self._is_first = False
            if self._claims:
                super().set_trial_state_values(trial_id, state)
            else:
                attrs = {LEASE_KEY: LIVING.to_record()}
                template = optuna.create_trial(state=TrialState.RUNNING, system_attrs=attrs)
                self.create_new_trial(0, template)
        return super().set_trial_state_values(trial_id, state, values)


class Stuttering(InMemoryStorage):
    """Makes a trial twice, as a request does that is repeated because its answer was lost."""

    stutters = 0

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        if self.stutters:
            self.stutters -= 1
            super().create_new_trial(study_id, template_trial)
        return super().create_new_trial(study_id, template_trial)


class Stopping(InMemoryStorage):
    """Ends its worker right after the first claim."""

    is_over = False

    def set_trial_state_values(self, trial_id: int, state: TrialState, values: Any = None) -> bool:
        done = super().set_trial_state_values(trial_id, state, values)
        if state == TrialState.RUNNING and not self.is_over:
            self.is_over = True
            raise SystemExit
        return done


def dying(trial: Trial, should_stop: Callable[[], bool]) -> float:
    train(trial, should_stop)
    raise SystemExit


def mark_dead(study: Study, trial: FrozenTrial) -> None:
    study._storage.set_trial_system_attr(trial._trial_id, LEASE_KEY, DEAD.to_record())


def failing(error: Exception, numbers: set[int]) -> loop.Objective:
    def objective(trial: Trial, should_stop: Callable[[], bool]) -> float:
        if trial.number in numbers:
            raise error
        return train(trial, should_stop)

    return objective


def rng() -> np.random.Generator:
    return np.random.default_rng(5)
