"""One contract for the stores in a directory, in memory and in S3."""

import asyncio
import os
import sys
import time
import urllib.request

import av
import pytest
from clipmill.artifacts.store import MissingArtifact, open_store
from clipmill.contracts.failures import ErrorCode, Permanent, Transient

MIB = 1024 * 1024

WRITER = """
import asyncio, sys
from clipmill.artifacts.store import open_store

async def chunks():
    for _ in range(3):
        yield b"x" * 9_000_000
    print("writing", flush=True)
    await asyncio.Event().wait()

asyncio.run(open_store(sys.argv[1]).put_stream("jobs/a/source", chunks()))
"""


async def chunks_of(data: bytes, size: int):
    for start in range(0, len(data), size):
        yield data[start : start + size]


def pattern(size: int) -> bytes:
    return (bytes(range(251)) * (size // 251 + 1))[:size]


async def collect(stream) -> bytes:
    return b"".join([chunk async for chunk in stream])


class StoreContract:
    """The contract of every store; a subclass names the store."""

    async def test_bytes_come_back_as_they_went_in(self, store):
        assert await store.put_bytes("jobs/a/plan.json", b"first") is True
        assert await store.put_bytes("jobs/a/plan.json", b"second") is True
        assert await store.get_bytes("jobs/a/plan.json") == b"second"

    async def test_another_artifact_of_the_same_size_has_another_tag(self, store):
        await store.put_bytes("jobs/a/clip", b"first")
        first = await store.facts("jobs/a/clip")
        assert await store.facts("jobs/a/clip") == first
        assert (first.size_bytes, first.stored.tzinfo is not None) == (5, True)
        assert first.tag.isascii()
        assert '"' not in first.tag
        await store.put_bytes("jobs/a/clip", b"other")
        assert (await store.facts("jobs/a/clip")).tag != first.tag
        assert await store.facts("jobs/a/none") is None

    async def test_nothing_is_something_too(self, store, tmp_path):
        (tmp_path / "empty").touch()
        await store.put_file("a", tmp_path / "empty")
        await store.put_file("b", tmp_path / "empty", create=True)
        assert [await store.size(key) for key in ("a", "b")] == [0, 0]
        assert await store.get_bytes("a") == b""
        assert await collect(store.stream("b")) == b""

    async def test_one_artifact_goes_and_its_neighbours_stay(self, store):
        for key in ("jobs/a/source", "jobs/a/source.json"):
            await store.put_bytes(key, b"x")
        await store.delete("jobs/a/source")
        await store.delete("jobs/a/source")
        assert [await store.size(key) for key in ("jobs/a/source", "jobs/a/source.json")] == [None, 1]

    async def test_what_is_missing_is_a_permanent_failure(self, store, tmp_path):
        with pytest.raises(MissingArtifact) as caught:
            await store.get_bytes("jobs/a/plan.json")
        assert isinstance(caught.value, Permanent)
        assert caught.value.code is ErrorCode.MISSING_ARTIFACT
        with pytest.raises(MissingArtifact):
            await store.get_file("jobs/a/plan.json", tmp_path / "copy")
        with pytest.raises(MissingArtifact):
            await collect(store.stream("jobs/a/plan.json", 1, 2))
        with pytest.raises(MissingArtifact):
            store.open_media("jobs/a/source")
        assert await store.size("jobs/a/plan.json") is None
        assert list(tmp_path.glob("copy*")) == []

    async def test_a_file_of_many_parts_comes_back_as_it_went_in(self, store, tmp_path):
        (tmp_path / "file").write_bytes(pattern(20 * MIB + 7))
        assert await store.put_file("jobs/a/source", tmp_path / "file") is True
        assert await store.size("jobs/a/source") == 20 * MIB + 7
        await store.get_file("jobs/a/source", tmp_path / "copy")
        assert (tmp_path / "copy").read_bytes() == (tmp_path / "file").read_bytes()

    async def test_a_file_that_is_not_there_is_our_mistake_not_a_missing_artifact(self, store, tmp_path):
        with pytest.raises(FileNotFoundError):
            await store.put_file("a", tmp_path / "nothing")
        with pytest.raises(FileNotFoundError):
            await store.put_file("a", tmp_path / "nothing", create=True)

    async def test_a_stream_is_stored_whole_and_counted(self, store):
        data = pattern(20 * MIB + 7)
        assert await store.put_stream("jobs/a/upload", chunks_of(data, 999_999)) == len(data)
        assert await store.get_bytes("jobs/a/upload") == data

    async def test_a_stream_without_chunks_is_an_empty_artifact(self, store):
        assert await store.put_stream("jobs/a/upload", chunks_of(b"", 1)) == 0
        assert await store.size("jobs/a/upload") == 0

    async def test_a_stream_that_breaks_off_stores_nothing_and_says_why(self, store):
        async def breaking():
            for _ in range(3):
                yield b"x" * 9_000_000
            raise Permanent(ErrorCode.TOO_LARGE, "That is too much.")

        with pytest.raises(Permanent, match="That is too much"):
            await store.put_stream("jobs/a/upload", breaking())
        assert await store.size("jobs/a/upload") is None

    async def test_a_stream_that_is_cancelled_stores_nothing(self, store):
        waiting = asyncio.Event()

        async def endless():
            yield b"x" * 9_000_000
            waiting.set()
            await asyncio.Event().wait()

        upload = asyncio.create_task(store.put_stream("jobs/a/upload", endless()))
        await waiting.wait()
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert await store.size("jobs/a/upload") is None

    @pytest.mark.parametrize("create", [False, True])
    async def test_an_upload_of_a_file_can_be_cancelled(self, store, tmp_path, create):
        (tmp_path / "file").write_bytes(pattern(30 * MIB))
        upload = asyncio.create_task(store.put_file("jobs/a/source", tmp_path / "file", create=create))
        await asyncio.sleep(0)
        upload.cancel()
        with pytest.raises(asyncio.CancelledError):
            await upload
        assert await store.size("jobs/a/source") in (None, 30 * MIB)

    async def test_create_stores_only_where_nothing_is(self, store, tmp_path):
        (tmp_path / "file").write_bytes(b"second")
        assert await store.put_bytes("a", b"first", create=True) is True
        assert await store.put_bytes("a", b"second", create=True) is False
        assert await store.put_file("a", tmp_path / "file", create=True) is False
        assert await store.get_bytes("a") == b"first"
        assert await store.put_file("b", tmp_path / "file", create=True) is True
        assert await store.get_bytes("b") == b"second"

    async def test_of_racing_creators_exactly_one_wins_and_its_artifact_stays(self, store):
        for race in range(3):
            key = f"jobs/{race}/plan.json"
            won = await asyncio.gather(*(store.put_bytes(key, b"%d" % n, create=True) for n in range(3)))
            assert won.count(True) == 1
            assert await store.get_bytes(key) == b"%d" % won.index(True)

    async def test_of_racing_files_exactly_one_wins_and_is_whole(self, store, tmp_path):
        for n in range(4):
            (tmp_path / str(n)).write_bytes(b"%d" % n * 3 * MIB)
        won = await asyncio.gather(*(store.put_file("source", tmp_path / str(n), create=True) for n in range(4)))
        assert won.count(True) == 1
        assert await store.get_bytes("source") == b"%d" % won.index(True) * 3 * MIB

    @pytest.mark.parametrize(
        ("start", "end"), [(0, None), (0, 10), (5, 5), (7, None), (100, 2_500_000), (2_999_999, None), (9, 9_000_000)]
    )
    async def test_a_stream_honours_its_range(self, store, start, end):
        data = pattern(3_000_000)
        await store.put_bytes("clip.mp4", data)
        assert await collect(store.stream("clip.mp4", start, end)) == data[start:end]

    async def test_a_range_beyond_the_end_is_empty(self, store):
        await store.put_bytes("clip.mp4", b"123")
        assert await collect(store.stream("clip.mp4", 3)) == b""
        assert await collect(store.stream("clip.mp4", 70, 80)) == b""

    async def test_a_prefix_is_deleted_with_all_below_and_nothing_beside(self, store):
        keys = [
            "jobs/a/source",
            "jobs/a/clips/1/clip.mp4",
            "jobs/a/clips/2/clip.mp4",
            "jobs/ab/source",
            "jobs/b/source",
        ]
        for key in keys:
            await store.put_bytes(key, b"x")
        assert await store.delete_prefix("jobs/a") == 3
        assert [await store.size(key) for key in keys] == [None, None, None, 1, 1]
        assert await store.delete_prefix("jobs/a") == 0

    async def test_each_jobs_prefix_is_listed_with_its_time(self, store):
        await store.put_bytes("elsewhere/a/source", b"x")
        assert await prefixes_of(store) == {}
        await store.put_bytes("jobs/a/source", b"x")
        await store.put_bytes("jobs/not a job/clips/1/clip.mp4", b"x")
        await store.put_bytes("jobs/a/clips/1/clip.mp4", b"x")
        found = await prefixes_of(store)
        assert set(found) == {"a", "not a job"}
        assert all(abs(modified - time.time()) < 60 for modified in found.values())
        await store.delete_prefix("jobs/a")
        assert set(await prefixes_of(store)) == {"not a job"}

    async def test_two_may_delete_the_same_at_once(self, store):
        for n in range(20):
            await store.put_bytes(f"jobs/a/{n}", b"x")
        await asyncio.gather(store.delete_prefix("jobs/a"), store.delete_prefix("jobs/a"))
        assert await store.size("jobs/a/0") is None

    async def test_the_whole_store_is_never_deleted(self, store):
        for prefix in ("", "/"):
            with pytest.raises(ValueError, match="prefix"):
                await store.delete_prefix(prefix)

    @pytest.mark.media
    @pytest.mark.parametrize("spooled", [False, True])
    async def test_media_are_read_where_they_are_stored(self, store, video, tmp_path, spooled):
        await store.put_file("source", video)
        with av.open(str(video)) as local:
            expected = [(frame.pts, frame.to_ndarray().sum()) for frame in local.decode(video=0)]
        file = await asyncio.to_thread(store.open_media, "source", tmp_path if spooled else None)
        with file, av.open(file) as container:
            assert [(frame.pts, frame.to_ndarray().sum()) for frame in container.decode(video=0)] == expected
            container.seek(5_000_000)
            frame = next(container.decode(video=0))
            assert frame.time == pytest.approx(5.0)

    async def test_a_store_that_answers_is_ready(self, store):
        await store.ready()


class TestDirectory(StoreContract):
    @pytest.fixture
    def url(self, tmp_path):
        return (tmp_path / "a store" / "of mine").as_uri()

    @pytest.fixture
    def store(self, url):
        return open_store(url)

    async def test_a_directory_signs_no_url(self, store):
        await store.put_bytes("a", b"x")
        assert await store.url("a", 60) is None

    @pytest.mark.slow
    async def test_a_killed_writer_leaves_nothing_that_can_be_seen(self, store, url):
        await killed_writer(store, url)

    @pytest.mark.slow
    async def test_a_folder_without_artifacts_is_listed_too_with_the_time_of_its_newest(self, store, url, tmp_path):
        await killed_writer(store, url, tidy=False)
        folder = tmp_path / "a store" / "of mine" / "jobs"
        (folder / "empty" / "clips" / "1").mkdir(parents=True)
        (folder / "b").mkdir()
        (folder / "b" / "source#1").touch()
        (folder / "no folder").touch()
        (folder / "link").symlink_to(tmp_path)
        os.utime(folder / "b" / "source#1", (2e9, 2e9))
        found = await prefixes_of(store)
        assert set(found) == {"a", "b", "empty"}
        assert found["b"] == 2e9

    async def test_a_directory_knows_how_much_room_its_disk_has(self, store):
        room = await store.free()
        assert 0 < room.free_bytes <= room.total_bytes

    async def test_deleting_a_job_leaves_no_directory_behind(self, store, tmp_path):
        await store.put_bytes("jobs/a/clips/1/clip.mp4", b"x")
        await store.delete_prefix("jobs/a")
        assert list((tmp_path / "a store" / "of mine" / "jobs").iterdir()) == []

    async def test_a_key_does_not_lead_out_of_the_store(self, store):
        for key in ("../secret", "/etc/passwd", "jobs/../../secret", ""):
            with pytest.raises(ValueError, match="not a key"):
                store.open_media(key)

    async def test_a_directory_that_is_gone_is_not_ready(self, store, tmp_path):
        (tmp_path / "a store" / "of mine").rename(tmp_path / "elsewhere")
        for question in (store.ready, store.free):
            with pytest.raises(Transient) as caught:
                await question()
            assert caught.value.code is ErrorCode.UNAVAILABLE


class TestMemory(StoreContract):
    @pytest.fixture
    def store(self):
        return open_store("memory://")

    async def test_memory_signs_no_url(self, store):
        await store.put_bytes("a", b"x")
        assert await store.url("a", 60) is None

    async def test_memory_knows_no_limit(self, store):
        assert await store.free() is None


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, s3_url):
        return open_store(s3_url)

    async def test_a_signed_url_reads_for_everybody(self, store):
        await store.put_bytes("jobs/a/clips/1/clip.mp4", b"0123456789")
        url = await store.url("jobs/a/clips/1/clip.mp4", 60)
        request = urllib.request.Request(url, headers={"Range": "bytes=2-4"})

        def read():
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.read()

        assert await asyncio.to_thread(read) == b"234"

    @pytest.mark.slow
    async def test_a_killed_writer_leaves_nothing_that_can_be_seen(self, store, s3_url):
        await killed_writer(store, s3_url)

    async def test_s3_knows_no_limit(self, store):
        assert await store.free() is None

    async def test_a_large_file_is_created_in_one_patient_request(self, store, tmp_path):
        with (tmp_path / "file").open("wb") as file:
            file.truncate(70 * MIB)
        assert await store.put_file("source", tmp_path / "file", create=True) is True
        assert await store.put_file("source", tmp_path / "file", create=True) is False
        assert await store.size("source") == 70 * MIB

    @pytest.mark.usefixtures("s3_url")
    async def test_a_server_that_refuses_us_is_not_ready(self, monkeypatch):
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        store = open_store("s3://clipmill/x")
        with pytest.raises(Transient, match="credentials") as caught:
            await store.ready()
        assert caught.value.code is ErrorCode.UNAVAILABLE

    @pytest.mark.usefixtures("s3_url")
    async def test_a_server_that_is_not_there_is_a_transient_failure(self, monkeypatch):
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        monkeypatch.setattr("clipmill.artifacts.s3.MAX_RETRIES", 1)
        store = open_store("s3://clipmill/x")
        with pytest.raises(Transient) as caught:
            await store.ready()
        assert caught.value.code is ErrorCode.UNAVAILABLE
        assert "127.0.0.1" not in caught.value.sentence


async def prefixes_of(store):
    return {prefix.name: prefix.modified async for prefix in store.job_prefixes()}


async def killed_writer(store, url, *, tidy=True):
    writer = await asyncio.create_subprocess_exec(sys.executable, "-c", WRITER, url, stdout=asyncio.subprocess.PIPE)
    assert writer.stdout is not None
    assert await writer.stdout.readline() == b"writing\n"
    writer.kill()
    await writer.wait()
    assert await store.size("jobs/a/source") is None
    if not tidy:
        return
    assert await store.put_bytes("jobs/a/source", b"next", create=True) is True
    await store.delete_prefix("jobs/a")


@pytest.mark.parametrize("url", ["", "/var/clips", "file://relative", "s3://", "ftp://host/x"])
def test_a_url_that_names_no_store_is_refused_with_what_is_allowed(url):
    with pytest.raises(ValueError, match="use file:///directory, s3://bucket/prefix or memory://"):
        open_store(url)


@pytest.mark.parametrize(
    "url", ["s3://key:s3cret@bucket", "s3://key:s3cret℀@bucket", "s3://key:[s3cret@bucket", "s3//key:s3cret@bucket"]
)
def test_a_store_with_keys_in_its_url_is_refused_without_quoting_them(url):
    with pytest.raises(ValueError, match="store") as caught:
        open_store(url)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"])
@pytest.mark.parametrize("url", ["http://key:s3cret/x@s3:9000", "http://key:s3cret@s3:9000", "key:s3cret@s3:9000"])
def test_an_endpoint_with_a_password_is_refused_without_quoting_it(monkeypatch, variable, url):
    monkeypatch.setenv(variable, url)
    with pytest.raises(ValueError, match=f"^{variable} is not the URL of a server; ") as caught:
        open_store("s3://bucket")
    assert "s3cret" not in str(caught.value)
    assert caught.value.__context__ is None
