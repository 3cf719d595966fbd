"""`python -m benchmarks [size …]`: the figures that we promise, measured."""

import sys

from benchmarks import sync_10k

sync_10k.main(sys.argv[1:])
