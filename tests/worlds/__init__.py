"""The tests and the notebooks in many worlds of rounding, on one machine: `make worlds`, or python -m tests.worlds."""
