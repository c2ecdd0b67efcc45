"""The tables of both databases, version by version, in SQLite's words.

What the tables promise each other, in every committed state:

- ``object`` holds live and unlinked objects only; a deleted one leaves its folded anchor in ``tombstone`` and no data;
- ``value_index`` and ``reference`` hold exactly what follows from ``object.attributes`` and the two lists of attributes
  in the type's row, so that the old rows of an object can be computed and need no index of their own; of the attributes
  under ``building`` they hold that for objects that were written since, and for those up to the key that it names;
- the attributes of ``space_type.links`` are in no ``object.attributes``: ``reference`` alone has their values (once an
  import has read them; before, an older configuration may have kept them as something else);
- ``reference.scope`` is the type whose objects the value names, NULL for any of the connector, as ``space_type.scopes``
  says; of the attributes under ``rescoping`` that is true of the rows up to the one that it names;
- ``object.digest`` is of all attributes but those of ``space_type.export_only``, which no import tells of, and has a
  part for each of ``space_type.links``, in their order: the sum of its rows, or unknown (``digests``);
- rows of ``reference`` that belong to, or name, an object that is gone are those of the objects in ``departed``;
- a ``connector`` that is ``retired`` was reset: its name is its number behind a ``#``, it has no journal, and under the
  old name nothing of it is seen but its history;
- ``space_type.live`` is the number of live objects, and ``shifts`` grows whenever the list of live objects changes
  anywhere but at its end, so that a bookmark knows when it is wrong;
- ``listing.live`` is the number of a type's live objects whose key divided by 4096 is ``stretch``;
- ``matched`` holds attributes that clients match on beside the query attributes; of one that is ``dropping`` rows of
  ``value_index`` may be left;
- ``journal_lock`` holds the keys of the rows of ``journal``, and no others.
"""

from ecmahost_core.space.keys import LONGEST

_FIRST = (
    """CREATE TABLE store (
        only_row INTEGER PRIMARY KEY CHECK (only_row = 1),
        epoch TEXT NOT NULL,
        change_seq INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE connector (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        first_import_done INTEGER NOT NULL DEFAULT 0,
        last_import INTEGER,
        last_import_counts TEXT NOT NULL DEFAULT '{}',
        last_failure TEXT NOT NULL DEFAULT '',
        held_count INTEGER,
        held_live INTEGER,
        held_since INTEGER,
        missing INTEGER NOT NULL DEFAULT 0,
        purged_seq INTEGER NOT NULL DEFAULT 0
    ) STRICT""",
    """CREATE TABLE space_type (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        connector INTEGER NOT NULL,
        resource_type TEXT NOT NULL,
        indexed TEXT NOT NULL DEFAULT '[]',
        reference_attributes TEXT NOT NULL DEFAULT '[]',
        live INTEGER NOT NULL DEFAULT 0,
        shifts INTEGER NOT NULL DEFAULT 0,
        UNIQUE (connector, resource_type)
    ) STRICT""",
    # The attributes come last: whatever is read without them is on the row's first page.
    """CREATE TABLE object (
        key INTEGER PRIMARY KEY AUTOINCREMENT,
        type INTEGER NOT NULL,
        state INTEGER NOT NULL CHECK (state IN (0, 1)),
        id TEXT NOT NULL,
        change_seq INTEGER NOT NULL,
        digest BLOB NOT NULL,
        created INTEGER NOT NULL,
        modified INTEGER NOT NULL,
        anchor_key TEXT NOT NULL,
        dn_key TEXT,
        anchor TEXT NOT NULL,
        dn TEXT,
        kept TEXT NOT NULL,
        attributes TEXT NOT NULL
    ) STRICT""",
    "CREATE UNIQUE INDEX object_id ON object (type, id)",
    "CREATE UNIQUE INDEX object_anchor ON object (type, anchor_key)",
    "CREATE UNIQUE INDEX object_dn ON object (type, dn_key) WHERE dn_key IS NOT NULL",
    "CREATE INDEX object_listing ON object (type, state)",  # and the key, which every index ends with
    """CREATE TABLE tombstone (
        type INTEGER NOT NULL,
        anchor_key TEXT NOT NULL,
        change_seq INTEGER NOT NULL,
        PRIMARY KEY (type, anchor_key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX tombstone_seq ON tombstone (type, change_seq)",
    """CREATE TABLE value_index (
        type INTEGER NOT NULL,
        attribute TEXT NOT NULL,
        value_key TEXT NOT NULL,
        object INTEGER NOT NULL,
        PRIMARY KEY (type, attribute, value_key, object)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE reference (
        owner INTEGER NOT NULL,
        attribute TEXT NOT NULL,
        value_key TEXT NOT NULL,
        value TEXT NOT NULL,
        connector INTEGER NOT NULL,
        target INTEGER,
        PRIMARY KEY (owner, attribute, value_key)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX reference_target ON reference (target) WHERE target IS NOT NULL",
    "CREATE INDEX reference_open ON reference (connector, value_key) WHERE target IS NULL",
    """CREATE TABLE missing (
        type INTEGER NOT NULL,
        object_id TEXT NOT NULL,
        noted INTEGER NOT NULL,
        PRIMARY KEY (type, object_id)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE journal (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        type INTEGER NOT NULL,
        operation TEXT NOT NULL,
        state TEXT NOT NULL,
        incarnation TEXT NOT NULL,
        newest_key INTEGER NOT NULL,
        opened INTEGER NOT NULL,
        object_id TEXT,
        reserved_id TEXT NOT NULL,
        instance TEXT NOT NULL,
        unlink INTEGER NOT NULL,
        request_id TEXT NOT NULL,
        lock_keys TEXT NOT NULL,
        kept TEXT NOT NULL,
        change TEXT NOT NULL
    ) STRICT""",
    """CREATE TABLE journal_lock (
        type INTEGER NOT NULL,
        lock_key TEXT NOT NULL,
        entry INTEGER NOT NULL,
        PRIMARY KEY (type, lock_key)
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE incarnation (
        id TEXT PRIMARY KEY,
        process INTEGER NOT NULL,
        began INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID""",
    """CREATE TABLE import (
        number INTEGER PRIMARY KEY AUTOINCREMENT,
        connector INTEGER NOT NULL,
        incarnation TEXT NOT NULL,
        began_seq INTEGER NOT NULL,
        began INTEGER NOT NULL
    ) STRICT""",
    """CREATE TABLE event (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        connector INTEGER NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        object_id TEXT NOT NULL,
        request_id TEXT NOT NULL,
        actor TEXT NOT NULL,
        error TEXT NOT NULL,
        milliseconds INTEGER NOT NULL,
        detail TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX event_connector ON event (connector)",  # and the seq
)

_PASSWORDS = ("ALTER TABLE journal ADD COLUMN password INTEGER NOT NULL DEFAULT 0",)

_SPACES = (
    # What the space was built with, and what the last complete import brought; NULL where nobody has noted it yet.
    "ALTER TABLE connector ADD COLUMN identity TEXT",
    "ALTER TABLE connector ADD COLUMN content TEXT",
    # Of a space that was reset: when, and the connector's row that goes on under the name.
    "ALTER TABLE connector ADD COLUMN retired INTEGER",
    "ALTER TABLE connector ADD COLUMN successor INTEGER",
    "ALTER TABLE space_type ADD COLUMN building TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE space_type ADD COLUMN export_only TEXT NOT NULL DEFAULT '[]'",
)

_LINKS = (
    "ALTER TABLE space_type ADD COLUMN links TEXT NOT NULL DEFAULT '[]'",
    "ALTER TABLE space_type ADD COLUMN scopes TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE space_type ADD COLUMN rescoping TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE reference ADD COLUMN scope INTEGER",
    """CREATE TABLE departed (
        object INTEGER PRIMARY KEY,
        connector INTEGER NOT NULL,
        dropping INTEGER NOT NULL
    ) STRICT""",
)

SHORT_KEYS = tuple(
    f"UPDATE OR IGNORE {table} SET {column} = short_key({column}) WHERE length({column}) > {LONGEST}"  # noqa: S608  # names of our own, no values
    for table, column in (
        ("object", "anchor_key"),
        ("object", "dn_key"),
        ("tombstone", "anchor_key"),
        ("value_index", "value_key"),
        ("reference", "value_key"),
    )
)
"""Bounds the keys that older versions wrote (``keys``); those of open entries go with their entries."""

_DELTAS = (
    # From where each resource type's next delta import goes on, as JSON, and the newest change number then.
    "ALTER TABLE connector ADD COLUMN watermark TEXT NOT NULL DEFAULT '{}'",
    "ALTER TABLE connector ADD COLUMN watermark_seq INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE connector ADD COLUMN last_full INTEGER",
    "UPDATE connector SET last_full = last_import",
    # What somebody has asked the host's worker process for, as JSON.
    "ALTER TABLE connector ADD COLUMN import_request TEXT",
)

_MATCHED = (
    """CREATE TABLE matched (
        type INTEGER NOT NULL,
        attribute TEXT NOT NULL,
        dropping INTEGER NOT NULL,
        PRIMARY KEY (type, attribute)
    ) STRICT, WITHOUT ROWID""",
)

_LISTING = (
    """CREATE TABLE listing (
        type INTEGER NOT NULL,
        stretch INTEGER NOT NULL,
        live INTEGER NOT NULL,
        PRIMARY KEY (type, stretch)
    ) STRICT, WITHOUT ROWID""",
    "INSERT INTO listing SELECT type, key / 4096, count(*) FROM object WHERE state = 0 GROUP BY type, key / 4096",
)

_PAST = (
    # What a client asked for, for the history; and what holds back what is too much.
    "ALTER TABLE journal ADD COLUMN asked TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE history (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        time INTEGER NOT NULL,
        connector TEXT NOT NULL,
        resource_type TEXT NOT NULL,
        kind TEXT NOT NULL,
        outcome TEXT NOT NULL,
        object_id TEXT NOT NULL,
        anchor TEXT NOT NULL,
        request_id TEXT NOT NULL,
        actor TEXT NOT NULL,
        error TEXT NOT NULL,
        told TEXT NOT NULL,
        milliseconds INTEGER NOT NULL,
        asked TEXT NOT NULL,
        changes TEXT NOT NULL
    ) STRICT""",
    "CREATE INDEX history_object ON history (connector, object_id)",
    """CREATE TABLE history_name (
        connector TEXT NOT NULL,
        name_key TEXT NOT NULL,
        object_id TEXT NOT NULL,
        time INTEGER NOT NULL,
        PRIMARY KEY (connector, name_key, object_id)
    ) STRICT, WITHOUT ROWID""",
    "CREATE INDEX history_name_time ON history_name (time)",
    """CREATE TABLE leaving (
        entry INTEGER PRIMARY KEY,
        connector TEXT NOT NULL,
        time INTEGER NOT NULL
    ) STRICT""",
    "CREATE INDEX leaving_time ON leaving (connector, time)",
    "ALTER TABLE connector ADD COLUMN released INTEGER",
    "ALTER TABLE connector ADD COLUMN held_links INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE connector ADD COLUMN lost TEXT NOT NULL DEFAULT '[]'",
)

# What readings found, oldest first, among many more writes.
_FOUND = ("CREATE INDEX history_found ON history (connector, seq) WHERE kind IN ('import', 'read')",)

_WRITTEN = (
    # The newest number that a write of the host gave an object; 0 where only readings brought it.
    "ALTER TABLE object ADD COLUMN written_seq INTEGER NOT NULL DEFAULT 0",
    # The newest change number before the run began that kept the watermarks.
    "ALTER TABLE connector ADD COLUMN watermark_began INTEGER NOT NULL DEFAULT 0",
    "UPDATE connector SET watermark_began = watermark_seq",
)

# Attributes whose values are kept of nobody because of what clients call them.
_UNKEPT = ("ALTER TABLE space_type ADD COLUMN unkept TEXT NOT NULL DEFAULT '[]'",)

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    _FIRST,
    _PASSWORDS,
    _SPACES,
    _LINKS,
    SHORT_KEYS,
    _DELTAS,
    _MATCHED,
    _LISTING,
    _PAST,
    _FOUND,
    _WRITTEN,
    _UNKEPT,
)
"""The statements that take a store from version n to n + 1, at index n. A released one is never edited."""
