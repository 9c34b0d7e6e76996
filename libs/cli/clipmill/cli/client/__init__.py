"""The HTTP client of a clipmill server."""
