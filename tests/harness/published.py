"""published.toml as text."""
import json


def toml_value(value):
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value)


def group_toml(name):
    return f'[[group]]\nname = "{name}"\n'


def application_toml(name, external_url, internal_url, group, **keys):
    """One application; keys are those of published.toml."""
    values = {"name": name, "external_url": external_url, "internal_url": internal_url, "group": group, **keys}
    return "[[application]]\n" + "".join(f"{key} = {toml_value(value)}\n" for key, value in values.items())
