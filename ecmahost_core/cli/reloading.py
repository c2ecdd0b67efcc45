"""How a host that runs is told that a file has changed."""

from ecmahost_core.configuration.home import Home
from ecmahost_core.serving.running import serving_pid


def how_to_reload(home: Home) -> str:
    """Returns a sentence for whoever has just changed a connector's file."""
    pid = serving_pid(home.runtime)
    if pid is None:
        return "No host serves this home here and now; the next 'ecmahost serve' takes it."
    return f"The host that runs takes it after: kill -HUP {pid or '<pid of ecmahost serve>'}"
