"""Published facts about single-machine tardiness; sources in SOURCES.md."""
