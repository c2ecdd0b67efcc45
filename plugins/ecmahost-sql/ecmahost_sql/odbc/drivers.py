"""What drivers and their databases do differently: one row each, and nothing about them elsewhere but in ``errors``.

PostgreSQL and MariaDB are tested against real servers. The other rows are written from their manuals and are not.
"""

from dataclasses import dataclass, replace

SECONDS, MILLISECONDS = 1, 1000


@dataclass(frozen=True, slots=True)
class Driver:
    """How to speak to one kind of database.

    Attributes:
        name: as messages and documents call it.
        options: connection keywords that must have these values; ``{seconds}`` is how long to listen for an answer of
            a server that may be gone, longer than any statement may take, ``{login}`` how long to wait for the login.
        lost: the same, for those of which the data source may say something else.
        opening: statements that a new connection runs; ``{timeout}`` is the command timeout, in ``unit``, and
            ``{limit}`` a little more: a statement that waits for a lock gives up waiting first.
        reading: statements that keep a connection from writing.
        writing: statements that undo those: with ``Pooling`` in odbcinst.ini, a new connection may be a used one.
        waiting: the statement that sets how long to wait for locks, ``{timeout}`` in ``unit``; empty without.
        unit: parts of a second that a timeout counts.
        least_wait: what to wait at least, in ``unit``: where 0 means for ever, the next best.
        isolation: the transaction isolation level, by its name in pyodbc; empty leaves the server's.
        returning: an INSERT can return what the database made of the row.
        last_key: a SELECT of the key that the database gave to this connection's last new row; empty without.
        empty_insert: what follows the table in an INSERT that names no column.
        rows_at_once: how many rows an INSERT ... VALUES takes.
        counts_matches: an UPDATE counts the rows that it found, also those that were so already.
        notes_are_errors: a statement that succeeds "with information" and without a result has failed.
        keeps_prepared: statements can stay prepared over transactions, and hold nothing meanwhile.
        locked: what ends a SELECT so that its rows cannot be changed by others; empty without.
        row_values: rows can be compared as ``(a, b) > (?, ?)``, and an index helps.
        limit_before, limit_after: what limits a SELECT, behind its first word and at its end.
        text: an expression for any value as the text that the database prints; ``{0}`` is the column.
        approximate: the same for a number with a floating point, where that differs.
        truth: an expression for a boolean as 0 or 1; ``{0}`` is the column.
        schema: a SELECT of the schema that names without one lead to; empty where a database has no schemas.
        database: a SELECT of the database that the connection is in, NULL where names lead nowhere; empty asks ODBC.
        inner: schemas that belong to the database itself.
        columns: a SELECT of a table's columns, with the parameters schema and table: name, type as declared, default or
            NULL, whether it is made by a sequence or the like, whether it is computed; empty asks ODBC alone.
        key: a SELECT of the columns of a table's primary key, in its order; empty asks ODBC.
        unique: a SELECT of a table's unique indexes that hold for all rows: index, column; empty asks ODBC.
        writable: a SELECT of what can be done to a view's rows: insert, update, delete; empty when nothing can be said.
        explain: what stands before a statement to see its plan; empty without.
        plain_plan: statements before and after it, so that the plan tells what indexes allow and not what a small table
            costs.
        scan_words, sort_words: what a plan says when all rows are read, or sorted.
    """

    name: str
    options: str = ""
    lost: str = ""
    opening: tuple[str, ...] = ()
    reading: tuple[str, ...] = ()
    writing: tuple[str, ...] = ()
    waiting: str = ""
    unit: int = SECONDS
    least_wait: int = 0
    isolation: str = "SQL_TXN_READ_COMMITTED"
    returning: bool = False
    last_key: str = ""
    empty_insert: str = "DEFAULT VALUES"
    rows_at_once: int = 1
    counts_matches: bool = True
    notes_are_errors: bool = False
    keeps_prepared: bool = False
    locked: str = ""
    row_values: bool = False
    limit_before: str = ""
    limit_after: str = " FETCH FIRST {rows} ROWS ONLY"
    text: str = "{0}"
    approximate: str = ""
    truth: str = "{0}"
    schema: str = ""
    database: str = ""
    inner: frozenset[str] = frozenset()
    columns: str = ""
    key: str = ""
    unique: str = ""
    writable: str = ""
    explain: str = ""
    plain_plan: tuple[str, str] = ("", "")
    scan_words: tuple[str, ...] = ()
    sort_words: tuple[str, ...] = ()


POSTGRESQL = Driver(
    "PostgreSQL",
    # A statement that fails makes the whole transaction fail, which is undone anyway; the default sets a savepoint
    # before each statement. The others would change line ends in values, or names, or write values into statements.
    options="Protocol=7.4-1;LFConversion=0;LowerCaseIdentifier=0;UseServerSidePrepare=1;",
    # A server that lost its power answers nothing; without these, the kernel waits for a quarter of an hour or more.
    lost="pqopt={{keepalives_idle=15 keepalives_interval=5 keepalives_count=3 tcp_user_timeout={seconds}000}}",
    opening=(
        "SET statement_timeout = {limit}",
        "SET lock_timeout = {timeout}",
        "SET idle_in_transaction_session_timeout = {limit}",
        "SET datestyle = 'ISO, YMD'",
        "SET extra_float_digits = 1",
        "SET bytea_output = 'hex'",
        "SET standard_conforming_strings = on",
        # A commit is on the disk when it is reported. Stronger settings stay.
        "SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'",
    ),
    reading=("SET default_transaction_read_only = on",),
    writing=("RESET default_transaction_read_only",),
    waiting="SET lock_timeout = {timeout}",
    unit=MILLISECONDS,
    least_wait=1,
    returning=True,
    rows_at_once=400,
    keeps_prepared=True,
    locked=" FOR UPDATE",
    row_values=True,
    limit_after=" LIMIT {rows}",
    text="CAST({0} AS text)",
    # psqlODBC gives booleans as the text "1" unless BoolsAsChar=0 is set, which a data source may say or not.
    truth="CAST({0} AS int)",
    schema="SELECT current_schema()",
    inner=frozenset({"pg_catalog", "information_schema", "pg_toast"}),
    columns="""
        SELECT a.attname,
            CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod)
                ELSE format_type(a.atttypid, a.atttypmod) END,
            pg_get_expr(d.adbin, d.adrelid),
            CASE WHEN a.attidentity <> '' THEN 1 ELSE 0 END,
            CASE WHEN a.attgenerated <> '' OR a.attidentity = 'a' THEN 1 ELSE 0 END
        FROM pg_attribute a
            JOIN pg_class c ON c.oid = a.attrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_type t ON t.oid = a.atttypid
            LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
        WHERE n.nspname = ? AND c.relname = ? AND a.attnum > 0 AND NOT a.attisdropped
        ORDER BY a.attnum
    """,
    unique="""
        SELECT i.relname, a.attname
        FROM pg_index x
            JOIN pg_class i ON i.oid = x.indexrelid
            JOIN pg_class c ON c.oid = x.indrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (x.indkey[0:x.indnkeyatts - 1])
        WHERE n.nspname = ? AND c.relname = ? AND x.indisunique AND x.indisvalid
            AND x.indpred IS NULL AND x.indexprs IS NULL
    """,
    writable="""
        SELECT pg_relation_is_updatable(c.oid, true) & 8,
            pg_relation_is_updatable(c.oid, true) & 4,
            pg_relation_is_updatable(c.oid, true) & 16
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?
    """,
    explain="EXPLAIN ",
    plain_plan=(
        "SELECT set_config('enable_seqscan', 'off', false), set_config('enable_sort', 'off', false)",
        "SELECT set_config('enable_seqscan', 'on', false), set_config('enable_sort', 'on', false)",
    ),
    scan_words=("Seq Scan",),
    sort_words=("Sort Key",),
)

MYSQL = Driver(
    "MySQL",
    # A connection that is made anew in the middle of a transaction would lose half of it.
    options="AUTO_RECONNECT=0;CHARSET=utf8mb4;",
    opening=(
        # Values that do not fit are refused, not cut, and a key of 0 is no request for a new one. The server's own mode
        # does not count: it may turn empty text into NULL, or pad what is read.
        "SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO'",
        "SET SESSION time_zone = '+00:00'",
        "SET SESSION innodb_lock_wait_timeout = {timeout}",
        "SET SESSION foreign_key_checks = 1",
        "SET SESSION unique_checks = 1",
    ),
    reading=("SET SESSION TRANSACTION READ ONLY",),
    writing=("SET SESSION TRANSACTION READ WRITE",),
    waiting="SET SESSION innodb_lock_wait_timeout = {timeout}",
    least_wait=1,
    # READ COMMITTED is refused by servers that log statements.
    isolation="SQL_TXN_REPEATABLE_READ",
    last_key="SELECT LAST_INSERT_ID()",
    empty_insert="() VALUES ()",
    rows_at_once=400,
    counts_matches=False,
    # Errors of the server's whose SQLSTATE is 01000, such as a value that an ENUM does not have, arrive as a success.
    notes_are_errors=True,
    locked=" FOR UPDATE",
    limit_after=" LIMIT {rows}",
    # Zero dates (0000-00-00) and microseconds do not survive the driver's own conversion.
    text="CAST({0} AS CHAR)",
    truth="{0} + 0",
    database="SELECT DATABASE()",
    inner=frozenset({"information_schema", "performance_schema", "mysql", "sys"}),
    columns="""
        SELECT column_name,
            CASE WHEN data_type IN ('datetime', 'timestamp', 'time')
                THEN CONCAT(data_type, '(', datetime_precision, ')')
                WHEN data_type = 'float' THEN 'real' ELSE column_type END,
            CASE WHEN column_default = 'NULL' THEN NULL ELSE column_default END,
            CASE WHEN extra LIKE '%auto_increment%' THEN 1 ELSE 0 END,
            CASE WHEN extra LIKE '%VIRTUAL GENERATED%' OR extra LIKE '%STORED GENERATED%' THEN 1 ELSE 0 END
        FROM information_schema.columns WHERE table_schema = ? AND table_name = ?
            -- No value of these is text or becomes text by a CAST.
            AND data_type NOT IN ('geometry', 'point', 'linestring', 'polygon', 'multipoint', 'multilinestring',
                'multipolygon', 'geometrycollection', 'geomcollection', 'vector')
        ORDER BY ordinal_position
    """,
    # The driver numbers the columns of a key as they follow each other in the table.
    key="""
        SELECT column_name FROM information_schema.statistics
        WHERE table_schema = ? AND table_name = ? AND index_name = 'PRIMARY' ORDER BY seq_in_index
    """,
    unique="""
        SELECT index_name, column_name FROM (
            SELECT index_name, column_name, count(sub_part) OVER (PARTITION BY index_name) AS parts
            FROM information_schema.statistics WHERE table_schema = ? AND table_name = ? AND non_unique = 0
        ) whole WHERE parts = 0
    """,
    writable="""
        SELECT CASE is_updatable WHEN 'YES' THEN 1 ELSE 0 END, CASE is_updatable WHEN 'YES' THEN 1 ELSE 0 END,
            CASE is_updatable WHEN 'YES' THEN 1 ELSE 0 END
        FROM information_schema.views WHERE table_schema = ? AND table_name = ?
    """,
    explain="EXPLAIN ",
    scan_words=("ALL", "index"),
    sort_words=("Using filesort",),
)

MARIADB = replace(
    MYSQL,
    name="MariaDB",
    options=MYSQL.options + "CONN_TIMEOUT={login};READ_TIMEOUT={seconds};",
    opening=(*MYSQL.opening, "SET SESSION max_statement_time = {limit}"),
    least_wait=0,
    returning=True,
    keeps_prepared=True,
    last_key="",
)

SQL_SERVER = Driver(
    "SQL Server",
    # Without NOCOUNT, what a trigger counts stands before its error, which nobody would read.
    opening=("SET NOCOUNT ON", "SET LOCK_TIMEOUT {timeout}", "SET XACT_ABORT ON"),
    counts_matches=False,
    waiting="SET LOCK_TIMEOUT {timeout}",
    unit=MILLISECONDS,
    last_key="SELECT CAST(@@IDENTITY AS bigint)",
    rows_at_once=400,
    limit_before="TOP ({rows}) ",
    limit_after="",
    text="CONVERT(nvarchar(max), {0}, 121)",
    approximate="CONVERT(nvarchar(max), {0}, 3)",
    schema="SELECT SCHEMA_NAME()",
    inner=frozenset({"sys", "INFORMATION_SCHEMA"}),
    columns="""
        SELECT c.name, CASE WHEN t.name IN ('nvarchar', 'nchar') AND c.max_length > 0
                THEN CONCAT(t.name, '(', c.max_length / 2, ')')
            WHEN t.name IN ('varchar', 'char') AND c.max_length > 0 THEN CONCAT(t.name, '(', c.max_length, ')')
            WHEN t.name IN ('decimal', 'numeric') THEN CONCAT(t.name, '(', c.precision, ',', c.scale, ')')
            WHEN t.name IN ('datetime2', 'datetimeoffset', 'time') THEN CONCAT(t.name, '(', c.scale, ')')
            WHEN t.name = 'datetime' THEN 'datetime(2)'
            ELSE t.name END,
            OBJECT_DEFINITION(c.default_object_id), c.is_identity,
            CASE WHEN c.is_computed = 1 OR c.is_identity = 1 OR t.name IN ('timestamp', 'rowversion') THEN 1 ELSE 0 END
        FROM sys.columns c JOIN sys.types t ON t.user_type_id = c.user_type_id
        WHERE c.object_id = OBJECT_ID(QUOTENAME(?) + '.' + QUOTENAME(?)) ORDER BY c.column_id
    """,
)

ORACLE = Driver("Oracle", schema="SELECT SYS_CONTEXT('USERENV', 'CURRENT_SCHEMA') FROM DUAL", inner=frozenset({"SYS"}))
DB2 = Driver("DB2", schema="VALUES CURRENT SCHEMA", inner=frozenset({"SYSIBM", "SYSCAT", "SYSSTAT"}))
UNKNOWN = Driver("ODBC")

_BY_PRODUCT = (
    ("postgresql", POSTGRESQL),
    ("mariadb", MARIADB),
    ("mysql", MYSQL),
    ("microsoft sql server", SQL_SERVER),
    ("oracle", ORACLE),
    ("db2", DB2),
)
_BY_DRIVER = (*_BY_PRODUCT[:3], ("psqlodbc", POSTGRESQL), ("libmaodbc", MARIADB), ("libmyodbc", MYSQL))


def by_product(dbms: str) -> Driver:
    """Returns the row for what a connection says its database is (SQLGetInfo SQL_DBMS_NAME)."""
    return next((driver for word, driver in _BY_PRODUCT if word in dbms.lower()), UNKNOWN)


def by_driver(name: str) -> Driver:
    """Returns the row for a driver's name or file; a guess that only decides which keywords it is given."""
    return next((driver for word, driver in _BY_DRIVER if word in name.lower()), UNKNOWN)
