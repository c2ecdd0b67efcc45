from pathlib import Path

import pytest
from ecmahost_entra.apps import App, WrongChoice, choose_app, null_names, unmapped_values
from ecmahost_entra.paths import parse_path

from ecmahost_core.configuration.model import ConnectorConfiguration, Properties


def configuration(**mapping: str) -> ConnectorConfiguration:
    properties = Properties("hr", "00000000-0000-0000-0000-000000000000", "sql")
    return ConnectorConfiguration(Path("hr.toml"), properties, schema_mapping={"User": mapping} if mapping else {})


def test_the_application_that_fits_is_played_unless_another_that_fits_is_wanted() -> None:
    mapped, unmapped = configuration(userName="Login"), configuration()
    assert choose_app(mapped, None) is App.SCIM
    assert choose_app(mapped, App.NONGALLERY) is App.NONGALLERY
    assert choose_app(unmapped, None) is App.ECMA


@pytest.mark.parametrize("app", [App.SCIM, App.NONGALLERY])
def test_a_core_application_is_refused_without_a_schema_mapping(app: App) -> None:
    with pytest.raises(WrongChoice, match=r"has no \[schema_mapping.User\].* rehearse it with --app ecma$"):
        choose_app(configuration(), app)


def test_the_ecma_app_is_refused_with_a_schema_mapping() -> None:
    with pytest.raises(WrongChoice, match=r"rehearse it with --app scim or --app nongallery$"):
        choose_app(configuration(userName="Login"), App.ECMA)


def test_the_non_gallery_app_sends_what_its_default_mapping_has_and_the_connector_does_not() -> None:
    mapped = [parse_path("title"), parse_path("addresses.country"), parse_path("phoneNumbers")]
    texts = [path.text for path, _ in unmapped_values(App.NONGALLERY, mapped)]
    assert "preferredLanguage" in texts
    assert "title" not in texts
    assert not [text for text in texts if text.startswith("phoneNumbers")]
    assert unmapped_values(App.SCIM, mapped) == unmapped_values(App.ECMA, mapped) == []


def test_nulls_are_the_on_premises_scim_apps() -> None:
    assert "manager" in null_names(App.SCIM)
    assert null_names(App.ECMA) == null_names(App.NONGALLERY) == ()
