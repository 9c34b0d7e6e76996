"""`python -m clipmill.contracts` prints the JSON Schema of every message, document and the public status."""

import sys

import msgspec
from clipmill.contracts.codec import json_schema

if __name__ == "__main__":
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(json_schema())).decode() + "\n")
