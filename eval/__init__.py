"""What measures agents: instance sets, the benchmark, tables, pictures, speed, and the command line."""
