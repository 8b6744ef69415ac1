"""How the user's keys and our screen travel."""

import os
from collections.abc import Mapping

from dlec_tui.doctor.result import Finding, fine, note
from engine.errors import shown


def look() -> Finding:
    return connection_finding(os.environ)


def connection_finding(environment: Mapping[str, str]) -> Finding:
    client = environment.get("SSH_CONNECTION", "").partition(" ")[0]
    if not client:
        return fine("not over SSH")
    return note(
        f"SSH from {shown(client)}; whether it compresses cannot be seen from here",
        "A change of view takes 30 to 130 kB, compressed about 3. In ~/.ssh/config at home:\n  Compression yes",
    )
