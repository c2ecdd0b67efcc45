"""What the command's exit codes mean; the help of ``ecmahost`` lists them."""

from typing import Final

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CONFIGURATION: Final = 3
INTERNAL: Final = 70
"""EX_SOFTWARE of sysexits.h."""
