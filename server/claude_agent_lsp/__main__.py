"""`python -m claude_agent_lsp` is `claude-agent-lsp`."""

import sys

from claude_agent_lsp.terminal.cli import main

sys.exit(main())
