"""Settings, command line, processes and telemetry: the only place that reads the environment."""
