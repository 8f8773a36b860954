"""Benchmarks: ratios with the size of the work, and whether the fast answer is the right one. No run of the product uses it."""
