"""Scripts that time other packages' environments, each run by the Python of a virtual environment of its own."""
