-- The table of hr.toml, on PostgreSQL.
CREATE TABLE "Employees" (
    "EmployeeId"  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Login"       varchar(128) NOT NULL UNIQUE,
    "FirstName"   varchar(50),
    "LastName"    varchar(50) NOT NULL,
    "Email"       varchar(128),
    "HireDate"    date,
    "Notes"       text,
    "IsActive"    boolean NOT NULL DEFAULT true
);
GRANT SELECT, INSERT, UPDATE, DELETE ON "Employees" TO hr;
