"""What every case is given: the peers, how thorough to be, a scratch folder; and taking turns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.peers import Peers

__all__ = ("Bench", "take_turns")


@dataclass(frozen=True)
class Bench:
    """One run of the benchmark."""

    peers: Peers
    scratch: Path
    quick: bool = False
    long: bool = False  # where an hour's worth is promised, an hour's worth

    def rounds(self, full: int) -> int:
        """How often to measure: *full*, or next to never when it is to be quick."""
        return 2 if self.quick else full

    def amount(self, full: int) -> int:
        """How much to do in a round: *full*, or a twentieth of it."""
        return max(1, full // 20) if self.quick else full


def take_turns(rounds: int, measures: Mapping[str, Callable[[], float]]) -> dict[str, list[float]]:
    """The figures of each measure: A B C, A B C, …, so that a drifting machine is unfair to none.

    Every second round goes backwards, so that none always follows the same other.
    """
    taken: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        turns = list(measures.items())
        for name, measure in turns if number % 2 == 0 else reversed(turns):
            taken[name].append(measure())
    return taken
