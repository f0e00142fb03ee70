"""Runs the behaviour that is named first, with the CLI's arguments after it."""

import sys

from tests.standins import behaviours
from tests.standins.cli import Cli

getattr(behaviours, sys.argv.pop(1))(Cli())
