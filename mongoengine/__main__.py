"""Run the command line of the library: `python -m mongoengine --help`."""

import sys

from mongoengine.cli import main

sys.exit(main())
