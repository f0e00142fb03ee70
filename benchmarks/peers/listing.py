"""The SDK's list of the sessions of the folder that each line names: the seconds come back."""

import sys
import time

from claude_agent_sdk import list_sessions

if __name__ == "__main__":
    for line in sys.stdin:
        began = time.monotonic()
        count = len(list_sessions(line.rstrip("\n"), limit=50))
        print(time.monotonic() - began, count, flush=True)
