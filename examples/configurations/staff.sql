-- The table of staff.toml, in SQLite: sqlite3 staff.db < staff.sql
CREATE TABLE Staff (
    Number      INTEGER PRIMARY KEY AUTOINCREMENT,
    Login       VARCHAR(128) NOT NULL UNIQUE COLLATE NOCASE,
    EntraId     VARCHAR(36),
    FullName    VARCHAR(200),
    FirstName   VARCHAR(100),
    LastName    VARCHAR(100),
    Mail        VARCHAR(200),
    Department  VARCHAR(100),
    Country     VARCHAR(2),
    Active      BOOLEAN NOT NULL DEFAULT 1
);
