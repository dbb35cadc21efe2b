"""What ``/metrics`` says, read by Prometheus's own library."""

from prometheus_client.parser import text_string_to_metric_families as parse

__all__ = ("Scrape", "check_histograms")

Labels = tuple[tuple[str, str], ...]


class Scrape:
    """One reading. ``kinds`` are the families' kinds by name, without a counter's ``_total``."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.kinds: dict[str, str] = {}
        self.samples: dict[tuple[str, Labels], float] = {}
        self._labels: dict[str, list[Labels]] = {}
        for family in parse(text):
            self.kinds[family.name] = family.type
            for sample in family.samples:
                key = tuple(sorted(sample.labels.items()))
                assert (sample.name, key) not in self.samples, f"{sample.name} {key} came twice"
                self.samples[sample.name, key] = sample.value
                self._labels.setdefault(family.name, []).append(key)

    def value(self, sample: str, **labels: str) -> float:
        return self.samples[sample, tuple(sorted(labels.items()))]

    def labels(self, family: str) -> list[Labels]:
        return self._labels.get(family, [])


def check_histograms(seen: Scrape) -> int:
    """Each histogram adds up: its buckets grow, the last is the count, and the sum is within what the buckets allow."""
    checked = 0
    for name in (name for name, kind in seen.kinds.items() if kind == "histogram"):
        rows = {tuple(pair for pair in key if pair[0] != "le") for key in seen.labels(name)}
        for row in rows:
            bounds = sorted(
                (float(dict(key)["le"]), value)
                for (sample, key), value in seen.samples.items()
                if sample == f"{name}_bucket" and tuple(pair for pair in key if pair[0] != "le") == row
            )
            counts = [count for _, count in bounds]
            total, count = seen.samples[f"{name}_sum", row], seen.samples[f"{name}_count", row]
            assert counts == sorted(counts), (name, row)
            assert bounds[-1] == (float("inf"), count), (name, row)
            edges = [0.0, *[bound for bound, _ in bounds]]
            grown = [after - before for before, after in zip([0.0, *counts], counts, strict=False)]
            least = sum(each * edge for each, edge in zip(grown, edges, strict=False))
            assert least <= total + 1e-9, (name, row)
            if not grown[-1]:
                assert total <= sum(e * edge for e, edge in zip(grown, edges[1:], strict=True) if e) + 1e-9, (name, row)
            checked += 1
    return checked
