"""The contract between the host and a connector.

A connector is a Python module whose functions are marked with ``@hookimpl`` and named as below. Its package names the
module in the entry-point group ``ecmahost.connectors``::

    [project.entry-points."ecmahost.connectors"]
    csv = "ecmahost_csv"

The name on the left is the connector *type*, which a configuration file asks for with ``type = "csv"``. Everything that
is named below is imported from ``ecmahost_core``, where each class says what its fields mean. ``ecmahost connectors``
loads your module and tells what is wrong with it, ``ecmahost check`` reads a little with it, and ``ecmahost rehearse``
writes.

Rules that hold for every hook:

- Name only the arguments that you need, spelled as here. A misspelt argument, an unknown hook, or a function with a
  hook's name but without the marker is refused when the host starts, with its name.
- Keep no state of your own, at module level or elsewhere. What belongs to a connection lives in the session.
- Never return None. "Nothing" is an empty sequence.
- An object that the target refuses is a *value*: a ``CSEntryChangeResult`` with an ``ExportError``; one bad object
  never stops a batch. A run that cannot go on is a ``ConnectorError`` (``ServerDown``, ``BadServerCredentials``, ...).
  Any other exception is a broken contract, reported with your plugin's name.
- Messages reach clients and logs: no password, no connection string.
- Every function may be called in any thread, and a session is handed from thread to thread, but never used by two at a
  time. Processes that start processes must not fork bare: a session does not survive it.
- Bind every value. A user name may be ``x'; drop table`` or ``*)(uid=*``.

Required: ``connectivity_parameters``, ``open_session``, ``schema``, ``export``. Everything else is a capability: you
have it when you implement it and ``capabilities`` does not decline it.

``extension_parameters``, at the end, tells how an extension wraps the hooks of a connector.
"""

from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

import pluggy

from ecmahost_core.ecma.capabilities import Capabilities
from ecmahost_core.ecma.csentry import CSEntryChange, ImportPage
from ecmahost_core.ecma.deprovisioning import DeprovisioningContext, DeprovisioningFlow
from ecmahost_core.ecma.explanations import ExportExplanation
from ecmahost_core.ecma.parameters import ConfigParameterDefinition, Parameters
from ecmahost_core.ecma.passwords import PasswordOptions, Secrets
from ecmahost_core.ecma.results import CSEntryChangeResult, Finding
from ecmahost_core.ecma.run_profiles import ObjectQuery, RunStep, SessionPurpose
from ecmahost_core.ecma.schema import Schema
from ecmahost_core.secret import Secret

PROJECT = "ecmahost"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)

# The bodies below are documentation: pluggy reads only the names and arguments, and never calls them.
# mypy: disable-error-code="empty-body"


# What an administrator fills in ---------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def connectivity_parameters() -> Sequence[ConfigParameterDefinition]:
    """Required. Returns what the ``[connectivity]`` table takes, in the order in which a form shows it.

    May be empty. Called before anything is configured, so it must not connect or read files. The host works in its home
    directory: a relative path that somebody fills in starts there.
    (ECMA2: GetConfigParameters for the Connectivity page.)
    """


@hookspec(firstresult=True)
def capabilities(parameters: Parameters) -> Capabilities:
    """Returns what this configured connector can do; must not connect.

    Without it, the host takes the defaults of ``Capabilities`` and derives ``full_import``, ``full_object_import``,
    ``explain`` and ``password`` from the hooks you implement. With it, what you return counts, except that a hook you
    do not implement stays declined. (ECMA2: GetCapabilitiesEx.)
    """


@hookspec(firstresult=True)
def target_identity(parameters: Parameters) -> str:
    """Returns a text that names the target among all that such a connector can reach: a server and a database, a file.

    Another text means other objects than those that the host knows: it then answers for nobody until a person has said
    whether they are the same. So nothing is in it that may change while the target stays (an account, a password, a
    driver, a timeout), it is spelled the same in every version of your package, and it is no secret: administrators
    read it. Empty where it cannot be told; must not connect, and must not raise for parameters that make no sense.

    Without it, the host takes the parameters whose definition says ``identifies_target``.
    """


# One connection -------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def open_session(parameters: Parameters, purpose: SessionPurpose) -> AbstractContextManager[Any]:
    """Required. Returns a context manager that yields a connection to the target, opaque to the host.

    The host enters it before the first use and exits it when the session is retired: after an exception, after some
    idle time, at the maximum age, or at the end of an import. Imports get a session of their own; other calls draw from
    a pool. Nothing may wait for the exit: see ``export``.

    Raises ServerDown when the target cannot be reached, BadServerCredentials when it refuses the credentials. An
    exception here, also in ``__enter__``, means that nothing was sent.
    (ECMA2: OpenImportConnection, OpenExportConnection, OpenPasswordConnection and their Close counterparts.)
    """


@hookspec(firstresult=True)
def session_alive(session: Any) -> bool:
    """Returns whether an idle session can be used again. Must be quick and must not raise.

    Asked before a pooled session is used after a pause. Without it, the host reuses sessions until one fails.
    """


@hookspec(firstresult=True)
def schema(session: Any) -> Schema:
    """Required. Returns the object types that the target offers now, read from its own catalog. (ECMA2: GetSchema.)

    Where your target keeps a value in a form of its own (``1.50`` as 1.5, a GUID in capital letters, blanks at the end
    of a text), say so: with the attribute's type, and for texts with its ``format``. The host then knows that nothing
    has changed, and shows what was sent. Otherwise Entra, which compares texts, sends it again in every cycle.
    ``minimum``, ``maximum``, ``max_length``, ``precision`` and ``scale`` let the host refuse what would not fit before
    anything is written.
    """


# Reading --------------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def full_import(session: Any, step: RunStep) -> Iterator[ImportPage]:
    """Yields all objects of the step's types, each once, as CSEntryChanges of type ADD with the whole object.

    A generator: at most ``step.page_size`` entries a page, flat memory however many objects there are. Every entry has
    its anchor; ``attributes`` holds every selected attribute, with an empty tuple where the object has no value. An
    object that cannot be read becomes an entry with ``failure`` and, if known, its anchor; the import goes on. An
    attribute of several references (a group's members) that is missing was not read, and stays as the host knows it.

    The end of the generator is the statement "that is all there is": whatever was not yielded is taken to be gone. If
    the target breaks off, raise; never return early. (ECMA2: GetImportEntries with OperationType.Full.)
    """


@hookspec(firstresult=True)
def full_object_import(
    session: Any,
    step: RunStep,
    query: ObjectQuery,
) -> Sequence[CSEntryChange]:
    """Returns the objects that match the query, as ``full_import`` would yield them; empty when there is none.

    Compares as the target compares; the host looks at the answer again with its own comparison. Sub-linear (an index,
    a key, a search) or not implemented at all: it is called for every match that finds nothing, and before every
    creation. At most ``query.limit`` objects are of use. (ECMA2: OperationType.FullObject.)
    """


# Writing --------------------------------------------------------------------------------------------------------------


@hookspec(firstresult=True)
def export(
    session: Any,
    step: RunStep,
    changes: Sequence[CSEntryChange],
    secrets: Secrets,
) -> Sequence[CSEntryChangeResult]:
    """Required. Applies the changes in order and returns exactly one result for each, in any order, by identifier.

    - When it returns, every success that it reports is durable in the target, whatever happens to the session.
    - A change is applied as a whole or not at all, where the target can do that. Where it cannot, and refuses the rest
      of an UPDATE of which a part is done, read the object back into the result's ``attributes``, beside the error.
    - A refused change becomes a result with an ``ExportError``, and the others are still applied.
    - An exception leaves the outcome of all the changes unknown; the host reads the objects back. Raise with
      ``nothing_sent=True`` when that is certain.
    - The anchor in a result equals, to the byte, what a later import yields (padding, the spelling of a GUID).
    - An ADD whose anchor exists is ``DUPLICATE_ANCHOR``. An UPDATE, REPLACE or DELETE of an object that is not there is
      ``CONNECTED_DIRECTORY_MISSING_OBJECT``; of more than one object, ``AMBIGUOUS_UPDATE``, with nothing changed.
    - Of an attribute of several references (a group's members) only what differs is sent where you ask for it
      (``MULTIVALUED_REFERENCE_ATTRIBUTE_UPDATE``, ``ATTRIBUTE_UPDATE``). Adding what is there and removing what is not
      succeed: two hosts may do the same. A value whose object is not there is refused if your target can tell. A result
      leaves such attributes out of its ``attributes`` unless it has them whole. Deleting an object takes the references
      to it along, in the same transaction: whoever gets its name next must not inherit its groups.
    - ``secrets`` has the password of a change, by its identifier, where you take passwords this way
      (``PasswordSupport.WITH_EXPORT``); empty otherwise, so that nobody else need name it. The password belongs to the
      change: both are applied, or neither. An UPDATE may have nothing but a password. Reveal it as late as possible,
      keep it nowhere, and never write it, or anything made of it, into a message or a result. One that the target
      does not take is ``PASSWORD_POLICY_VIOLATION``, with the target's own reason.

    (ECMA2: PutExportEntries.)
    """


@hookspec(firstresult=True)
def set_password(
    session: Any,
    step: RunStep,
    entry: CSEntryChange,
    password: Secret,
    options: PasswordOptions,
) -> CSEntryChangeResult:
    """Applies a password to one object and returns how that ended, with the entry's identifier.

    Called where you take passwords by a call of their own (``PasswordSupport.SEPARATE``), with a session for that
    purpose. ``entry`` is the object as the host knows it (type REPLACE, whole object). What ``export`` promises of
    durability, results, exceptions and secrets holds here too.

    For a new object (``options.initial``) it follows the ADD. The host makes a creation all or nothing: where this call
    does not succeed, the object is deleted again through ``export``, and the client sends everything anew.
    (ECMA2: SetPassword.)
    """


# Planning and explaining: these never write ---------------------------------------------------------------------------


@hookspec(firstresult=True)
def deprovision(
    entry: CSEntryChange,
    flow: DeprovisioningFlow,
    context: DeprovisioningContext,
) -> Sequence[CSEntryChange]:
    """Plans what disabling, restoring or deleting this object means; the changes then go through ``export``.

    ``entry`` is the object as the host knows it (type REPLACE, whole object). The host has a default: NONE plans
    nothing, SET an Update of one attribute, DELETE a Delete. Implement it where the target needs more than that.
    An empty sequence leaves the target alone.
    """


@hookspec(firstresult=True)
def explain_export(
    session: Any,
    step: RunStep,
    changes: Sequence[CSEntryChange],
    with_password: Collection[str],
) -> Sequence[ExportExplanation]:
    """Returns what ``export`` would do for these changes, by identifier: exactly one explanation for each.

    Never writes: not even to undo it afterwards. The session is one for reading, and reading is welcome where
    ``export`` would read too, to see what stands against a change. Build the statements with the code that ``export``
    runs, so that nobody is told something else than what happens; each change is explained as if it were alone.

    ``with_password`` has the identifiers of the changes that bring a password, which is not handed over: put
    ``Withheld.SECRET`` in the place of what you would make of it. A value that only the target makes is
    ``Withheld.MADE_BY_TARGET``. All other values are told to administrators as they are, and to nobody else.

    A change that you would refuse is an explanation with the ``ExportError``; a target that cannot be asked is a
    ConnectorError. Without this hook, administrators are shown the changes themselves.
    """


@hookspec(firstresult=True)
def check(session: Any, step: RunStep) -> Sequence[Finding]:
    """Returns what an administrator should know about this target and these types: missing rights, suggestions.

    Reads only. Called by ``ecmahost check``, with all object types that are configured: what one of them says of
    another (whose anchors its references are) can be looked at, too. Empty when there is nothing to say.
    """


# Extensions -----------------------------------------------------------------------------------------------------------


def extension_parameters() -> Sequence[ConfigParameterDefinition]:
    """Returns what the table ``[extensions.<name>]`` takes; for extensions only, and only where they have settings.

    An extension looks at what passes between the host and a connector, or changes it: an audit trail, a mask. It is a
    module as well, named in the entry-point group ``ecmahost.extensions``, and works for those connectors only whose
    configuration names it: ``extensions = ["audit"]``. The first that a configuration names is the outermost: it is
    called before the others, and gets the answer after them. This function, if there is one, is marked with
    ``@hookimpl``. Every other function that is marked wraps the hook whose name it has::

        @hookimpl(wrapper=True)
        def export(changes, settings):
            results = yield
            note(settings["file"], changes, results)
            return results

    - A wrapper is a generator that yields once, without a value. What it gets there is the connector's answer, which
      has been checked; what it returns goes on in its place, and is checked as if the connector had returned it.
    - It may name the arguments of its hook, ``settings`` (its own parameters) and ``connector`` (the connector's name),
      but never ``parameters``, ``values``, ``password`` or ``secrets``. A ``session`` is a stand-in. Nothing that is
      handed to it is changed in place.
    - ``connectivity_parameters``, ``target_identity``, ``open_session`` and ``session_alive`` are not wrapped: a
      connection is between the connector and its target. For a hook that neither the connector nor the host implements,
      no wrapper is called.
    - What it raises before the ``yield`` stops the call, and nothing is sent. An exception that comes out of the
      ``yield`` leaves the wrapper too, as it came or with a ConnectorError in its place. What it raises after an
      ``export`` that returned leaves the outcome unknown, whatever it says of ``nothing_sent``.
    - A wrapper of ``full_import`` runs before the first page is read: ``map_pages(pages, function)`` is there for that.
      If the wrapper returns a generator of its own, it reads the connector's pages to their end.
    - The rules at the top hold here too. Before and after the ``yield`` it spends the time of the request that waits.
    """
