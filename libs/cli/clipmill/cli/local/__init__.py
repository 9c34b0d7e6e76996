"""All of clipmill on this machine: NATS, the services, their folder, ports and logs."""
