"""cowrie, as its own service of twistd. It refuses to be root, as whom CI runs: for this process nobody is.

The name of this file must not be that of the package.
"""

import os
import sys

os.getuid = lambda: 1000

from twisted.scripts.twistd import run  # noqa: E402

sys.argv = ["twistd", "--nodaemon", "--pidfile=", "cowrie"]
run()
