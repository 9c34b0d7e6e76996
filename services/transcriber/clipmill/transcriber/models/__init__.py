"""Model weights, and the processes and devices that hold them."""
