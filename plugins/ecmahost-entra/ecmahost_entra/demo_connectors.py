"""The connectors of a demo: CSV files and a database under SCIM's names, and the database as the ECMA app wants it."""

import uuid
from collections.abc import Mapping

CONNECTORS = ("hrcsv", "hrsql", "hrecma")

_MAPPING = """
# SCIM attribute = column. Entra's "On-premises SCIM app" and non-gallery applications speak such names.
[schema_mapping.User]
userName = "UserName"
externalId = "ExternalId"
displayName = "DisplayName"
"name.givenName" = "GivenName"
"name.familyName" = "FamilyName"
title = "Title"
'emails[type eq "work"].value' = "Email"
'phoneNumbers[type eq "work"].value' = "Phone"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department" = "Department"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:employeeNumber" = "EmployeeNumber"
"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager" = "ManagerId"

[schema_mapping.Group]
displayName = "Name"
members = "Members"
"""

_FLOWS = """
# What it means that a person is disabled or deleted in Entra.
[deprovisioning.User]
disable = { set = "IsActive" } # receives false, and true again when the person comes back
delete = "delete"
"""

_GROUP_FLOW = """
[deprovisioning.Group]
delete = "delete"
"""

_CSV_CONNECTOR = """\
# The people of people.csv and the groups of groups.csv, as a SCIM service.

[properties]
instance = "{instance}" # made once; never change it
type = "csv"
autosync_minutes = 120 # how often the file is read anew

[connectivity]
file = "people.csv"
groups_file = "groups.csv"
memberships_file = "members.csv" # a row for each member of a group

[run_profiles]
full_import = { page_size = 1000 }

[object_types.User]
target = "User"
anchor = ["UserName"] # a CSV file makes no keys, so the name identifies the row
query_attributes = ["UserName"] # what Entra matches on; no two people may share it
attributes.ManagerId = { type = "Reference" } # the UserName of the manager

[object_types.Group]
target = "Group"
anchor = ["Name"]
query_attributes = ["Name"]
"""

_SQL_CONNECTOR = """\
# The tables Employees and Teams of people.db, as a SCIM service.

[properties]
instance = "{instance}" # made once; ids derive from it, so never change it
type = "sql"
autosync_minutes = 120 # how often the table is read anew

[connectivity]
url = "sqlite:///people.db"
# Who is in which team is in a table of its own.
value_tables = "Teams.Members = TeamMembers(TeamId, EmployeeId) references Employees"

[run_profiles]
full_import = { page_size = 1000 }

[object_types.User]
target = "Employees"
anchor = ["EmployeeId"] # the database makes it
anchor_immutable = true
query_attributes = ["UserName"] # what Entra matches on; no two people may share it
attributes.ManagerId = { type = "Reference", references = "Employees" }

[object_types.Group]
target = "Teams"
anchor = ["TeamId"]
anchor_immutable = true
query_attributes = ["Name"]
"""

_ECMA_CONNECTOR = """\
# The table Employees of people.db once more, as Entra's "On-premises ECMA app" wants it.
#
# There is no [schema_mapping] here, so every column goes by its own name:
# urn:ietf:params:scim:schemas:extension:ECMA2Host:2.0:User:UserName and so on. That app knows users only, no groups.

[properties]
instance = "{instance}" # made once; ids derive from it, so never change it
type = "sql"
autosync_minutes = 120 # how often the table is read anew

[connectivity]
url = "sqlite:///people.db"

[run_profiles]
full_import = { page_size = 1000 }

[object_types.User]
target = "Employees"
anchor = ["EmployeeId"] # the database makes it
anchor_immutable = true
query_attributes = ["UserName"] # what Entra matches on; no two people may share it
"""


def connectors() -> Mapping[str, str]:
    """Returns the text of each connector's file by the connector's name, each with an instance of its own."""
    forms = {
        "hrcsv": _CSV_CONNECTOR + _MAPPING.replace('"Members"', '"members"') + _FLOWS + _GROUP_FLOW,
        "hrsql": _SQL_CONNECTOR + _MAPPING + _FLOWS + _GROUP_FLOW,
        "hrecma": _ECMA_CONNECTOR + _FLOWS,
    }
    return {name: text.replace("{instance}", str(uuid.uuid4())) for name, text in forms.items()}
