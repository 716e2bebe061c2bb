"""Published facts about job shops; sources in SOURCES.md."""
