"""Notes on where the numbers of this problem come from; see SOURCES.md."""
