"""Coverage-guided fuzzing of what reads texts of clients: ``python tests/conformance/fuzz_parsers.py DIRECTORY``.

Needs atheris (``pip install atheris``), which no test does. Filters, paths, bodies of PATCH and PUT, and cursors are
read, and applied to a resource; anything but a refusal in SCIM's words ends the run, and atheris keeps the input that
did it. The first byte of an input chooses what it is read as. DIRECTORY keeps the corpus, which begins with texts that
mean something; what follows it goes to libFuzzer: ``-max_total_time=600``, ``-max_len=2000``.
"""

import hashlib
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import atheris
import orjson

_PACKAGE = ModuleType("ecmahost_conformance_kit")
_PACKAGE.__path__ = [str(Path(__file__).with_name("kit"))]
sys.modules[_PACKAGE.__name__] = _PACKAGE
# Imported here, because atheris counts the branches of what is imported inside its context only; hence E402.
with atheris.instrument_imports(include=["ecmahost_core.scim", "ecmahost_core.web.cursors"]):
    from ecmahost_core.scim import urns
    from ecmahost_core.scim.core_user import USER
    from ecmahost_core.scim.enterprise_user import ENTERPRISE_USER
    from ecmahost_core.scim.errors import ScimError
    from ecmahost_core.scim.evaluate import matches
    from ecmahost_core.scim.filter import parse_filter
    from ecmahost_core.scim.messages import parse_patch
    from ecmahost_core.scim.patch import apply_patch
    from ecmahost_core.scim.path import parse_path
    from ecmahost_core.scim.resource import canonical
    from ecmahost_core.scim.resource_types import ResourceType
    from ecmahost_core.scim.schemas import Attribute, Schema
    from ecmahost_core.web.cursors import CursorOffice, Place
from ecmahost_conformance_kit.hostile import Hostile  # noqa: E402 - see above

_OWN = Schema(urns.ECMA2HOST_USER, "Own", attributes=(Attribute("Job Title"), Attribute("Job Title (old)")))
TYPE = ResourceType("User", "/Users", USER, (ENTERPRISE_USER, _OWN))
PERSON = {
    "id": "1",
    "userName": "x",
    "emails": [{"type": "work", "value": "a", "primary": True}, {"value": "b"}],
    "name": {"givenName": "A"},
    urns.ENTERPRISE_USER: {"department": "d", "manager": {"value": "2"}},
}
OFFICE = CursorOffice(b"k" * 32, ("complete", "User", None), "space")
NOW = 1_800_000_000.0


def one_input(data: bytes) -> None:
    """Reads one input as what its first byte says."""
    if not data:
        return
    text = data[1:].decode("utf-8", "replace")
    if data[0] & 8:
        text = text.replace("\ufffd", "\ud800")  # half of a surrogate pair, as JSON can smuggle it in
    try:
        _READERS[data[0] % len(_READERS)](text)
    except (ScimError, orjson.JSONDecodeError):
        return


def _filter(text: str) -> None:
    matches(parse_filter(text, TYPE), PERSON, TYPE)


def _path(text: str) -> None:
    parse_path(text, TYPE)


def _patch(text: str) -> None:
    apply_patch(PERSON, parse_patch(orjson.loads(text)), TYPE)


def _body(text: str) -> None:
    canonical(orjson.loads(text), TYPE)


def _cursor(text: str) -> None:
    OFFICE.read(text, NOW)


_READERS = (_filter, _path, _patch, _body, _cursor)


def seeds() -> list[bytes]:
    """Inputs that mean something."""
    hostile = Hostile(Random(1))
    made = [b"\0" + hostile.filter().encode("utf-8", "surrogatepass") for _ in range(200)]
    made += [b"\1" + b'urn:ietf:params:scim:schemas:core:2.0:User:emails[type eq "work" and not (value pr)].value']
    made += [b"\2" + hostile.body() for _ in range(200)] + [b"\3" + hostile.body() for _ in range(50)]
    return [*made, b"\4" + OFFICE.give(Place(0, 7), NOW).encode()]


def main() -> None:
    corpus = Path(sys.argv[1] if len(sys.argv) > 1 and not sys.argv[1].startswith("-") else "fuzz-corpus")
    corpus.mkdir(parents=True, exist_ok=True)
    for seed in seeds():
        (corpus / hashlib.sha256(seed).hexdigest()[:24]).write_bytes(seed)
    options = [one for one in sys.argv[1:] if one.startswith("-")]
    atheris.Setup([sys.argv[0], f"-artifact_prefix={corpus}/", *options, str(corpus)], one_input)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
