"""What an attribute is about, guessed from its name, so that a made-up value looks like one."""

from collections.abc import Mapping
from types import MappingProxyType

from ecmahost_entra.paths import ScimPath

UNIQUE_KINDS = frozenset({"username", "externalid", "emails.value", "employeenumber"})
"""What no two people share, whatever the target says."""

_SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        synonym: kind
        for kind, synonyms in {
            "username": ("login", "loginname", "logon", "userid", "uid", "account", "accountname", "samaccountname"),
            "externalid": ("externalkey", "azureobjectid", "mailnickname"),
            "emails.value": ("emails", "email", "mail", "emailaddress", "userprincipalname", "upn"),
            "employeenumber": ("employeeid", "employeeno", "personnelnumber", "staffnumber", "badge"),
            "name.givenname": ("givenname", "firstname", "forename", "fname"),
            "name.familyname": ("familyname", "lastname", "surname", "sn", "lname"),
            "name.middlename": ("middlename",),
            "name.formatted": ("fullname", "cn", "commonname"),
            "title": ("jobtitle",),
            "department": ("departmentname", "dept"),
            "organization": ("company", "companyname", "organisation"),
            "addresses.streetaddress": ("streetaddress", "street"),
            "addresses.locality": ("city", "locality", "town"),
            "addresses.region": ("region", "state", "province"),
            "addresses.postalcode": ("postalcode", "zip", "zipcode", "postcode"),
            "addresses.country": ("country", "countrycode"),
            "phonenumbers.value": ("phonenumbers", "phone", "telephone", "telephonenumber", "mobile", "fax"),
        }.items()
        for synonym in synonyms
    }
)


def kind_of(path: ScimPath) -> str:
    """Returns a SCIM attribute, folded, such as ``name.givenname`` or ``emails.value``; the bare name when unknown."""
    name = path.attribute.casefold()
    if path.sub or path.selector is not None:
        return f"{name}.{(path.sub or 'value').casefold()}"
    plain = "".join(each for each in name if each.isalnum())
    return _SYNONYMS.get(plain, plain)
