"""The larger figures of the notebooks, one module a notebook: a cell computes the numbers, a function draws them."""
