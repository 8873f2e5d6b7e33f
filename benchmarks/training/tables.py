"""What was found, as tables for a README."""


def table(title: str, head: list[str], lines: list[list]) -> None:
    print(f"\n{title}\n\n| | {' | '.join(head)} |\n| --- |{' ---: |' * len(head)}")
    for name, *cells in lines:
        print(f"| {name} | {' | '.join(told(cell) for cell in cells)} |")
    print(flush=True)


def told(cell: object) -> str:
    """A number in three digits, or in thousands; nothing for what is not known."""
    if cell is None or isinstance(cell, str):
        return cell or "–"
    return f"{cell:,.0f}" if abs(cell) >= 100 else f"{cell:.3g}"


def spread(of: dict) -> str:
    low, high = of["tokens_per_second_spread"]
    return f"{of['tokens_per_second']:,.0f} ({low:,.0f}–{high:,.0f})"


def speeds(title: str, result: dict[str, dict], compared: dict[str, dict[str, float]]) -> None:
    bases = list(next(iter(compared.values())))
    head = ["tokens/s", "examples/s", "padding", "peak MiB", "GFLOP/s", "share of product", *(f"× {b}" for b in bases)]
    table(title, head, [
        [name, spread(of), of["examples_per_second"], of["padding_share"], of["peak_mib"], of["gflop_per_second"],
         of["share_of_product"], *(compared[name][base] for base in bases)]
        for name, of in result.items()
    ])  # fmt: skip


def losses(title: str, reached: dict[str, dict]) -> None:
    for base, of in reached.items():
        head = [f"loss at {of['tokens']:,} tokens", f"seconds to {of['loss']:.4f}", f"× {base}"]
        sides = of["loss_at_these_tokens"], of["seconds_to_this_loss"], of["times"]
        table(title, head, [[name, *(side[name] for side in sides)] for name in sides[0]])


def gains(title: str, result: dict[str, dict]) -> None:
    head = ["tokens/s", "gain", "memory", "loss from float64", "gradient", "gradient, norm"]
    table(title, head, [
        [name, spread(of), of["gain"], of["memory"],
         *(f"{of['from_float64'][key]:.1e}" for key in ("loss", "gradient", "gradient_norm"))]
        for name, of in result.items()
    ])  # fmt: skip


def growths(title: str, result: dict[str, dict]) -> None:
    head = ["tokens/s", "examples/s", "peak MiB"]
    table(title, head, [[n, spread(of), of["examples_per_second"], of["peak_mib"]] for n, of in result.items()])


def shares(title: str, found: dict[str, float]) -> None:
    table(title, ["share of a step"], [[name, share] for name, share in found.items()])


def starts(found: dict[str, dict]) -> None:
    lines = [[name, of["seconds"], "yes" if of["torch"] else "no"] for name, of in found.items()]
    table("start", ["seconds", "torch"], lines)
