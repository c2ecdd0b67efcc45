"""Connectors over plugin modules that a test writes: real modules, real pluggy, real threads."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any

import pytest

from ecmahost_core import (
    AttributeType,
    ConfigParameterDefinition,
    CSEntryChange,
    CSEntryChangeResult,
    ObjectModificationType,
    RunStep,
    Schema,
    SchemaAttribute,
    SchemaType,
    hookimpl,
)
from ecmahost_core.configuration.model import ConnectorConfiguration, Extension, Properties
from ecmahost_core.connectors.connector import Connector
from ecmahost_core.connectors.contract import LoadedPlugin, checked_plugin
from ecmahost_core.connectors.extensions import LoadedExtension, checked_extension

PERSON = SchemaType(
    "Person",
    (SchemaAttribute("Id"), SchemaAttribute("Name"), SchemaAttribute("Active", AttributeType.BOOLEAN)),
    anchor=("Id",),
)
STEP = RunStep((PERSON,), page_size=100)


def connectivity_parameters():
    return [ConfigParameterDefinition("path", "Path")]


@contextmanager
def open_session():
    yield "session"


def schema():
    return Schema((PERSON,))


def export(changes):
    return [CSEntryChangeResult(change.identifier, anchor=change.anchor) for change in changes]


def add(identifier: str, anchor: str | None = None, **more: Any) -> CSEntryChange:
    """A creation; the anchor is the identifier unless told."""
    values = (identifier if anchor is None else anchor,)
    return CSEntryChange("Person", ObjectModificationType.ADD, anchor=values, identifier=identifier, **more)


def person(anchor: str, **more: Any) -> CSEntryChange:
    """A person as an import yields one."""
    return CSEntryChange(
        "Person", ObjectModificationType.ADD, anchor=(anchor,), attributes={"Id": (anchor,), "Name": ("Ann",)}, **more
    )


def make_module(name: str = "ecmahost_example", **functions: object) -> ModuleType:
    """A plugin's module: the required hooks, and what is given instead of them or beside them (None takes one away)."""
    module = ModuleType(name)
    required = {each.__name__: each for each in (connectivity_parameters, open_session, schema, export)}
    for attribute, function in required.items():
        setattr(module, attribute, hookimpl(function))
    for attribute, value in functions.items():
        if value is None:
            delattr(module, attribute)
        else:
            setattr(module, attribute, value)
    return module


def make_plugin(name: str = "example", **hooks: Callable[..., object]) -> LoadedPlugin:
    """A plugin whose hooks are the given functions, marked here."""
    return checked_plugin(name, make_module(**{hook: hookimpl(function) for hook, function in hooks.items()}))


def make_extension(name: str = "audit", **wrappers: Callable[..., object]) -> LoadedExtension:
    """An extension whose wrappers are the given functions, marked here."""
    module = ModuleType(f"ecmahost_{name}")
    for hook, function in wrappers.items():
        setattr(module, hook, hookimpl(wrapper=True)(function))
    return checked_extension(name, module)


def make_configuration(name: str = "hr", **settings: Any) -> ConnectorConfiguration:
    properties = Properties(name, "6e0c0000-0000-4000-8000-000000000000", "example")
    connectivity = MappingProxyType({"path": "people", **settings.pop("connectivity", {})})
    return ConnectorConfiguration(Path(f"{name}.toml"), properties, connectivity, **settings)


@pytest.fixture
def build() -> Iterator[Callable[..., Connector]]:
    """Builds connectors and closes them after the test."""
    connectors: list[Connector] = []

    def build_connector(
        *,
        name: str = "hr",
        plugin: LoadedPlugin | None = None,
        clock=None,
        settings=None,
        extensions: Sequence[LoadedExtension] = (),
        **hooks: Callable[..., Any],
    ) -> Connector:
        named = tuple(Extension(each.name, MappingProxyType({"of": each.name})) for each in extensions)
        configuration = make_configuration(name, extensions=named, **(settings or {}))
        timing = {} if clock is None else {"clock": clock}
        connector = Connector(configuration, plugin or make_plugin(**hooks), extensions=extensions, **timing)
        connectors.append(connector)
        return connector

    yield build_connector
    for connector in connectors:
        connector.close()


@pytest.fixture
def tools() -> ModuleType:
    """The makers above, for tests that need more than a connector."""
    module = ModuleType("tools")
    for each in (add, person, make_module, make_plugin, make_extension, make_configuration):
        setattr(module, each.__name__, each)
    module.STEP, module.PERSON = STEP, PERSON
    return module


@pytest.fixture
def wait_until() -> Callable[[Callable[[], object]], None]:
    """Waits for something that another thread does; fails after ten seconds."""

    def wait(condition: Callable[[], object]) -> None:
        tick = threading.Event()
        for _ in range(2000):
            if condition():
                return
            tick.wait(0.005)
        raise AssertionError("it did not happen")

    return wait


@pytest.fixture(autouse=True)
def _no_thread_stays() -> Iterator[None]:
    """Set up first and torn down last: by then every gate is open and every queue closed, so every thread ends."""
    yield
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and thread.name.startswith(("connector ", "hr ")):
            thread.join(10)
            assert not thread.is_alive(), thread.name


class Gate:
    """A target that hangs until it is opened, and tells who arrived."""

    def __init__(self) -> None:
        self.arrived = threading.Semaphore(0)
        self._open = threading.Event()

    def open(self) -> None:
        self._open.set()

    def pass_through(self) -> None:
        self.arrived.release()
        assert self._open.wait(30)

    def wait_for(self, count: int = 1) -> None:
        """Waits until so many calls hang here."""
        for _ in range(count):
            assert self.arrived.acquire(timeout=10)


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Opens at the end of the test, so that no thread stays behind."""
    gate = Gate()
    yield gate
    gate.open()
