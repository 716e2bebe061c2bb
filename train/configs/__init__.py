"""Training configurations, one TOML file per problem."""
