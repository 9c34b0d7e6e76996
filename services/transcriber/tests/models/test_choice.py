"""The choice of a model by `auto`."""

import pytest
from clipmill.contracts.failures import ErrorCode, Permanent, Transient
from clipmill.operations import models
from clipmill.transcriber.models import downloads
from clipmill.transcriber.models.choice import choose_model, multilingual_on_this_machine
from clipmill.transcriber.models.weights import Weights

pytestmark = pytest.mark.slow  # imports the model libraries


@pytest.fixture(autouse=True)
def hub(monkeypatch):
    """Replace the hub, which nothing here may ask, by one with nothing in its cache that cannot be reached."""
    monkeypatch.setattr(downloads, "cached_weights", lambda name: None)
    monkeypatch.setattr(downloads, "hub_has", lambda name: False)
    return monkeypatch


def put(models_dir, name):
    folder = models_dir / name
    folder.mkdir()
    (folder / "model.bin").touch()
    return str(folder)


def test_on_a_cpu_base_is_chosen_and_small_once_it_has_been_fetched(tmp_path):
    choice = choose_model("auto", tmp_path, on_gpu=False)
    assert choice.weights.label == "whisper-base"
    assert choice.reason == ("whisper-base was chosen because the model runs on a CPU and small has not been fetched.")
    place = put(tmp_path, "small")
    choice = choose_model("auto", tmp_path, on_gpu=False)
    assert choice.weights == Weights("small", place, on_hub=False)
    assert "small has been fetched" in choice.reason


def test_a_model_in_the_cache_of_the_hub_has_been_fetched_too(hub, tmp_path):
    cached = {"small": Weights("small", "/cache/small", on_hub=False)}
    hub.setattr(downloads, "cached_weights", cached.get)
    assert choose_model("auto", tmp_path, on_gpu=False).weights == cached["small"]


def test_on_a_gpu_the_large_model_is_taken_from_this_machine_without_asking_the_hub(hub, tmp_path):
    hub.setattr(downloads, "hub_has", lambda name: pytest.fail("the hub was asked"))
    place = put(tmp_path, "large-v3-turbo")
    assert choose_model("auto", tmp_path, on_gpu=True).weights == Weights("large-v3-turbo", place, on_hub=False)


def test_on_a_gpu_the_large_model_is_downloaded_if_the_hub_answers(hub, tmp_path):
    hub.setattr(downloads, "hub_has", lambda name: name == "large-v3-turbo")
    hub.setattr(downloads, "download_weights", lambda weights: weights._replace(place="/cache", on_hub=False))
    choice = choose_model("auto", tmp_path, on_gpu=True)
    assert choice.weights == Weights("large-v3-turbo", "/cache", on_hub=False)
    assert "downloaded" in choice.reason


@pytest.mark.parametrize("answers", [True, False])
def test_on_a_gpu_without_the_hub_the_best_model_of_this_machine_is_taken(hub, tmp_path, answers):
    def fail(weights):
        raise Transient(ErrorCode.MODEL_UNAVAILABLE, "The hub broke off.")

    hub.setattr(downloads, "hub_has", lambda name: answers)
    hub.setattr(downloads, "download_weights", fail)
    assert choose_model("auto", tmp_path, on_gpu=True).weights.label == "whisper-base"
    put(tmp_path, "small")
    choice = choose_model("auto", tmp_path, on_gpu=True)
    assert choice.weights.label == "small"
    assert ("could not be downloaded" if answers else "did not answer") in choice.reason


def test_without_a_multilingual_model_the_english_one_is_better_than_none(hub, tmp_path):
    hub.setattr(models, "available", lambda model, models_dir: model.name == "whisper-tiny.en")
    choice = choose_model("auto", tmp_path, on_gpu=False)
    assert choice.weights.label == "whisper-tiny.en"
    assert "knows only English" in choice.reason
    hub.setattr(models, "available", lambda model, models_dir: False)
    with pytest.raises(Permanent, match="clipmill models fetch whisper-base") as failure:
        choose_model("auto", tmp_path, on_gpu=False)
    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_model_that_is_named_is_taken_without_a_reason(tmp_path):
    choice = choose_model("whisper-tiny.en", tmp_path, on_gpu=False)
    assert (choice.weights.label, choice.reason) == ("whisper-tiny.en", "")


def test_a_named_model_in_the_cache_of_the_hub_is_taken_without_asking_the_hub(hub, tmp_path):
    cached = {"large-v3": Weights("large-v3", "/cache/large-v3", on_hub=False)}
    hub.setattr(downloads, "cached_weights", cached.get)
    hub.setattr(downloads, "download_weights", lambda weights: weights._replace(place="/new", on_hub=False))
    assert choose_model("large-v3", tmp_path, on_gpu=False).weights == cached["large-v3"]
    assert choose_model("medium", tmp_path, on_gpu=False).weights == Weights("medium", "/new", on_hub=False)


def test_multilingual_models_come_best_first_and_the_large_one_only_for_a_gpu(tmp_path):
    put(tmp_path, "large-v3-turbo")
    put(tmp_path, "small")
    assert [each.label for each in multilingual_on_this_machine(tmp_path, on_gpu=False)] == ["small", "whisper-base"]
    assert [each.label for each in multilingual_on_this_machine(tmp_path, on_gpu=True)] == [
        "large-v3-turbo",
        "small",
        "whisper-base",
    ]


def test_a_damaged_model_takes_no_other_models_place(tmp_path):
    for file in next(model for model in models.catalogue() if model.name == "whisper-base").files:
        (tmp_path / "whisper-base").mkdir(exist_ok=True)
        (tmp_path / "whisper-base" / file.name).touch()
    assert list(multilingual_on_this_machine(tmp_path, on_gpu=False)) == []
    with pytest.raises(Permanent, match="damaged"):
        choose_model("auto", tmp_path, on_gpu=False)
