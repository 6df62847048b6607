"""What was measured, as Markdown for docs/performance.md."""

#: The goals of the project: against the best published step, and of the protocol's share.
PUBLISHED_FACTOR = 1.25
PROTOCOL_SHARE = 0.01

HEAD = (
    "model", "tokens", "mode", "s/step", "TFLOP/s", "share of peak", "outside of kernels", "over the worker's code alone",
    "peak memory", "largest activation", "goal",
)


def markdown(peak: dict, entries: list[dict], segments: list[dict], skipped: list[str]) -> str:
    lines = [
        f"{peak['device']}, torch {peak['torch']}, CUDA {peak['cuda']}; peak of a {peak['size']}³ {peak['dtype']} MatMul: "
        f"{peak['flops'] / 1e12:,.1f} TFLOP/s.", "", row(HEAD), row(["---"] * len(HEAD)),
    ]
    lines += [row(cells(entry, peak)) for entry in entries]
    if segments:
        lines += ["", row(("graph", "tokens", "s", "TFLOP/s", "finite")), row(["---"] * 5)]
        lines += [
            row((s["what"], f"{s['tokens']:,}", f"{s['median_seconds']:.3f}",
                 f"{s['tflop'] / s['median_seconds']:,.2f}", "yes" if s["finite"] else "**no**"))
            for s in segments
        ]
    if skipped:
        lines += ["", "Skipped:", *(f"- {line}" for line in skipped)]
    return "\n".join(lines)


def row(entries: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(entries)} |"


def cells(entry: dict, peak: dict) -> list[str]:
    seconds, rate = entry["median_seconds"], entry["tflop"] / entry["median_seconds"]
    over, activation = entry.get("over_local"), entry.get("activations")
    memory = entry["device_peak_bytes"] or entry["resident_bytes"]
    return [
        entry["title"], f"{entry['tokens']:,}", entry["mode"],
        f"{seconds:.3f} ({min(entry['step_seconds']):.3f} to {max(entry['step_seconds']):.3f})", f"{rate:,.2f}",
        f"{rate * 1e12 / peak['flops']:.1%}", f"{entry['outside_share']:.2%}",
        "–" if over is None else f"{over:+.2%}", f"{memory / 1e9:.1f} GB",
        "–" if not activation else f"{max(activation.values()):,.0f}", goal(entry),
    ]


def goal(entry: dict) -> str:
    if not entry["finite"]:
        return "**not finite**"
    if entry.get("published") is None:
        return "–"
    best, whose = entry["published"]
    limit = PUBLISHED_FACTOR * best
    return f"{'holds' if entry['median_seconds'] <= limit else 'missed'}: ≤ {limit:.2f} s ({whose}: {best} s)"
