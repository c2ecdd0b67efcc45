"""Whose home it is: what root makes in somebody else's home, that somebody cannot open again."""

import os
import pwd

from ecmahost_core.configuration.home import Home
from ecmahost_core.errors import EcmahostError


class WrongAccount(EcmahostError):
    """Root is about to write into a home that another account's host uses."""


def require_account(home: Home) -> None:
    """Raises WrongAccount where root would leave files behind that the home's own account cannot open."""
    account = other_account(home)
    if account is not None:
        raise WrongAccount(
            f"the home {home.path} is used by the account {account}, which could not open what root makes in it; run "
            f"this as that account: sudo -u {account} ecmahost --home {home.path} ... (or give root the whole home: "
            f"chown -R root {home.path})"
        )


def other_account(home: Home) -> str | None:
    """Returns the account whose host uses this home where this process is root and that is another one."""
    if os.geteuid() != 0:
        return None
    for path in (home.store, home.path):
        try:
            owner = path.stat().st_uid
        except OSError:
            continue
        return _name(owner) if owner != 0 else None
    return None


def _name(account: int) -> str:
    try:
        return pwd.getpwuid(account).pw_name
    except KeyError:
        return f"#{account}"  # as sudo takes it
