"""What the tables are learned from: the vocabulary, sentences of transcripts, and what the encoder reads in them."""

import gzip
import json
import random
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import ctranslate2
import numpy as np
import numpy.typing as npt
from transformers import AutoTokenizer

WORDS = 32_000
"""Most frequent words of the vocabulary; the rarest are about as common as `gill`."""

SENTENCES = 94_208
"""Sentences that the encoder reads."""

LENGTHS = range(5, 33)
"""Words of the sentences that are learned from."""

CHUNK = 4096
"""Texts whose vectors one file keeps."""

Floats = npt.NDArray[np.float32]


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def vocabulary(folder: Path) -> tuple[list[str], Floats, Floats]:
    """Return the most frequent English words, the rank of each among all of GloVe's tokens, and GloVe's vectors."""
    from pyarrow import parquet  # noqa: PLC0415  # installed for this script alone

    listed = parquet.read_table(folder / "glove_6B_index.parquet").column(0).to_pylist()
    kept = [(rank, word) for rank, word in enumerate(listed) if re.fullmatch("[a-z]{2,}", word)][:WORDS]
    ranks = np.array([rank for rank, _ in kept], dtype=np.float32)
    vectors = np.load(folder / "glove_6B_50d_emb.npy", mmap_mode="r")[ranks.astype(int)].astype(np.float32)
    return [word for _, word in kept], ranks, vectors


def sentences(folder: Path) -> list[str]:
    """Return the sentences of the transcripts, four of talks to one of conversations, in an order of no meaning."""
    talks = sorted(set(_of_talks(folder / "talks.jsonl.gz")))
    others = sorted(set(_of_conversations(folder / "conversations.jsonl.gz")))
    chance = random.Random(1)  # noqa: S311
    chance.shuffle(talks)
    chance.shuffle(others)
    mixed: list[str] = []
    between = iter(others)
    for place, text in enumerate(talks):
        mixed.append(text)
        if place % 4 == 3:
            mixed.append(next(between))
    return mixed[:SENTENCES]


def _of_talks(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            sentence: list[str] = []
            for word in json.loads(line)["words"]:
                sentence.append(word)
                if re.search(r"[.?!][\"')]*$", word):
                    if len(sentence) in LENGTHS:
                        yield " ".join(sentence)
                    sentence = []


def _of_conversations(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            for *_, said in json.loads(line)["turns"]:
                yield from (each for each in re.split(r"(?<=[.?!])\s+", said) if len(each.split()) in LENGTHS)


class Encoder:
    """Reads texts with the sentence encoder, and keeps the results."""

    def __init__(self, folder: Path, work: Path) -> None:
        converted = work / "encoder"
        if not converted.is_dir():
            ctranslate2.converters.TransformersConverter(str(folder)).convert(str(converted), quantization="int8")
        self._tokenizer = AutoTokenizer.from_pretrained(str(folder))
        self._encoder = ctranslate2.Encoder(str(converted), compute_type="int8")
        self._work = work

    def read(self, name: str, texts: Sequence[str]) -> Floats:
        """Return the unit vectors of `texts`, one row each."""
        chunks: list[Floats] = []
        for start in range(0, len(texts), CHUNK):
            path = self._work / f"{name}-{start:07}.npy"
            if not path.exists():
                np.save(path, self._read(texts[start : start + CHUNK]))
                say(f"{name}: {start + CHUNK} read")
            chunks.append(np.load(path))
        return np.concatenate(chunks)

    def _read(self, texts: Sequence[str]) -> Floats:
        ids = self._tokenizer(list(texts))["input_ids"]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        vectors = np.zeros((len(ids), 384), np.float32)
        for start in range(0, len(order), 128):
            places = order[start : start + 128]
            hidden = np.array(self._encoder.forward_batch([ids[place] for place in places]).last_hidden_state)
            for row, place in enumerate(places):
                vectors[place] = hidden[row, : len(ids[place])].mean(axis=0)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
