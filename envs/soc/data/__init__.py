"""Published platforms and applications; see SOURCES.md."""
