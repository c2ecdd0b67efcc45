"""The form in which an attribute is brought by imports, as the space notes it beside the attribute's name."""

from ecmahost_core.ecma.schema import AttributeType, SchemaAttribute

_SEVERAL = ", several"


def form_of(attribute: SchemaAttribute) -> str:
    """Returns the form of an attribute: its type, and whether it has several values."""
    return f"{attribute.type.value}{_SEVERAL if attribute.multi_valued else ''}"


def of_form(name: str, form: str) -> SchemaAttribute | None:
    """Returns an attribute of this form, of which nothing else is known; None for a form that is no attribute's."""
    kind = form.removesuffix(_SEVERAL)
    if kind not in {one.value for one in AttributeType}:
        return None
    return SchemaAttribute(name, AttributeType(kind), multi_valued=kind != form)
