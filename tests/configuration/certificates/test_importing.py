"""Which pair an administrator means, and who vouches for it."""

from typing import Any

import pytest

from ecmahost_core.configuration.certificates.chain import chain_of, issuer_address, system_authorities
from ecmahost_core.configuration.certificates.importing import find_pair
from ecmahost_core.configuration.certificates.material import Material
from ecmahost_core.configuration.certificates.pair import BadCertificate


def given(*issued: Any, keys: tuple[Any, ...] = ()) -> Material:
    return Material(tuple(one.key for one in keys), tuple(one.certificate for one in issued))


def test_the_order_of_what_was_given_does_not_matter_and_strangers_are_left_out(company: Any, kit: Any) -> None:
    server, stranger = company.server(), kit.issue("Stranger", None, authority=True)
    material = given(company.root, stranger, company.issuing, server, keys=(server,))
    found = find_pair(material, (), (), ())
    assert found.pair.certificates == (
        server.certificate,
        company.issuing.certificate,
        company.root.certificate,
    )
    assert found.left_out == (stranger.certificate,)
    assert (found.chain.root, found.chain.public) == (company.root.certificate, False)


def test_an_answer_without_a_key_is_matched_with_the_keys_that_wait_and_with_the_chain_that_is_here(
    company: Any,
) -> None:
    server, other = company.server(), company.server("other")
    here = (company.issuing.certificate, company.root.certificate)
    found = find_pair(given(server), (other.key, server.key), here, ())
    assert found.pair.key is server.key
    assert found.pair.certificates == (server.certificate, *here)
    assert found.left_out == ()


def test_a_key_that_was_given_is_never_replaced_by_one_that_is_here(company: Any) -> None:
    server, other = company.server(), company.server("other")
    with pytest.raises(BadCertificate, match="none of the certificates is for the key that was given"):
        find_pair(given(server, keys=(other,)), (server.key,), (), ())


def test_of_two_certificates_for_one_key_the_one_that_lasts_longer_is_meant(company: Any) -> None:
    old = company.server(days=10)
    new = company.server(key=old.key, days=700)
    assert find_pair(given(old, new, keys=(old,)), (), (), ()).chain.leaf == new.certificate


def test_what_is_no_pair_is_told(company: Any) -> None:
    server, other = company.server(), company.server("other")
    with pytest.raises(BadCertificate, match="there is no certificate"):
        find_pair(given(keys=(server,)), (), (), ())
    with pytest.raises(BadCertificate, match=r"for a key that is here.*CN=host\.corp\.example"):
        find_pair(given(server), (other.key,), (), ())
    with pytest.raises(BadCertificate, match="more than one private key"):
        find_pair(given(server, other, keys=(server, other)), (), (), ())
    assert find_pair(given(server, keys=(server, server)), (), (), ()).chain.leaf == server.certificate


def test_a_system_authority_ends_the_chain_and_is_not_served(company: Any) -> None:
    server = company.server()
    others = (company.issuing.certificate, company.root.certificate)
    chain = chain_of(server.certificate, others, (company.root.certificate,))
    assert chain.certificates == (server.certificate, company.issuing.certificate)
    assert (chain.root, chain.public) == (company.root.certificate, True)


def test_a_cross_signature_that_has_run_out_does_not_matter_where_the_system_knows_the_root(
    company: Any, kit: Any
) -> None:
    older = kit.issue("Older Root", None, authority=True, days=5)
    crossed = kit.issue("Corp Root", older, authority=True, key=company.root.key, days=-1)
    server = company.server()
    others = (company.issuing.certificate, crossed.certificate)
    assert chain_of(server.certificate, others, (company.root.certificate,)).root == company.root.certificate
    assert chain_of(server.certificate, others, ()).top == crossed.certificate


def test_who_signs_must_be_an_authority(company: Any, kit: Any) -> None:
    impostor = company.server("impostor")
    server = company.server(issuer=impostor)
    chain = chain_of(server.certificate, (impostor.certificate,), ())
    assert (chain.certificates, chain.root) == ((server.certificate,), None)


def test_a_name_without_the_signature_is_nobody(company: Any, kit: Any) -> None:
    namesake = kit.issue("Corp Issuing", None, authority=True)
    assert chain_of(company.server().certificate, (namesake.certificate,), ()).root is None


def test_two_authorities_that_vouch_for_each_other_are_no_endless_chain(kit: Any) -> None:
    one, other = kit.issue("One", None, authority=True), kit.issue("Other", None, authority=True)
    one_by_other = kit.issue("One", other, authority=True, key=one.key)
    other_by_one = kit.issue("Other", one, authority=True, key=other.key)
    server = kit.issue("server", one, names=("server",))
    chain = chain_of(server.certificate, (one_by_other.certificate, other_by_one.certificate), ())
    assert chain.root is None
    assert len(chain.certificates) == 3


def test_the_issuers_address_is_the_certificates_own_word(company: Any, kit: Any) -> None:
    assert issuer_address(company.server().certificate) == kit.ISSUER_URL
    assert issuer_address(company.root.certificate) == ""


def test_the_systems_authorities_can_be_read_and_replaced_by_an_environment(
    company: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = tmp_path / "bundle.pem"
    bundle.write_bytes(company.root.pem + b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    monkeypatch.setenv("SSL_CERT_FILE", str(bundle))
    assert system_authorities() == (company.root.certificate,)
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "root.pem").write_bytes(company.root.pem)
    (folder / "1234abcd.0").symlink_to("root.pem")
    (folder / "gone").symlink_to("nowhere")
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("SSL_CERT_DIR", str(folder))
    assert system_authorities() == (company.root.certificate,)
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    assert system_authorities() == ()
