import os
import threading
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from ecmahost_core.connectors import sessions
from ecmahost_core.connectors.sessions import EXITS_AT_ONCE, SessionPool
from ecmahost_core.errors import TargetBusy


class Target:
    """Opens numbered sessions and keeps a record; ``dead`` ones are not alive, ``hang`` and ``fail`` spoil the exit."""

    def __init__(self):
        self.opened = 0
        self.ended: list[tuple[int, BaseException | None]] = []
        self.asked: list[int] = []
        self.dead: set[int] = set()
        self.refuse: BaseException | None = None
        self.hang: threading.Event | None = None
        self.fail: BaseException | None = None

    @contextmanager
    def connect(self):
        self.opened += 1
        number = self.opened
        error = None
        try:
            yield number
        except BaseException as raised:
            error = raised
            raise
        finally:
            if self.hang is not None:
                assert self.hang.wait(30)
            self.ended.append((number, error))
            if self.fail is not None:
                raise self.fail

    def enter(self):
        if self.refuse is not None:
            raise self.refuse
        manager = self.connect()
        return manager, manager.__enter__()

    def alive(self, number):
        self.asked.append(number)
        return number not in self.dead


@pytest.fixture
def target():
    return Target()


@pytest.fixture
def clock():
    return [0.0]


@pytest.fixture
def pool(target, clock):
    pool = SessionPool("hr read", target.enter, target.alive, clock=lambda: clock[0])
    yield pool
    pool.close()


def use(pool):
    with pool.session() as number:
        return number


def test_a_session_is_used_again(pool, target):
    assert [use(pool), use(pool), use(pool)] == [1, 1, 1]
    assert (target.opened, target.ended) == (1, [])


def test_sessions_in_use_at_the_same_time_are_different_ones(pool):
    with pool.session() as first, pool.session() as second:
        assert (first, second) == (1, 2)


def test_the_session_used_last_is_used_first(pool):
    with pool.session(), pool.session():
        pass
    assert use(pool) == 1
    assert use(pool) == 1


def test_a_session_is_ended_after_any_exception_and_told_which(pool, target):
    error = ValueError("refused")
    with pytest.raises(ValueError, match="refused"), pool.session():
        raise error
    assert target.ended == [(1, error)]
    assert use(pool) == 2


def test_a_reader_that_stops_early_ends_its_session_in_order(pool, target):
    def reader():
        with pool.session() as number:
            yield number

    generator = reader()
    next(generator)
    generator.close()
    assert target.ended == [(1, None)]


def test_an_idle_session_is_asked_whether_it_is_alive_only_after_a_pause(pool, target, clock):
    use(pool)
    clock[0] += sessions.PAUSE_SECONDS
    use(pool)
    assert target.asked == []
    clock[0] += sessions.PAUSE_SECONDS + 0.1
    assert use(pool) == 1
    assert target.asked == [1]


def test_sessions_that_are_not_alive_are_ended_until_one_is(pool, target, clock):
    with pool.session(), pool.session(), pool.session():
        pass
    clock[0] += 2
    target.dead = {1, 2}
    assert use(pool) == 3
    assert [number for number, _ in target.ended] == [1, 2]


def test_a_session_is_ended_after_its_idle_time(pool, target, clock, wait_until):
    use(pool)
    clock[0] += sessions.IDLE_SECONDS - 1
    pool.retire_idle()
    assert target.ended == []
    clock[0] += 1
    assert use(pool) == 2
    wait_until(lambda: target.ended == [(1, None)])


def test_idle_sessions_are_ended_when_nobody_comes_any_more(pool, target, clock, wait_until):
    with pool.session(), pool.session():
        pass
    clock[0] += sessions.IDLE_SECONDS
    pool.retire_idle()
    wait_until(lambda: len(target.ended) == 2)


def test_a_busy_session_is_ended_at_its_maximum_age(pool, target, clock, wait_until):
    for _ in range(12):
        assert use(pool) == 1
        clock[0] += sessions.AGE_SECONDS / 12
    assert use(pool) == 2
    wait_until(lambda: target.ended == [(1, None)])


def test_a_session_that_came_of_age_in_use_is_not_kept(pool, target, clock):
    with pool.session():
        clock[0] += sessions.AGE_SECONDS
    assert target.ended == [(1, None)]


def test_without_reuse_every_use_has_a_session_of_its_own(target):
    pool = SessionPool("hr import", target.enter, target.alive, reuse=False)
    assert [use(pool), use(pool)] == [1, 2]
    assert target.ended == [(1, None), (2, None)]


def test_a_failed_opening_is_raised_and_leaves_room(target):
    pool = SessionPool("hr export", target.enter, target.alive, limit=1)
    target.refuse = OSError("away")
    for _ in range(3):
        with pytest.raises(OSError, match="away"), pool.session():
            pass
    target.refuse = None
    assert use(pool) == 1
    pool.close()


def test_no_more_sessions_are_open_than_the_limit_and_who_waits_gets_the_next_free_one(target):
    pool = SessionPool("hr export", target.enter, target.alive, limit=2)
    most, busy, lock = [0], [0], threading.Lock()

    def work():
        for _ in range(50):
            with pool.session():
                with lock:
                    busy[0] += 1
                    most[0] = max(most[0], busy[0])
                with lock:
                    busy[0] -= 1

    run_together(work, 8)
    assert most[0] <= 2
    assert target.opened <= 2
    pool.close()


def test_who_waits_too_long_for_a_session_is_told_that_the_target_is_busy(target, monkeypatch):
    monkeypatch.setattr(sessions, "WAIT_SECONDS", 0.05)
    pool = SessionPool("hr export", target.enter, target.alive, limit=1)
    with pool.session(), pytest.raises(TargetBusy, match="all 1 sessions are in use"), pool.session():
        pass
    pool.close()


def test_an_exception_in_an_exit_is_logged_without_its_text_and_not_raised(pool, target):
    target.fail = ValueError("pwd=hunter2")
    with capture_logs() as logs, pytest.raises(KeyError), pool.session():
        raise KeyError
    assert [log["event"] for log in logs] == ["session_exit_failed"]
    assert logs[0]["error"] == "ValueError"
    assert "hunter2" not in repr(logs)
    target.fail = None


def test_an_exit_that_hangs_keeps_nobody_for_long(target, wait_until):
    target.hang = threading.Event()
    pool = SessionPool("hr export", target.enter, target.alive, limit=1, patience=0.05)
    with pytest.raises(KeyError), pool.session():
        raise KeyError
    assert target.ended == []
    hang, target.hang = target.hang, None
    assert use(pool) == 2
    hang.set()
    wait_until(lambda: [number for number, _ in target.ended] == [1])
    pool.close()


def test_when_too_many_exits_hang_no_more_sessions_are_opened_until_they_end(target, wait_until):
    target.hang = threading.Event()
    pool = SessionPool("hr export", target.enter, target.alive, patience=0.01)
    for _ in range(EXITS_AT_ONCE):
        with pytest.raises(KeyError), pool.session():
            raise KeyError
    with pytest.raises(TargetBusy, match=f"{EXITS_AT_ONCE} sessions do not end") as caught, pool.session():
        pass
    assert caught.value.nothing_sent
    target.hang.set()
    wait_until(lambda: len(target.ended) == EXITS_AT_ONCE)
    wait_until(lambda: can_use(pool))
    pool.close()


def test_a_session_is_ended_also_when_no_thread_can_be_started(pool, target, monkeypatch):
    def refuse(thread):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(KeyError), pool.session():
        raise KeyError
    assert len(target.ended) == 1


def test_a_closed_pool_ends_idle_sessions_at_once_and_those_in_use_on_their_return(pool, target):
    with pool.session():
        use(pool)
        pool.close()
        assert [number for number, _ in target.ended] == [2]
    assert [number for number, _ in target.ended] == [2, 1]
    with pytest.raises(TargetBusy, match="closed or reloaded"), pool.session():
        pass


def test_closing_does_not_wait_for_exits_that_hang(target, wait_until):
    target.hang = threading.Event()
    pool = SessionPool("hr read", target.enter, target.alive, patience=0.05)
    with pool.session(), pool.session():
        pass
    pool.close()
    assert target.ended == []
    target.hang.set()
    wait_until(lambda: len(target.ended) == 2)


def test_who_waits_for_a_session_is_told_when_the_pool_is_closed(target, wait_until):
    pool = SessionPool("hr export", target.enter, target.alive, limit=1)
    raised = []

    def wait():
        try:
            use(pool)
        except TargetBusy as error:
            raised.append(error)

    with pool.session():
        thread = threading.Thread(target=wait)
        thread.start()
        wait_until(lambda: pool._shelves[os.getpid()].changed._waiters)
        pool.close()
        thread.join(10)
    assert len(raised) == 1


def in_child(check):
    """Runs a check in a forked child; True when it returned True there."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            code = 0 if check() else 1
        finally:
            os._exit(code)
    return os.waitpid(pid, 0)[1] == 0


def test_a_session_never_crosses_a_fork(pool, target):
    use(pool)

    def check():
        number = use(pool)
        pool.close()
        return number == 2 and target.ended == [(2, None)]

    assert in_child(check)
    assert use(pool) == 1
    assert target.ended == []


def test_a_block_that_forks_ends_nothing_in_the_child(pool, target):
    with pool.session() as number:
        pid = os.fork()
    if pid == 0:
        os._exit(0 if target.ended == [] else 1)
    assert os.waitpid(pid, 0)[1] == 0
    assert use(pool) == number


def test_a_fork_while_the_pool_s_lock_is_held_does_not_stop_the_child(pool, target):
    use(pool)
    with pool._shelves[os.getpid()].changed:
        assert in_child(lambda: use(pool) == 2)


def can_use(pool):
    try:
        use(pool)
    except TargetBusy:
        return False
    return True


def run_together(work, count):
    failures = []

    def guarded():
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - told in the test's thread
            failures.append(error)

    threads = [threading.Thread(target=guarded) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)
    assert failures == []
