"""`python -m mundap`."""

import sys

from mundap.cli import main

sys.exit(main())
