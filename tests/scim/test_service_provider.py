from ecmahost_core.scim import urns
from ecmahost_core.scim.service_provider import Abilities, service_provider_config

ABILITIES = Abilities(page_size=100, max_results=500, cursor_timeout=3600, max_operations=90, max_payload=4096)


def test_the_service_provider_config_has_every_part_of_rfc_7643_section_5_and_rfc_9865() -> None:
    config = service_provider_config("https://host/scim/", ABILITIES)
    assert config["schemas"] == [urns.SERVICE_PROVIDER_CONFIG]
    assert config["patch"] == config["sort"] == config["etag"] == {"supported": True}
    assert config["bulk"] == {"supported": True, "maxOperations": 90, "maxPayloadSize": 4096}
    assert config["filter"] == {"supported": True, "maxResults": 500}
    assert config["changePassword"] == {"supported": False}
    assert config["pagination"] == {
        "cursor": True,
        "index": True,
        "defaultPaginationMethod": "index",
        "defaultPageSize": 100,
        "maxPageSize": 500,
        "cursorTimeout": 3600,
    }
    assert [scheme["type"] for scheme in config["authenticationSchemes"]] == ["oauthbearertoken"]
    assert config["meta"] == {
        "resourceType": "ServiceProviderConfig",
        "location": "https://host/scim/ServiceProviderConfig",
    }
    assert "documentationUri" not in config


def test_the_service_provider_config_names_the_documentation_where_there_is_some() -> None:
    config = service_provider_config("https://host", ABILITIES, documentation_uri="https://docs.example")
    assert config["documentationUri"] == "https://docs.example"
