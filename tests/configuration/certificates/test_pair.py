"""Two files that belong together, and how they are replaced."""

import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ecmahost_core.configuration.certificates import pair as files
from ecmahost_core.configuration.certificates.keys import KeyType
from ecmahost_core.configuration.certificates.making import make_missing_pair, new_pair
from ecmahost_core.configuration.certificates.pair import (
    BadCertificate,
    Pair,
    certificate_problems,
    load_certificates,
    load_pair,
    previous,
    write_pair,
)

NAMES = ("localhost", "host.example")


def fresh() -> Pair:
    return new_pair(KeyType.ECDSA_P256, NAMES, datetime.now(UTC))


@pytest.fixture
def paths(tmp_path: Path) -> tuple[Path, Path]:
    certificate, key = tmp_path / "c.pem", tmp_path / "c.key"
    write_pair(certificate, key, fresh())
    return certificate, key


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_the_owner_can_read_the_key_and_the_one_before(paths: tuple[Path, Path]) -> None:
    write_pair(*paths, fresh())
    assert [mode(path) for path in paths] == [0o644, 0o600]
    assert [mode(previous(path)) for path in paths] == [0o644, 0o600]


@pytest.mark.parametrize(("before", "after"), [(0o644, 0o640), (0o640, 0o640), (0o600, 0o600), (0o400, 0o400)])
def test_a_new_key_is_never_open_to_everybody_although_the_old_one_was(
    before: int, after: int, paths: tuple[Path, Path]
) -> None:
    paths[1].chmod(before)
    write_pair(*paths, fresh())
    assert mode(paths[1]) == after
    assert mode(previous(paths[1])) == 0o600


def test_the_pair_before_is_kept_and_can_be_served(paths: tuple[Path, Path]) -> None:
    before = [path.read_bytes() for path in paths]
    write_pair(*paths, fresh())
    assert [previous(path).read_bytes() for path in paths] == before
    assert load_pair(*map(previous, paths)).certificates != load_pair(*paths).certificates


def test_the_same_pair_given_twice_is_not_its_own_predecessor(paths: tuple[Path, Path]) -> None:
    before = [path.read_bytes() for path in paths]
    pair = fresh()
    for _ in range(2):
        write_pair(*paths, pair)
    assert [previous(path).read_bytes() for path in paths] == before


def test_a_broken_pair_does_not_take_the_place_of_a_good_one_that_is_kept(paths: tuple[Path, Path]) -> None:
    good = [path.read_bytes() for path in paths]
    write_pair(*paths, fresh())
    paths[1].write_bytes(good[1])
    write_pair(*paths, fresh())
    assert [previous(path).read_bytes() for path in paths] == good


@pytest.mark.parametrize("step", range(4))
def test_killed_at_any_step_one_of_the_two_pairs_can_be_served(
    step: int, paths: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[Path] = []
    write = files.write_atomically

    def dying(path: Path, content: bytes, **options: Any) -> bool:
        if len(done) == step:
            raise KeyboardInterrupt
        done.append(path)
        return write(path, content, **options)

    monkeypatch.setattr(files, "write_atomically", dying)
    with pytest.raises(KeyboardInterrupt):
        write_pair(*paths, fresh())
    assert len(done) == step
    usable = [not certificate_problems(*paths), not certificate_problems(*map(previous, paths))]
    assert any(usable)


def test_one_file_that_holds_both_is_replaced_as_one(tmp_path: Path) -> None:
    both = tmp_path / "both.pem"
    pair = fresh()
    write_pair(both, both, pair)
    assert mode(both) == 0o600
    assert load_pair(both, both).certificates == pair.certificates
    write_pair(both, both, fresh())
    assert load_pair(previous(both), previous(both)).certificates == pair.certificates
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.pem", "both.pem.previous"]


def test_a_chain_is_written_and_read_in_its_order(company: Any, tmp_path: Path) -> None:
    server = company.server()
    chain = (server.certificate, company.issuing.certificate, company.root.certificate)
    write_pair(tmp_path / "c", tmp_path / "k", Pair(chain, server.key))
    assert load_certificates(tmp_path / "c") == chain


def test_a_key_without_certificate_gets_one_and_a_complete_pair_is_kept(paths: tuple[Path, Path]) -> None:
    certificate, key = paths
    before = key.read_bytes()
    assert not make_missing_pair(certificate, key, NAMES, datetime.now(UTC))
    certificate.unlink()
    assert make_missing_pair(certificate, key, NAMES, datetime.now(UTC))
    assert key.read_bytes() == before
    assert certificate_problems(certificate, key) == ()


def test_a_key_that_is_none_gets_no_certificate(paths: tuple[Path, Path]) -> None:
    paths[0].unlink()
    paths[1].write_bytes(b"x")
    with pytest.raises(BadCertificate, match="it holds none"):
        make_missing_pair(*paths, NAMES, datetime.now(UTC))


def test_a_pair_that_can_be_served_has_no_problems(paths: tuple[Path, Path]) -> None:
    assert certificate_problems(*paths) == ()


def test_what_cannot_be_served_is_told(paths: tuple[Path, Path], tmp_path: Path) -> None:
    certificate, key = paths
    other = tmp_path / "other.pem", tmp_path / "other.key"
    write_pair(*other, fresh())
    (mismatch,) = certificate_problems(certificate, other[1])
    assert str(mismatch) == (
        f"{certificate}: tls.certificate: expected the certificate of the key {other[1]}, but it is another's; "
        "make a new pair with: ecmahost certificate create --force, or bring one with: ecmahost certificate import"
    )
    missing = certificate_problems(tmp_path / "no.pem", tmp_path / "no.key")
    assert [problem.key for problem in missing] == ["certificate", "key"]
    assert all("it does not exist" in problem.expected for problem in missing)
    swapped = certificate_problems(key, certificate)
    assert all("it holds none" in problem.expected for problem in swapped)


def test_a_pair_says_in_one_sentence_why_it_cannot_be_served(paths: tuple[Path, Path], kit: Any) -> None:
    certificate, key = paths
    other = kit.issue("other", None)
    key.write_bytes(other.key_pem)
    with pytest.raises(BadCertificate, match=r"^certificate and key do not belong together$"):
        load_pair(certificate, key)
    key.write_bytes(other.sealed(b"geheim"))
    with pytest.raises(BadCertificate, match=r"^no private key in PEM form without a passphrase: it has one$"):
        load_pair(certificate, key)
    certificate.write_bytes(b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(BadCertificate, match=r"^no certificate in PEM form: it holds none$"):
        load_pair(certificate, key)
