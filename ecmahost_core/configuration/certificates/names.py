"""The names that a certificate is for."""

import re
import socket
import threading
from collections.abc import Sequence
from ipaddress import ip_address

from cryptography import x509

from ecmahost_core.configuration.certificates.extensions import extension

_NAME_LOOKUP_SECONDS = 2.0
_COMMON_NAME_LENGTH = 64  # ub-common-name of RFC 5280, appendix A.1
# RFC 952 and RFC 1123 section 2.1, and the underscore, which Windows allows.
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def host_names() -> tuple[str, ...]:
    """Returns the names under which clients may reach this machine.

    ``localhost``, both loopback addresses, the host name and, where the name service answers soon, the full name.
    """
    names = ["localhost", "127.0.0.1", "::1", socket.gethostname(), _full_name()]
    return tuple(dict.fromkeys(name for name in names if _general_name(name) is not None))


def network_name() -> str:
    """Returns this machine's full name as others look it up; empty when it has none."""
    name = _full_name()
    return name if "." in name and not name.startswith("localhost") and _general_name(name) is not None else ""


def invalid_names(names: Sequence[str]) -> tuple[str, ...]:
    """Returns those that cannot stand in a certificate: neither an address nor a host name."""
    return tuple(name for name in names if _general_name(name) is None)


def general_names(names: Sequence[str]) -> tuple[x509.GeneralName, ...]:
    """Returns the names in the form of RFC 5280. Raises ValueError when there is none, or one is invalid."""
    found = tuple(general for name in names if (general := _general_name(name)) is not None)
    if not found or len(found) != len(names):
        raise ValueError("a certificate is for one or more host names or IP addresses")
    return found


def common_name(names: Sequence[x509.GeneralName]) -> str:
    """Returns the name for the subject: a full host name where there is one, because some clients still look there."""
    hosts = [name.value for name in names if isinstance(name, x509.DNSName) and len(name.value) <= _COMMON_NAME_LENGTH]
    full = [host for host in hosts if "." in host]
    short = [host for host in hosts if host != "localhost"]
    return (full or short or hosts or ["ecmahost"])[0]


def names_of(certificate: x509.Certificate) -> tuple[str, ...]:
    """Returns the host names and addresses that a certificate is for; may be empty. Raises ValueError."""
    names = extension(certificate, x509.SubjectAlternativeName)
    if names is None:
        return ()
    addresses = [str(address) for address in names.get_values_for_type(x509.IPAddress)]
    return (*names.get_values_for_type(x509.DNSName), *addresses)


def words_of(name: x509.Name) -> str:
    """Returns a distinguished name on one line (RFC 4514), without characters that would move a terminal's cursor."""
    text = name.rfc4514_string() or "(no name)"
    return "".join(character if character.isprintable() else "?" for character in text)


def _general_name(name: str) -> x509.GeneralName | None:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        pass
    try:
        ascii_name = name.encode("idna").decode("ascii")
    except UnicodeError:
        return None
    return x509.DNSName(ascii_name) if all(map(_LABEL.fullmatch, ascii_name.split("."))) else None


def _full_name() -> str:
    """The machine's full name; empty when the name service takes its time, which it does where there is none."""
    found: list[str] = []
    thread = threading.Thread(target=lambda: found.append(socket.getfqdn()), daemon=True)
    thread.start()
    thread.join(_NAME_LOOKUP_SECONDS)
    return found[0] if found else ""
