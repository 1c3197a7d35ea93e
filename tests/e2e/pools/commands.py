"""`aiclient` as a process of its own, beside a proxy that runs."""

import os
import subprocess
import sys
from pathlib import Path

from tests.e2e.proxy import ROOT


def aiclient(home: Path, config: Path | None, *words: str) -> subprocess.CompletedProcess[str]:
    """home: the folder that the proxy was started in."""
    keys = {name: value for name, value in os.environ.items() if name.startswith("POOL_")}
    environment = {**keys, "PATH": os.environ["PATH"], "HOME": str(home), "PYTHONPATH": str(ROOT)}
    environment |= {"AICLIENT_HOME": str(home / "aiclient")} | ({"AICLIENT_CONFIG": str(config)} if config else {})
    command = [sys.executable, "-P", "-m", "addons", *words]
    return subprocess.run(command, env=environment, cwd=home, capture_output=True, text=True, timeout=30)
