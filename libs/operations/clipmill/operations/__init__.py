"""What every service needs to run: settings, logs, metrics, health, child processes, model weights."""
