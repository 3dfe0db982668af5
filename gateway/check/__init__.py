"""A look at every device of a node: what it reads and how good that is, or which wire is wrong."""
