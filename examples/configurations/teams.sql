-- The tables of teams.toml, on PostgreSQL.
CREATE TABLE "Users" (
    "Id"         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Login"      varchar(128) NOT NULL UNIQUE,
    "FullName"   varchar(200),
    "ManagerId"  bigint REFERENCES "Users" ON DELETE SET NULL,
    "Active"     boolean NOT NULL DEFAULT true
);
CREATE TABLE "Groups" (
    "Id"         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    "Name"       varchar(200) NOT NULL UNIQUE,
    "EntraId"    varchar(36)
);
CREATE TABLE "GroupMembers" (
    "GroupId"    bigint NOT NULL REFERENCES "Groups",
    "UserId"     bigint NOT NULL REFERENCES "Users",
    PRIMARY KEY ("GroupId", "UserId")               -- finds one member among many
);
CREATE INDEX ON "GroupMembers" ("UserId");          -- finds the groups of somebody who leaves
CREATE TABLE "UserPhones" (
    "UserId"     bigint NOT NULL REFERENCES "Users",
    "Number"     varchar(40) NOT NULL,
    PRIMARY KEY ("UserId", "Number")
);
GRANT SELECT, INSERT, UPDATE, DELETE ON "Users", "Groups", "GroupMembers", "UserPhones" TO provisioning;
