"""Run the command line of the library: `python -m mongoengine --help`."""

import sys

from mongoengine.cli import main

if __name__ == "__main__":
    sys.exit(main())
