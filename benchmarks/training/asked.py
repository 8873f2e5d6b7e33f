"""The command's words, and what they make of a measurement: the words of a process of its own."""

from dataclasses import dataclass
from pathlib import Path

from benchmarks.training.rounds import ROOT, alternating, one
from stages import params


@dataclass(frozen=True)
class Asked:
    """The command's words; seconds are of a measurement."""

    shapes: list[str]
    methods: list[str]
    data: str
    rows: int
    seconds: float
    rounds: int
    threads: int
    tokens: int
    lr: float
    seed: int

    def fold(self, folder: str, shape: str, **more) -> dict:
        """Write the rows that a measurement reads."""
        words = {"data": self.data, "rows": self.rows, "seed": self.seed} | more
        return one({"measure": "prepare", "folder": folder, "shape": shape} | words, self.threads)

    def named(self, shape: str, method: str) -> str:
        """What a finding is kept under: `t5-small full`, and where rows are of real texts `t5-small full, nsmc`."""
        return f"{shape} {method}" + ("" if self.data == "random" else f", {Path(self.data).stem}")

    def plain(self, **settings) -> dict:
        return {"way": "plain", "settings": settings}

    def ours(self, numerics: dict | None = None, **settings) -> dict:
        base = {"threads": self.threads, "matmul": "highest", "dtype": "float32"}
        method = {"batch": 1, "tokens": self.tokens} | settings  # batch is not read
        return {"way": "ours", "settings": method | {"numerics": base | (numerics or {})}}

    def default(self, **settings) -> dict:
        """Ours under params.yaml's own numerics."""
        own = params.read(ROOT / "params.yaml")["numerics"]
        return self.ours({"dtype": "auto"} | own | {"threads": self.threads}, **settings)

    def of(self, measure: str, way: dict, folder: str, shape: str, method: str, **more) -> dict:
        words = {"measure": measure, "folder": folder, "shape": shape, "method": method, "seed": self.seed}
        return words | way | more

    def speed(self, way: dict, folder: str, shape: str, method: str, whole: bool = True) -> dict:
        """whole: epochs are timed where rows come in order of length; where at random, any steps are like them."""
        whole = whole and (way["way"] == "ours" or bool(way["settings"].get("grouped")))
        return self.of("speed", way, folder, shape, method, seconds=self.seconds, lr=self.lr, whole=whole)

    def timed(
        self, all_: dict[str, dict], folder: str, shape: str, method: str, whole: bool = True
    ) -> dict[str, list[dict]]:
        """Each way's speed, and of the machine's matrix products beside them, in alternating rounds."""
        speeds = {name: self.speed(way, folder, shape, method, whole) for name, way in all_.items()}
        products = {"products": {"measure": "products", "threads": self.threads, "repeats": 15}}
        return alternating(products | speeds, self.rounds, self.threads)
