import csv
import sqlite3
import stat
import threading
import tomllib
import unicodedata
from contextlib import closing
from pathlib import Path

import pytest
from ecmahost_entra.demo_home import NotADemo, claimed, furnish
from ecmahost_entra.people import company, heads, teams
from ecmahost_entra.serving import run


def test_the_company_is_the_same_each_time_and_nobody_shares_a_name() -> None:
    assert company() == company()
    assert len(company()) == 60
    assert len({person.user_name for person in company()}) == 60
    assert len({person.number for person in company()}) == 60


def test_the_company_has_the_names_that_break_things() -> None:
    people = company()
    text = "".join(person.display_name for person in people)
    scripts = {unicodedata.name(letter).partition(" ")[0] for letter in text if letter.isalpha()}
    assert scripts >= {"LATIN", "GREEK", "CYRILLIC", "ARABIC", "HEBREW", "CJK", "HIRAGANA", "HANGUL", "DEVANAGARI"}
    assert any("'" in person.family_name for person in people)
    assert any("-" in person.family_name for person in people)
    assert any(not person.given_name for person in people)
    assert any(len(person.family_name) > 80 for person in people)
    assert any(not person.email for person in people)
    assert any(not person.active for person in people)


@pytest.fixture
def home_path(tmp_path: Path) -> Path:
    path = tmp_path / "demo home"
    with claimed(path) as home:
        run(home, "init")
        furnish(home, 0)
    return path


def test_a_demo_home_has_both_targets_with_the_same_people(home_path: Path) -> None:
    with (home_path / "people.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with closing(sqlite3.connect(home_path / "people.db")) as database:
        names = database.execute("SELECT UserName, FamilyName FROM Employees ORDER BY EmployeeId").fetchall()
    assert names == [(row["UserName"], row["FamilyName"]) for row in rows]
    assert len(names) == 60
    assert tomllib.loads((home_path / "ecmahost.toml").read_text(encoding="utf-8"))["host"]["port"] == 0


def test_a_demo_home_is_its_owners_only(home_path: Path) -> None:
    assert stat.S_IMODE(home_path.stat().st_mode) == 0o700
    assert stat.S_IMODE((home_path / "connectors.d" / "hrsql.toml").stat().st_mode) == 0o600


def test_a_second_demo_finds_everything_as_the_first_left_it(home_path: Path) -> None:
    (home_path / "people.csv").write_text("changed by hand", encoding="utf-8")
    before = (home_path / "connectors.d" / "hrcsv.toml").read_bytes()
    with claimed(home_path) as home:
        run(home, "init")
        furnish(home, None)
    assert (home_path / "people.csv").read_text(encoding="utf-8") == "changed by hand"
    assert (home_path / "connectors.d" / "hrcsv.toml").read_bytes() == before


def test_what_a_killed_demo_left_half_written_is_made_anew(home_path: Path) -> None:
    (home_path / "people.db").unlink()
    (home_path / ".people.db.unfinished").write_bytes(b"half of a database")
    with claimed(home_path) as home:
        furnish(home, None)
    with closing(sqlite3.connect(home_path / "people.db")) as database:
        assert database.execute("SELECT count(*) FROM Employees").fetchone() == (60,)


def test_a_directory_of_somebody_elses_is_never_used(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine", encoding="utf-8")
    with pytest.raises(NotADemo, match="not made by a demo"), claimed(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_file_is_no_home(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(NotADemo), claimed(file):
        pass


def test_two_demos_do_not_share_a_directory(tmp_path: Path) -> None:
    refused: list[NotADemo] = []

    def second() -> None:
        try:
            with claimed(tmp_path / "demo"):
                pass
        except NotADemo as error:
            refused.append(error)

    with claimed(tmp_path / "demo"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "another demo" in str(refused[0])


def test_everybody_with_a_department_is_in_its_team_and_under_its_head() -> None:
    people = company()
    joined = {person.login: team.name for team in teams() for person in team.members}
    assert joined == {person.login: person.department for person in people if person.department}
    led = heads(people)
    assert len(joined) - len(led) == len(teams())
    for team in teams():
        head, *others = team.members
        assert head.login not in led
        assert {led[person.login].login for person in others} == {head.login}
