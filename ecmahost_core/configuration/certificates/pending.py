"""The key of a certificate that somebody else has been asked for; it waits beside the present one for the answer."""

from pathlib import Path

from ecmahost_core.configuration.certificates.keys import KeyType, SigningKey, key_pem, new_key
from ecmahost_core.configuration.certificates.making import signing_key
from ecmahost_core.configuration.certificates.pair import BadCertificate, load_key, write_private


def pending_key(key: Path) -> Path:
    """Returns where the key waits."""
    return key.with_name(f"{key.name}.requested")


def load_pending(key: Path) -> SigningKey | None:
    """Returns the key of a request that is open, None when there is none. Raises BadCertificate."""
    path = pending_key(key)
    if not path.exists():
        return None
    try:
        found = signing_key(load_key(path))
    except BadCertificate as error:
        raise BadCertificate(f"{path} is no private key: {error}; --new-key makes another") from None
    if found is None:
        raise BadCertificate(f"{path} is a key of a kind that is not made here; --new-key makes another")
    return found


def make_pending(key: Path, key_type: KeyType) -> SigningKey:
    """Makes a key for a request; the answer to an earlier one is then of no use. Raises OSError."""
    made = new_key(key_type)
    write_private(pending_key(key), key_pem(made))
    return made
