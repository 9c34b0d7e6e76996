"""The means to run a service: settings, logs, metrics, health, child processes, model weights."""
