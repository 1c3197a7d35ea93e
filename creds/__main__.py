"""`python -m creds`: logins without a proxy."""

import sys

from creds.commands import main

sys.exit(main())
