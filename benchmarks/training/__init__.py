"""Training measured side by side: the prior art's way, the stock ways, ours (`python -m benchmarks.training -h`)."""
