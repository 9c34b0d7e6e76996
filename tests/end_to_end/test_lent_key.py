"""A job with its submitter's own Gemini key, against a server that speaks Gemini's protocol."""

import json
import re
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

pytestmark = pytest.mark.slow

KEY = "AIza-lent-for-this-job-only"
LEAST_SECONDS = 15.0
END_SECONDS = 480


class Gemini(BaseHTTPRequestHandler):
    """A server that answers `generateContent` with one passage made of the sentences in the request."""

    keys: list[str] = []  # noqa: RUF012 - what every request's header held

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.keys.append(self.headers.get("x-goog-api-key", ""))
        text = "\n".join(part["text"] for content in request["contents"] for part in content["parts"])
        first, last = _passage(text)
        clip = {
            "first_sentence": first,
            "last_sentence": last,
            "title": "What the model chose",
            "tiktok": "Look at this. #talk",
            "instagram": "Look at this. #talk",
            "youtube": "What the model chose",
            "score": 91,
            "reason": "It stands by itself.",
        }
        answer = {
            "candidates": [
                {
                    "content": {"role": "model", "parts": [{"text": json.dumps({"clips": [clip]})}]},
                    "finishReason": "STOP",
                }
            ],
            "usageMetadata": {"promptTokenCount": 1000, "candidatesTokenCount": 100, "totalTokenCount": 1100},
        }
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


TIMED = r"(?<!\S)(\d+)\*?@(\d+)"


def _passage(transcript: str) -> tuple[int, int]:
    """Return the numbers of the first sentence and of the last one before a sentence that starts late enough."""
    (first, start), *later = [(int(number), int(second)) for number, second in re.findall(TIMED, transcript)]
    return first, next(number for number, second in later if second - start >= LEAST_SECONDS + 2) - 1


@pytest.fixture
def gemini():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Gemini)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_lent_key_picks_the_moments_and_leaves_no_trace(start_up, gemini, sample, put_transcript, tmp_path):
    with start_up(tmp_path / "data", CLIPMILL_ANALYZER_GEMINI_BASE_URL=gemini) as up:
        body = b"".join(
            (
                b'--b\r\nContent-Disposition: form-data; name="target_clips"\r\n\r\n1\r\n',
                b'--b\r\nContent-Disposition: form-data; name="file"; filename="talk.mp4"\r\n\r\n',
                sample.read_bytes(),
                b"\r\n--b--\r\n",
            )
        )
        headers = {"Content-Type": "multipart/form-data; boundary=b", "X-Gemini-Key": KEY}
        with urllib.request.urlopen(urllib.request.Request(f"{up.url}/api/process", body, headers)) as answer:
            job = json.load(answer)["job_id"]
        put_transcript(up.data / "store" / "jobs" / job)
        deadline = time.monotonic() + END_SECONDS
        while (status := up.get(f"/api/status/{job}"))["status"] not in ("completed", "failed"):
            assert time.monotonic() < deadline, status
            time.sleep(0.2)
    assert status["status"] == "completed", status["logs"]
    assert "Analyzing viral moments with Gemini AI..." in status["logs"]
    (clip,) = status["result"]["clips"]
    assert clip["title"] == "What the model chose"
    cost = status["result"]["cost_analysis"]
    assert (cost["gemini_api_calls"], cost["total_cost"] > 0) == (1, True)
    assert Gemini.keys == [KEY]
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".log" for path in written)
    assert not [path for path in written if KEY.encode() in path.read_bytes()], "the key is stored nowhere in the clear"
