"""From a source to upright pictures and samples: what is read, decoded and converted, and when it is shown."""
