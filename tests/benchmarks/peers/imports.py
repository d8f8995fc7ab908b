"""What two workers can't do without: `import tensorflow`, in two processes at once."""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    command = [sys.executable, "-c", "import tensorflow"]
    processes = [subprocess.Popen(command) for _ in range(2)]
    sys.exit(max(process.wait() for process in processes))
