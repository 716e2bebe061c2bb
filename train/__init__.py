"""What makes agents: training runs and their configurations."""
