"""`python -m addons` is `aiclient`."""

import sys

from addons.cli import main

if __name__ == "__main__":
    sys.exit(main())
