"""What ``ecmahost check`` says about a database server."""

from collections.abc import Callable, Iterator, Sequence

from ecmahost_core import Finding, Severity
from ecmahost_sql.catalog import Table
from ecmahost_sql.database import Row
from ecmahost_sql.odbc.catalog import Namespace
from ecmahost_sql.odbc.drivers import MARIADB, MYSQL, POSTGRESQL, Driver

Query = Callable[[str, Row], list[Row]]


def server_findings(
    driver: Driver, place: Namespace | None, table: Table, query: Query, *, writing: bool
) -> Sequence[Finding]:
    """Returns what keeps changes from being whole or durable, and what nobody has tested."""
    if driver in (MYSQL, MARIADB):
        return tuple(_mysql(place, table, query)) if writing else ()
    if driver is POSTGRESQL:
        return ()
    return (
        Finding(
            Severity.WARNING,
            driver.name,
            "this connector was never tested against this kind of database",
            "Rehearse it with a copy of the database first: ecmahost rehearse.",
        ),
    )


def _mysql(place: Namespace | None, table: Table, query: Query) -> Iterator[Finding]:
    sql = "SELECT engine FROM information_schema.tables WHERE table_schema = ? AND table_name = ?"
    engine = str(query(sql, (place.catalog, place.name))[0][0]) if place is not None and not table.view else "InnoDB"
    if engine.lower() not in {"innodb", "none"}:
        yield Finding(
            Severity.ERROR,
            table.name,
            f"the table's engine {engine} has no transactions: a change that fails half-way stays half done",
            f"Convert the table: ALTER TABLE {table.name} ENGINE = InnoDB.",
        )
    yield from _characters(place, table, query)
    ((flush,),) = query("SELECT @@GLOBAL.innodb_flush_log_at_trx_commit", ())
    if str(flush) != "1":
        yield Finding(
            Severity.WARNING,
            "innodb_flush_log_at_trx_commit",
            "the server reports changes before they are on its disk: a power failure loses the last ones",
            "Set innodb_flush_log_at_trx_commit = 1 on the server.",
        )
    charset = str(query("SELECT @@SESSION.character_set_client", ())[0][0])
    if charset != "utf8mb4":
        yield Finding(
            Severity.ERROR,
            "character set",
            f"the connection uses {charset}: characters that it does not know cannot be written or matched",
            "Add CHARSET=utf8mb4 to the data source.",
        )


def _characters(place: Namespace | None, table: Table, query: Query) -> Iterator[Finding]:
    """Columns that cannot hold every name: a server that nobody has told otherwise makes them so."""
    if place is None:
        return
    sql = (
        "SELECT column_name, character_set_name FROM information_schema.columns"
        " WHERE table_schema = ? AND table_name = ?"
        " AND character_set_name NOT LIKE 'ut%' AND character_set_name <> 'ucs2' ORDER BY ordinal_position"
    )
    found = [(str(name), str(charset)) for name, charset in query(sql, (place.catalog, place.name))]
    if found:
        names, charsets = ", ".join(name for name, _ in found), ", ".join(sorted({charset for _, charset in found}))
        yield Finding(
            Severity.INFO,
            table.name,
            f"these columns hold the characters of {charsets} only, and anybody with others is refused: {names}",
            f"ALTER TABLE {table.name} CONVERT TO CHARACTER SET utf8mb4; or rehearse with --characters.",
        )
