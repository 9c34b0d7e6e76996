"""Learn the directions of pieces of words, and write the data file that the analyzer reads.

Run: `.venv/bin/python tools/subjects/wordings.py REACTIONS --encoder FOLDER --work FOLDER`, with the folders that
`learn.py` reads. The encoder begins with a vector for each piece of a word, which it then changes by what stands around
it. Of all linear maps of the mean of these first vectors, the one that comes nearest to what the encoder makes of whole
sentences in the end is solved for, and stored for each piece.
"""

import argparse
import re
from pathlib import Path

import numpy as np
import torch
from clipmill.analyzer.searching.wordings import TABLE
from quantising import quantised
from reading import Encoder, Floats, say, sentences
from transformers import AutoModel, AutoTokenizer

DIMENSIONS = 64
"""Length of a vector. With 96 and 128 the same number of bytes finds a hundredth fewer passages."""

AXES_PIECES = 12_000
"""Pieces whose spread the axes of the vectors keep: the whole words, which come before their endings."""

PIECE = re.compile(r"(##)?[a-z0-9]+")
"""Pieces that are kept: letters of English and digits; two hashes say that a piece continues a word."""

PLACES = slice(1, 20)
"""Places in a sentence whose mean stands for all: words count alike wherever they are."""

PENALTY = 1.0
"""Strength of the penalty on squared weights of the map, which only keeps it solvable."""


def main() -> None:
    """Learn the table and write it."""
    parser = argparse.ArgumentParser(description="Learn the directions of pieces of words.")
    parser.add_argument("reactions", type=Path, help="folder with talks.jsonl.gz and conversations.jsonl.gz")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the encoder has read")
    parser.add_argument("--output", type=Path, default=TABLE, help="data file to write")
    given = parser.parse_args()
    texts = sentences(given.reactions)
    read = Encoder(given.encoder, given.work).read("sentences", texts)
    pieces, vectors = _mapped(given.encoder, texts, read)
    _, _, axes = np.linalg.svd(vectors[:AXES_PIECES], full_matrices=False)
    vectors = vectors @ axes[:DIMENSIONS].T
    weights = np.linalg.norm(vectors, axis=1)
    codes, parts = quantised(vectors / weights[:, None])
    np.savez_compressed(
        given.output,
        pieces=np.frombuffer("\n".join(pieces).encode(), np.uint8),
        codes=codes,
        parts=parts,
        weights=weights.astype(np.float16),
    )
    say(f"{len(pieces)} pieces, {given.output.stat().st_size} bytes")


def _mapped(folder: Path, texts: list[str], read: Floats) -> tuple[list[str], Floats]:
    """Return the pieces that are kept, in the order of the encoder's list, and the mapped vector of each."""
    tokenizer, model = AutoTokenizer.from_pretrained(str(folder)), AutoModel.from_pretrained(str(folder))
    embeddings = model.embeddings
    with torch.no_grad():
        place = embeddings.position_embeddings.weight[PLACES].mean(0)
        kind = embeddings.token_type_embeddings.weight[0]
        firsts = embeddings.LayerNorm(embeddings.word_embeddings.weight + place + kind).numpy()
    said = tokenizer(texts, add_special_tokens=False)["input_ids"]
    means = np.array([[*firsts[pieces].mean(axis=0), 1.0] for pieces in said])
    chart = np.linalg.solve(means.T @ means + PENALTY * np.eye(means.shape[1]), means.T @ read)
    kept = {piece: place for piece, place in tokenizer.get_vocab().items() if PIECE.fullmatch(piece)}
    pieces = sorted(kept, key=lambda piece: kept[piece])
    mapped: Floats = firsts[[kept[piece] for piece in pieces]] @ chart[:-1] + chart[-1]
    return pieces, mapped


if __name__ == "__main__":
    main()
