"""Settings: environment variables CLIPMILL_*, declared once as a typed struct per service.

A renamed setting names its old variable, `Meta(extra={FORMERLY: "CLIPMILL_OLD_NAME"})`. The old variable is still read,
with a warning at start; the new one wins if both are set.
"""

import difflib
import math
import os
from collections.abc import Iterator, Mapping
from enum import Enum, StrEnum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, TypeVar, Union, get_args, get_origin, get_type_hints

import msgspec
from clipmill.operations.connections import ConnectionLimits
from clipmill.operations.credentials import without_credentials
from msgspec import Meta, Struct

T = TypeVar("T", bound=Struct)

PREFIX = "CLIPMILL_"

FORMERLY = "formerly"
"""Key in a field's `Meta.extra` under which the old name of its variable is stored."""

AT_LEAST = "at_least"
"""Key in a field's `Meta.extra`. It stores the name of another field, whose value this field must at least have."""

_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


class SettingsError(Exception):
    """A wrong value of a setting; the message names the variable, the value and the allowed values."""


class Secret:
    """A value that nobody may see: `repr`, `str` and serialisation hide it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value."""
        return self._value

    def __eq__(self, other: object) -> bool:
        """Return whether both hide the same value."""
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        """Return the hash of the value."""
        return hash(self._value)

    def __repr__(self) -> str:
        """Return three stars."""
        return "***"


_NAMES: dict[type, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "text",
    Path: "a path",
    Secret: "secret text",
}


class LogFormat(StrEnum):
    """The format of log lines."""

    AUTO = "auto"
    HUMAN = "human"
    JSON = "json"


class LogLevel(StrEnum):
    """The lowest level of log lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Setting(Struct, frozen=True, kw_only=True):
    """One setting, described for a person.

    Attributes:
        variable: Environment variable.
        type: Allowed values, in words.
        default: Default as one would write it, empty if there is none.
        doc: Purpose, with its unit.
        formerly: Old name of the variable, which is still read; empty if it has none.
    """

    variable: str
    type: str
    default: str
    doc: str
    formerly: str = ""


def data_directory() -> Path:
    """Return the default data directory: XDG_DATA_HOME/clipmill or ~/.local/share/clipmill."""
    home = os.environ.get("XDG_DATA_HOME", "")
    return (Path(home) if Path(home).is_absolute() else Path.home() / ".local" / "share") / "clipmill"


def default_models_dir() -> Path:
    """Return the directory of model weights: CLIPMILL_MODELS_DIR or `models` in the data directory."""
    named = os.environ.get(f"{PREFIX}MODELS_DIR", "").strip()
    return Path(named).expanduser() if named else data_directory() / "models"


def _default_store_url() -> str:
    return (data_directory() / "store").as_uri()


class CommonSettings(Struct, frozen=True, kw_only=True):
    """The settings that all services share: CLIPMILL_NATS_URL and so on."""

    nats_url: Annotated[str, Meta(description="Addresses of NATS servers, separated by commas.")] = (
        "nats://127.0.0.1:4222"
    )
    nats_replicas: Annotated[
        int, Meta(description="Number of copies that NATS keeps of each stream and bucket.", ge=1, le=5)
    ] = 1
    store_url: Annotated[
        str, Meta(description="Address of the artifact store: file:///directory, s3://bucket/prefix or memory://.")
    ] = msgspec.field(default_factory=_default_store_url)
    host: Annotated[str, Meta(description="Address to listen on; 0.0.0.0 listens on all addresses.")] = "127.0.0.1"
    log_format: Annotated[
        LogFormat, Meta(description="Format of log lines; auto is human on a terminal, otherwise json.")
    ] = LogFormat.AUTO
    log_level: Annotated[LogLevel, Meta(description="Lowest level of log lines that are written.")] = LogLevel.INFO
    models_dir: Annotated[Path, Meta(description="Directory of fetched model weights.")] = msgspec.field(
        default_factory=default_models_dir
    )
    secret_key: Annotated[
        Secret | None,
        Meta(description="Key that encrypts the API keys sent with jobs; give all services the same long random text."),
    ] = None
    job_retention: Annotated[
        float, Meta(description="Time for which a finished job and its clips are kept, in seconds.", ge=1)
    ] = 7 * 86400.0
    shutdown_seconds: Annotated[
        float, Meta(description="Grace for work under way when a service stops, in seconds.", ge=0)
    ] = 25.0


class ServiceSettings(Struct, frozen=True, kw_only=True):
    """The settings that every service has.

    Attributes:
        common: Settings that all services share.
        port: Port of health and metrics, and of the API where the service has one.
    """

    common: CommonSettings = msgspec.field(default_factory=CommonSettings)
    port: int = 0

    def check(self) -> None:
        """Raise SettingsError for what the types of the settings cannot check; services override this method."""

    def connection_limits(self) -> ConnectionLimits:
        """Return the limits of the port's connections; a service with settings for them overrides this method."""
        return ConnectionLimits()


def load_settings(kind: type[T], service: str, environ: Mapping[str, str]) -> T:
    """Return the settings of type `kind` from environment variables.

    An empty variable counts as unset, and a setting's old name is read if its present one is unset. A field of type
    `CommonSettings` is read from CLIPMILL_*, all others from CLIPMILL_<SERVICE>_* (from CLIPMILL_* if `service` is
    empty).

    Args:
        kind: Struct whose fields have defaults and a `Meta` description.
        service: Name of the service, such as `renderer`.
        environ: Environment variables, such as `os.environ`.

    Raises:
        SettingsError: if a variable has a wrong value; the message names the first one.
    """
    values: dict[str, object] = {}
    for name, annotation, variable in _fields(kind, service):
        if annotation is CommonSettings:
            values[name] = load_settings(CommonSettings, "", environ)
            continue
        for candidate in filter(None, (variable, _formerly(annotation))):
            if text := environ.get(candidate, "").strip():
                values[name] = _parse(candidate, annotation, text)
                break
    settings = kind(**values)
    _require_least(settings, service)
    return settings


def describe(kind: type[Struct], service: str) -> list[Setting]:
    """Return every setting of `kind` in order, the common ones in the place of their field."""
    defaults = kind()
    settings: list[Setting] = []
    for name, annotation, variable in _fields(kind, service):
        if annotation is CommonSettings:
            settings += describe(CommonSettings, "")
            continue
        default = _written(getattr(defaults, name))
        settings.append(
            Setting(
                variable=variable,
                type=_allowed(annotation) + _least(annotation, service),
                default=default,
                doc=_meta(annotation).description or "",
                formerly=_formerly(annotation),
            )
        )
    return settings


def current(settings: Struct, service: str) -> dict[str, str]:
    """Return the value in force of each variable, as one would write it; secrets and credentials are hidden."""
    values: dict[str, str] = {}
    for name, annotation, variable in _fields(type(settings), service):
        value = getattr(settings, name)
        if annotation is CommonSettings:
            values.update(current(value, ""))
        else:
            values[variable] = without_credentials(_written(value)) if isinstance(value, str) else _written(value)
    return values


def sources(kind: type[Struct], service: str, environ: Mapping[str, str]) -> dict[str, str]:
    """Return where each variable's value comes from: `default`, `environment`, or the old name that is set."""
    found: dict[str, str] = {}
    for setting in describe(kind, service):
        if environ.get(setting.variable, "").strip():
            found[setting.variable] = "environment"
        elif environ.get(setting.formerly, "").strip():
            found[setting.variable] = f"{setting.formerly} (old name of {setting.variable})"
        else:
            found[setting.variable] = "default"
    return found


def unknown_variables(kind: type[Struct], service: str, environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each CLIPMILL_<SERVICE>_* variable that is no setting, probably a typing error."""
    prefix = _prefix(service)
    described = describe(kind, service)
    known = [setting.variable for setting in described]
    former = {setting.formerly for setting in described}
    sentences = []
    for variable in sorted(environ):
        if variable.startswith(prefix) and variable not in former.union(known):
            near = difflib.get_close_matches(variable, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else "."
            sentences.append(f"{variable} is not a setting of clipmill and is ignored{hint}")
    return sentences


def renamed_variables(kind: type[Struct], service: str, environ: Mapping[str, str]) -> list[str]:
    """Return a sentence for each variable that is set under an old name."""
    sentences = []
    for setting in describe(kind, service):
        if not environ.get(setting.formerly, "").strip():
            continue
        if environ.get(setting.variable, "").strip():
            sentences.append(f"{setting.formerly} is ignored, because its new name {setting.variable} is set too.")
        else:
            sentences.append(f"{setting.formerly} is now called {setting.variable}; set it by that name.")
    return sentences


def _prefix(service: str) -> str:
    return f"{PREFIX}{service.upper()}_" if service else PREFIX


def _fields(kind: type[Struct], service: str) -> Iterator[tuple[str, object, str]]:
    """Yield the name of each field, its annotation and its variable."""
    hints = get_type_hints(kind, include_extras=True)
    for field in msgspec.structs.fields(kind):
        yield field.name, hints[field.name], f"{_prefix(service)}{field.name.upper()}"


def _require_least(settings: Struct, service: str) -> None:
    """Check each field that names another in `AT_LEAST`.

    Raises:
        SettingsError: if the value of a field is below that of the other.
    """
    for name, annotation, variable in _fields(type(settings), service):
        other = _at_least(annotation)
        if other and getattr(settings, name) < getattr(settings, other):
            value, least = _written(getattr(settings, name)), _written(getattr(settings, other))
            named = f"the value of {_prefix(service)}{other.upper()}"
            raise SettingsError(f"{variable} is {value}, but must be at least {least}, {named}.")


def _least(annotation: object, service: str) -> str:
    other = _at_least(annotation)
    return f" and at least {_prefix(service)}{other.upper()}" if other else ""


def _meta(annotation: object) -> Meta:
    for extra in get_args(annotation)[1:]:
        if isinstance(extra, Meta):
            return extra
    return Meta()


def _formerly(annotation: object) -> str:
    """Return the old name of a field's variable, empty if it has none."""
    return str((_meta(annotation).extra or {}).get(FORMERLY, ""))


def _at_least(annotation: object) -> str:
    """Return the name of the field whose value is the least for this one, empty if it has none."""
    return str((_meta(annotation).extra or {}).get(AT_LEAST, ""))


def _plain(annotation: object) -> object:
    """Return the bare type below Annotated and `| None`."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return _plain(next(part for part in get_args(annotation) if part is not NoneType))
    return annotation


def _parse(variable: str, annotation: object, text: str) -> object:
    plain = _plain(annotation)
    if plain is Secret:
        return Secret(text)
    if plain is Path:
        return Path(text).expanduser()
    raw: object = text
    if plain is bool and text.lower() in _TRUE | _FALSE:
        raw = text.lower() in _TRUE
    elif get_origin(plain) is tuple:
        raw = tuple(part.strip() for part in text.split(",") if part.strip())
    try:
        value: object = msgspec.convert(raw, Annotated[plain, _meta(annotation)], strict=False)
    except msgspec.ValidationError:
        shown = without_credentials(text)
        raise SettingsError(f"{variable} is {shown!r}, but must be {_allowed(annotation)}.") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{variable} is {text!r}, but must be finite: {_allowed(annotation)}.")
    return value


def _allowed(annotation: object) -> str:
    """Return the allowed values of a setting, in words."""
    plain = _plain(annotation)
    if isinstance(plain, type) and issubclass(plain, Enum):
        return "one of " + ", ".join(str(member.value) for member in plain)
    if get_origin(plain) is tuple:
        return "a comma-separated list"
    return (_NAMES[plain] if isinstance(plain, type) else "text") + _range(_meta(annotation))


def _range(meta: Meta) -> str:
    """Return the words that limit a value, to stand after its type."""
    if meta.pattern is not None:
        return f" that matches {meta.pattern}"
    if meta.ge is not None and meta.le is not None:
        return f" from {_plainly(meta.ge)} to {_plainly(meta.le)}"
    bounds = []
    if meta.gt is not None:
        bounds.append(f"greater than {_plainly(meta.gt)}")
    if meta.ge is not None:
        bounds.append(f"at least {_plainly(meta.ge)}")
    if meta.le is not None:
        bounds.append(f"at most {_plainly(meta.le)}")
    if meta.lt is not None:
        bounds.append(f"less than {_plainly(meta.lt)}")
    return (" " if meta.gt is not None else ", ") + " and ".join(bounds) if bounds else ""


def _plainly(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else f"{bound:g}"


def _written(value: object) -> str:
    """Return a value as one would write it into the environment."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return str(value)
