"""What each key of the configuration files is for, for the reference. What it takes, the schemas say."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class Meaning:
    """One key.

    Attributes:
        text: what it is for, in plain sentences (Markdown).
        otherwise: what holds without it, where the default itself does not say it; may be empty.
        takes: what it takes, where the message about a wrong value says too little; may be empty.
    """

    text: str
    otherwise: str = ""
    takes: str = ""


MEANINGS: Final[Mapping[str, Meaning]] = MappingProxyType(
    {
        "host.bind": Meaning(
            'The address to listen on: this machine only; `"0.0.0.0"` or `"::"` for every network interface.',
        ),
        "host.port": Meaning(
            "The port; 0 takes a free one.",
        ),
        "host.workers": Meaning(
            "Web worker processes. One more process imports.",
        ),
        "host.request_budget_seconds": Meaning(
            "Seconds that one SCIM request may take in all, the target included. Entra gives up after 60. A bulk "
            "request may have twenty operations for each.",
        ),
        "host.body_limit": Meaning(
            "The largest request body, in bytes; of a bulk request, too.",
        ),
        "tls.certificate": Meaning(
            "A PEM file: the certificate, followed by the chain. Read again when it changes. Relative to the home.",
            otherwise="`certificate.pem`",
        ),
        "tls.key": Meaning(
            "A PEM file: the private key, without a pass phrase.",
            otherwise="`certificate.key`",
        ),
        "logs.level": Meaning(
            "The least level that is written, to standard error. No level writes secrets or people's values.",
        ),
        "store.durability": Meaning(
            "What the connector space survives without losing a write that was answered: `kill` for a kill of any "
            "process, `power` for a power cut, too, at some tenths of a millisecond and a wait for the disk per write.",
        ),
        "store.event_days": Meaning(
            "For how many days the connectors' events are kept, which have no values of anybody: `ecmahost log`, "
            "`ecmahost journal`.",
        ),
        "store.history_days": Meaning(
            "For how many days it is kept what was changed of whom, by whom, with the values before and after: what "
            "`ecmahost history` and `ecmahost drift` show. They are personal data, in the store and nowhere else. 0 "
            "keeps nothing.",
        ),
        "admin.enabled": Meaning(
            "Whether `/admin/v1/` is there, for programs on this machine. It tells people's values: see operating.md.",
        ),
        "admin.tokens": Meaning(
            "HMACs of the tokens that open it, two at most. `ecmahost admin-token` makes one.",
            otherwise="none: nobody gets in",
        ),
        "store.url": Meaning(
            "A PostgreSQL database that keeps the connector space, where several hosts share it: "
            "`postgresql://ecmahost:PASSWORD@db.contoso.com/ecmahost?sslmode=verify-full`. See operating.md.",
            otherwise="`space.db` in the home",
            takes='an encrypted secret (`"enc:..."`), `{ env = "NAME" }` or `{ file = "path" }`',
        ),
        "store.schema": Meaning(
            "The schema that holds the tables, and nothing else. Made where it is missing and the account may.",
        ),
        "metrics.enabled": Meaning(
            "Whether `/metrics` is there, for Prometheus. It tells nothing of people: see operating.md.",
        ),
        "metrics.tokens": Meaning(
            "HMACs of the tokens that open it, from any address, two at most. `ecmahost metrics-token` makes one.",
            otherwise="none: it is open for programs on this machine",
        ),
        "properties.instance": Meaning(
            "Made by `init`. The ids of objects with an immutable anchor derive from it: never change it, and "
            "give a copy of the file another one.",
        ),
        "properties.type": Meaning(
            "An installed connector type; `ecmahost connectors` lists them.",
            takes="an installed connector type",
        ),
        "properties.description": Meaning(
            "For people.",
        ),
        "properties.autosync_minutes": Meaning(
            "How often everything is read anew from the target.",
            otherwise="only once, and by `ecmahost import`",
        ),
        "properties.secret_tokens": Meaning(
            "What is kept of the secret tokens that Entra may use; written by `init` and `ecmahost token`.",
            otherwise="nobody is let in",
            takes='a list of at most 2 of "hmac:..." and { hash = "hmac:...", expires = 2026-12-31T00:00:00Z }',
        ),
        "properties.freshness": Meaning(
            '`"verify"`: a match that finds nothing asks the target for that one object. `"cache"`: it does not. '
            '`"live"`: every match does.',
            otherwise='`"verify"` where the connector reads single objects, otherwise `"cache"`',
        ),
        "properties.deletion_threshold.percent": Meaning(
            "An import that would remove more than this part of all objects, and more than `objects`, holds its "
            "removals until `ecmahost import NAME --confirm`.",
            otherwise="`10`",
        ),
        "properties.deletion_threshold.objects": Meaning(
            "See `percent`; both must be exceeded.",
            otherwise="`5`",
        ),
        "properties.incoming_brake.disables_and_deletes_per_hour": Meaning(
            "How many objects Entra may disable and delete within an hour, in all processes together. Any more are "
            "answered 429 with Retry-After, everything else goes on, until the hour is over or somebody runs "
            "`ecmahost release NAME`.",
            otherwise="as many as it likes",
        ),
        "properties.strict": Meaning(
            "Whether a request with an attribute that is not mapped is refused with 400 that names it. Otherwise such "
            "an attribute is passed over, which is what Entra and most other clients need.",
            otherwise="`false`",
        ),
        "properties.extensions": Meaning(
            "The extensions through which every call to the plugin goes, the outermost first; `ecmahost extensions` "
            "lists what is installed.",
            takes="a list of installed extensions",
            otherwise="none",
        ),
        "run_profiles.full_import.page_size": Meaning(
            "Objects that are read in one page. Without the table `full_import` nothing is imported at all.",
            otherwise="as the connector likes it",
        ),
        "run_profiles.full_import.every_minutes": Meaning(
            "How often everything is read, from the end of one import to the beginning of the next; up to a tenth "
            "later, each connector by a share of its own.",
            otherwise="`properties.autosync_minutes`",
        ),
        "run_profiles.full_import.at": Meaning(
            'Or the times of day at which everything is read, such as `["02:30"]`, in the time zone of the machine; up '
            "to a minute later. A time that was missed is made up once.",
            takes="a list of times of day",
            otherwise="`every_minutes` counts",
        ),
        "run_profiles.delta_import.page_size": Meaning(
            "Changes that are read in one page. With the table `delta_import`, if only `delta_import = {}`, changes "
            "are imported between two full imports: those that the connector tells of, or by comparing everything. A "
            "connector that notices changes by itself, as `csv` does, imports them within seconds.",
            otherwise="as `full_import` says",
        ),
        "run_profiles.delta_import.every_minutes": Meaning(
            "How often changes are read, from the end of one import to the beginning of the next.",
            otherwise="when the connector notices a change, or on demand",
        ),
        "run_profiles.delta_import.at": Meaning(
            "Or the times of day at which changes are read.",
            takes="a list of times of day",
            otherwise="`every_minutes` counts",
        ),
        "export.page_size": Meaning(
            "Changes that are sent to the target in one call, at most; the connector may take fewer.",
            otherwise="`100`",
        ),
        "object_types.User.target": Meaning(
            "What people are kept in. Spelled as in the target; `check` lists what there is.",
            takes="a name in the target",
        ),
        "object_types.User.anchor": Meaning(
            "Unique and stable. A key that the target generates is best.",
            takes="a name, or a list of names",
        ),
        "object_types.User.anchor_immutable": Meaning(
            "True where an anchor never changes and is never given to somebody else: SCIM ids then survive the "
            "loss of the store.",
            otherwise="`false`",
        ),
        "object_types.User.dn.autogenerated": Meaning(
            "The host makes distinguished names: `CN=<anchor>,OBJECT=<type>`.",
        ),
        "object_types.User.query_attributes": Meaning(
            "What Entra matches people by. Indexed, and no two people may have the same value unless `unique = false`.",
            otherwise="none",
            takes='a list of names and of { name = "Mail", unique = false }',
        ),
        "object_types.User.select_attributes": Meaning(
            "Which attributes are kept, beside those that other keys name. A name that differs from another one in "
            "case only, or has a dot, a bracket or a double quote in it, needs an `alias`. `export_password` selects "
            "passwords, where the connector takes them.",
            otherwise="every attribute that the target has; with `[schema_mapping.User]` only what is mapped",
            takes="a list of names in the target",
        ),
        "object_types.User.attributes.NAME.type": Meaning(
            "The attribute's type, where the target's own catalog does not say what is meant by it.",
            otherwise="as the target says",
        ),
        "object_types.User.attributes.NAME.direction": Meaning(
            "`import`: shown and never written. `export`: written and never read.",
            otherwise="as the target says",
        ),
        "object_types.User.attributes.NAME.single_value": Meaning(
            "Treat an attribute of several values as one of one value.",
            otherwise="`false`",
        ),
        "object_types.User.attributes.NAME.alias": Meaning(
            "The name by which clients know it, where there is no `[schema_mapping.User]`.",
            otherwise="the target's own name",
            takes="a name without dots, brackets, double quotes, control characters and blanks at its ends",
        ),
        "object_types.User.attributes.NAME.references": Meaning(
            "Of a Reference (`manager`, `members`): whose objects its values name by their anchor. The object type in "
            "the target, or a resource type: `User`, `Group`, one of your own.",
            otherwise="as the target says; where it says nothing, distinguished names",
            takes="an object type of the target, or a resource type",
        ),
        "object_types.NAME.schema": Meaning(
            "The URN of the type's core schema. None that an RFC has, and none that another type has.",
        ),
        "object_types.NAME.endpoint": Meaning(
            "Where clients find the resources, below the connector's address.",
            otherwise="a slash, the name and an s: `/Devices`",
        ),
        "object_types.NAME.description": Meaning(
            "For `/ResourceTypes`.",
            otherwise="none",
        ),
        "deprovisioning.User.disable": Meaning(
            "What SCIM `active` false does: nothing in the target, a deletion, or the attribute receives false "
            "(and true again).",
            otherwise='`"none"`',
            takes='"none", "delete" or { set = "attribute" }',
        ),
        "deprovisioning.User.delete": Meaning(
            "What DELETE does: nothing in the target (the person is only forgotten until matched again), a "
            "deletion, or the attribute receives the value.",
            otherwise='`"none"`',
            takes='"none", "delete" or { set = "attribute", value = true }',
        ),
        "deprovisioning.Group.delete": Meaning(
            "What DELETE of a group does, as for people; so with every type of your own. Only people are disabled.",
            otherwise='`"none"`',
            takes='"none", "delete" or { set = "attribute", value = true }',
        ),
    }
)
