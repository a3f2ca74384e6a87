"""Measure a whole device: `python snippets/gpu_benchmark.py --out FILE`, and compare two records: `--compare A B`."""

import sys

from bench.run import main

if __name__ == "__main__":
    sys.exit(main())
