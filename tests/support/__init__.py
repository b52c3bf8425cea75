"""What tests, vectors and benchmarks share."""
