"""Which rights the database account lacks for what the host will do to a table's rows. Nothing is written."""

from collections.abc import Iterator

from ecmahost_core import AttributeOperation, Finding, ObjectModificationType, Severity
from ecmahost_sql.database import Database
from ecmahost_sql.rows import Selection


def missing_rights(database: Database, selection: Selection) -> Iterator[Finding]:
    """Yields a finding for each kind of change that the database would refuse to this account.

    Only the columns that are written are named, so that rights on single columns are enough. The anchor's are not
    among those that are changed.
    """
    table = selection.table
    written = [
        attribute.name
        for attribute in selection.schema_type.attributes
        if attribute.operation is not AttributeOperation.IMPORT_ONLY
    ]
    changed = [name for name in written if name not in selection.key_names]
    columns, nothing = ", ".join(map(database.quote, written)), ", ".join(["NULL"] * len(written))
    settings = ", ".join(f"{database.quote(name)} = NULL" for name in changed)
    for operation, right, sql, what, severity in (
        (ObjectModificationType.ADD, "INSERT", written and f"{table.insert} ({columns}) VALUES ({nothing})",
         "nobody can be created", Severity.ERROR),
        (ObjectModificationType.UPDATE, "UPDATE", changed and f"{table.update} SET {settings} WHERE 1 = 0",
         "nobody can be changed", Severity.ERROR),
        (ObjectModificationType.DELETE, "DELETE",
         f"DELETE FROM {table.source} WHERE 1 = 0",  # noqa: S608 -- names are quoted
         "nobody can be deleted", Severity.WARNING),
    ):  # fmt: skip
        if sql and operation in table.operations and database.forbids(sql):
            yield Finding(
                severity,
                table.name,
                f"the database account lacks the right {right}, or a right that goes with it: {what}",
                f"As the table's owner: GRANT {right} ON {table.source} TO the account.",
            )
