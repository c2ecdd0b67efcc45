"""The tables of a connector's file, one schema for each (the wizard's tabs). ``host_schemas`` has the host's own.

Loading one gives a dictionary whose keys are the fields of the dataclass in ``model.py`` that it is for.
``connectivity`` and ``schema_mapping`` have keys that are not known beforehand: see ``parameters.py`` and
``scim_paths.py``.
"""

import re
from datetime import time, timedelta
from typing import Any

from marshmallow import ValidationError, post_load, validates_schema

from ecmahost_core.configuration.aliases import alias
from ecmahost_core.configuration.custom_types import URN_EXPECTED, custom_endpoint, custom_schema
from ecmahost_core.configuration.fields import (
    NAME,
    Entry,
    Reader,
    Tab,
    choice,
    flag,
    list_of,
    matching,
    moment,
    name,
    named,
    number,
    table,
    target_value,
    text,
    whole_number,
)
from ecmahost_core.configuration.mistakes import describe, echo, refusal
from ecmahost_core.configuration.model import Freshness, QueryAttribute, RunProfile, SelectedAttribute, TokenHash
from ecmahost_core.configuration.tokens import HASHED, MAXIMUM_TOKENS, PREFIX
from ecmahost_core.ecma.deprovisioning import DeprovisioningFlow, FlowAction
from ecmahost_core.ecma.schema import AttributeOperation, AttributeType

DIRECTIONS = {
    "import": AttributeOperation.IMPORT_ONLY,
    "export": AttributeOperation.EXPORT_ONLY,
    "import_export": AttributeOperation.IMPORT_EXPORT,
}
_INSTANCE = "a UUID; make one with: python3 -c 'import uuid; print(uuid.uuid4())'"
_TOKEN = "an HMAC (hmac:...), never the token itself; make one with: ecmahost token NAME"  # noqa: S105  # a message
_FLOW = '"none", "delete" or { set = "attribute" }'
_FLOWS = {"none": DeprovisioningFlow(), "delete": DeprovisioningFlow(FlowAction.DELETE)}

_UUID = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]")


class TokenTable(Tab):
    """A token with an expiry: ``{ hash = "hmac:...", expires = 2026-12-31T00:00:00Z }``."""

    hash = Entry(matching(HASHED, _TOKEN), _TOKEN, required=True)
    expires = Entry(moment, default=None)


def secret_token(value: Any) -> TokenHash:
    """One element of ``secret_tokens``. What stands there is never shown: it may be the token itself."""
    if isinstance(value, dict):
        loaded = table(TokenTable)(value)
        return TokenHash(loaded["hash"].removeprefix(PREFIX), loaded["expires"])
    return TokenHash(matching(HASHED, _TOKEN)(value).removeprefix(PREFIX))


def times_of_day(value: Any) -> tuple[time, ...]:
    """A list of times such as ``02:30``, each once."""
    times = list_of(_time_of_day)(value)
    if not times:
        raise refusal("an empty list", 'at least one time of day, such as "02:30"')
    return tuple(sorted(set(times)))


def _time_of_day(value: Any) -> time:
    if isinstance(value, str) and _TIME.fullmatch(value):
        return time.fromisoformat(value)
    raise refusal(describe(value), 'a time of day from "00:00" to "23:59", in quotes')


class ThresholdTable(Tab):
    """``deletion_threshold``."""

    percent = Entry(number(0, 100), name="deletion_threshold_percent")
    objects = Entry(whole_number(0, 1_000_000_000), name="deletion_threshold_objects")


class IncomingBrakeTable(Tab):
    """``incoming_brake``."""

    disables_and_deletes_per_hour = Entry(whole_number(1, 1_000_000_000))


def extensions(value: Any) -> tuple[str, ...]:
    """A list of names, each once."""
    return _each_once(list_of(name)(value), "extension")


class PropertiesTab(Tab):
    """``[properties]``."""

    instance = Entry(matching(_UUID, _INSTANCE), _INSTANCE, required=True)
    type = Entry(name, "the connector type", required=True)
    description = Entry(text)
    autosync_minutes = Entry(whole_number(1, 366 * 24 * 60), name="autosync")
    secret_tokens = Entry(list_of(secret_token, most=MAXIMUM_TOKENS), name="tokens")
    freshness = Entry(choice({freshness.value: freshness for freshness in Freshness}))
    deletion_threshold = Entry(table(ThresholdTable), default={})
    incoming_brake = Entry(table(IncomingBrakeTable), default={})
    strict = Entry(flag)
    extensions = Entry(extensions, default=())

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        data |= data.pop("deletion_threshold") | data.pop("incoming_brake")
        data["instance"] = data["instance"].lower()
        if "autosync" in data:
            data["autosync"] = timedelta(minutes=data["autosync"])
        return data


class ImportTable(Tab):
    """``full_import`` and ``delta_import`` of ``[run_profiles]``."""

    page_size = Entry(whole_number(1, 100_000))
    every_minutes = Entry(whole_number(1, 366 * 24 * 60))
    at = Entry(times_of_day)

    @validates_schema
    def _one_schedule(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if "at" in data and "every_minutes" in data:
            raise ValidationError({"at": refusal("it beside every_minutes", "one of the two").messages})

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> RunProfile:
        minutes = data.pop("every_minutes", None)
        return RunProfile(**data, every=None if minutes is None else timedelta(minutes=minutes))


class RunProfilesTab(Tab):
    """``[run_profiles]``."""

    full_import = Entry(table(ImportTable))
    delta_import = Entry(table(ImportTable))

    @validates_schema
    def _needs_full(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if "delta_import" in data and "full_import" not in data:
            wrong = refusal("it without full_import", "both: a delta begins where a full import has ended")
            raise ValidationError({"delta_import": wrong.messages})


class ExportTab(Tab):
    """``[export]``."""

    page_size = Entry(whole_number(1, 10_000), name="export_page_size")


class DnTable(Tab):
    """``dn`` of an object type."""

    autogenerated = Entry(flag, default=False)


class QueryAttributeTable(Tab):
    """A query attribute with a say on uniqueness: ``{ name = "Mail", unique = false }``."""

    name = Entry(name, NAME, required=True)
    unique = Entry(flag, default=True)


class AttributeTable(Tab):
    """``attributes.<name>`` of an object type."""

    type = Entry(choice({one.value: one for one in AttributeType}))
    direction = Entry(choice(DIRECTIONS))
    single_value = Entry(flag)
    alias = Entry(alias)
    references = Entry(name)

    @validates_schema
    def _only_references(self, data: dict[str, Any], **_kwargs: Any) -> None:
        if "references" in data and data.get("type", AttributeType.REFERENCE) is not AttributeType.REFERENCE:
            wrong = refusal(echo(data["references"]), 'a Reference: type = "Reference"')
            raise ValidationError({"references": wrong.messages})

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> SelectedAttribute:
        return SelectedAttribute(**data)


def anchor(value: Any) -> tuple[str, ...]:
    """One attribute name, or a list of them, each once."""
    names = (name(value),) if isinstance(value, str) else list_of(name)(value)
    if not names:
        raise refusal("an empty list", "at least one attribute")
    return _each_once(names, "attribute")


def query_attributes(value: Any) -> tuple[QueryAttribute, ...]:
    """A list of names and of tables with ``name`` and ``unique``."""
    attributes = list_of(_query_attribute)(value)
    _each_once(tuple(attribute.name for attribute in attributes), "attribute")
    return attributes


def _query_attribute(value: Any) -> QueryAttribute:
    if isinstance(value, dict):
        return QueryAttribute(**table(QueryAttributeTable)(value))
    return QueryAttribute(name(value))


def select_attributes(value: Any) -> tuple[str, ...]:
    """A list of attribute names, each once; an empty one selects nothing beyond what is needed anyway."""
    return _each_once(list_of(name)(value), "attribute")


def _each_once(names: tuple[str, ...], what: str) -> tuple[str, ...]:
    twice = next((one for position, one in enumerate(names) if one in names[:position]), None)
    if twice is not None:
        raise refusal(f"{echo(twice)} twice", f"each {what} once")
    return names


class ObjectTypeTab(Tab):
    """``[object_types.User]``."""

    target = Entry(name, "the target's object type: a table, a class", required=True)
    anchor = Entry(anchor, "the attribute that identifies an object, or a list of them", required=True)
    anchor_immutable = Entry(flag)
    dn = Entry(table(DnTable))
    query_attributes = Entry(query_attributes)
    select_attributes = Entry(select_attributes)
    attributes = Entry(named(table(AttributeTable)))

    @post_load
    def _build(self, data: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
        dn = data.pop("dn", {})
        return data | ({"dn_autogenerated": dn["autogenerated"]} if dn else {})


class CustomTypeTable(Tab):
    """What ``[object_types.NAME]`` has for a resource type that SCIM does not, beside the keys of the others."""

    schema = Entry(custom_schema, URN_EXPECTED, required=True)
    endpoint = Entry(custom_endpoint)
    description = Entry(text)


class CustomObjectTypeTab(CustomTypeTable, ObjectTypeTab):
    """``[object_types.NAME]``, for any name but User and Group."""


class DisableTable(Tab):
    """``disable = { set = "IsActive" }``: the attribute receives the boolean of SCIM ``active``."""

    set = Entry(name, "the attribute that says whether somebody is active", required=True)


class DeleteTable(Tab):
    """``delete = { set = "Terminated", value = true }``."""

    set = Entry(name, "the attribute to write", required=True)
    value = Entry(target_value, "the value that marks somebody as deleted", required=True)


def flow(tab: type[Tab]) -> Reader[DeprovisioningFlow]:
    """Returns the reader of a deprovisioning flow, whose SET form is the table ``tab``."""

    def read(value: Any) -> DeprovisioningFlow:
        if isinstance(value, dict):
            loaded = table(tab)(value)
            return DeprovisioningFlow(FlowAction.SET, loaded["set"], loaded.get("value"))
        if not isinstance(value, str):
            raise refusal(describe(value), _FLOW)
        return choice(_FLOWS)(value)

    return read


class DeprovisioningTab(Tab):
    """``[deprovisioning.User]``."""

    disable = Entry(flow(DisableTable))
    delete = Entry(flow(DeleteTable))


class GroupDeprovisioningTab(Tab):
    """``[deprovisioning.Group]``, or of another type but User: it is never disabled, it has no ``active``."""

    delete = Entry(flow(DeleteTable))
