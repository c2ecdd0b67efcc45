"""Deaths in a row, counted by the note that a process leaves behind."""

from pathlib import Path

import pytest

from ecmahost_core.sync.importing.mishaps import FIRST_PAUSE, LONGEST_PAUSE, Mishaps


def died(path: Path) -> None:
    """A process dies in the middle: nothing is unwound."""
    attempt = Mishaps(path, "hr").attempt()
    attempt.__enter__()
    note = path.read_text()
    attempt.__exit__(None, None, None)
    path.write_text(note)


def test_the_same_is_tried_again_at_once_after_one_death_and_after_longer_and_longer_pauses_after_more(
    tmp_path: Path,
) -> None:
    path = tmp_path / "run" / "hr.import"
    pauses = []
    for _ in range(12):
        died(path)
        pauses.append(Mishaps(path, "hr").pause())
    assert pauses[0] == 0
    assert all(
        FIRST_PAUSE * 2**place <= pause <= FIRST_PAUSE * 2 ** (place + 1) for place, pause in enumerate(pauses[1:7])
    )
    assert LONGEST_PAUSE <= pauses[-1] <= 2 * LONGEST_PAUSE


def test_who_goes_first_goes_last_the_next_time(tmp_path: Path) -> None:
    """So whoever was only there when another one's driver ended the process gets on before that happens again."""
    first = []
    for _ in range(6):
        for name in ("hr", "it"):
            died(tmp_path / name)
        first.append(Mishaps(tmp_path / "hr", "hr").pause() < Mishaps(tmp_path / "it", "it").pause())
    assert first[1:] in ([True, False] * 2 + [True], [False, True] * 2 + [False])


@pytest.mark.parametrize("error", [None, RuntimeError])
def test_an_attempt_that_ends_forgets_the_deaths(tmp_path: Path, error: type[Exception] | None) -> None:
    path = tmp_path / "hr.import"
    died(path)
    died(path)
    try:
        with Mishaps(path, "hr").attempt():
            if error is not None:
                raise error
    except RuntimeError:
        assert error is RuntimeError
    assert Mishaps(path, "hr").pause() == 0
    assert not path.exists()


def test_a_note_that_cannot_be_kept_or_read_stops_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "file"
    folder.write_text("")
    with Mishaps(folder / "hr.import", "hr").attempt():
        assert Mishaps(folder / "hr.import", "hr").pause() == 0
    garbage = tmp_path / "hr.import"
    garbage.write_bytes(b"\xff")
    assert Mishaps(garbage, "hr").pause() == 0
