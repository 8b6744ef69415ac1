"""The closing table of `make stress`: how many families ended how."""

from collections import defaultdict

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the count of each outcome and the reasons, then the families that failed."""
    endings: dict[str, list[str]] = defaultdict(list)
    for report in (report for kind in ("passed", "failed") for report in terminalreporter.stats.get(kind, [])):
        if report.when != "call" or "test_a_family_is_exact_or_refused" not in report.nodeid:
            continue
        family = report.nodeid.split("[")[-1].rstrip("]")
        told = dict(report.user_properties)
        reason = f": {told['reason']}" if told.get("reason") else ""
        endings[str(told.get("outcome", "FAILED"))].append(f"{family}{reason}")
    for outcome, names in endings.items():
        terminalreporter.section(f"families: {len(names)} {outcome}")
        for name in names if any(":" in name for name in names) else [", ".join(names)]:
            terminalreporter.line(name)
