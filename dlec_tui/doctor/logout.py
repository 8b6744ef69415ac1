"""Check whether jobs survive logout."""

from dlec_tui.doctor.result import Finding, fine, note, problem
from engine.machine.logout import Keeper, Logout, logout

_LINGER = "  loginctl enable-linger"
_OUTSIDE = f"{_LINGER}\n  systemd-run --user --scope tmux new"


def look() -> Finding:
    return leaving_finding(logout())


def leaving_finding(known: Logout) -> Finding:
    commands = _OUTSIDE if known.keeper is Keeper.SESSION else _LINGER
    if known.ends_us is None:
        return note("whether the system ends your processes cannot be told", f"If jobs do not outlive it:\n{commands}")
    if known.ends_us:
        return problem(
            f"the system ends your processes, jobs and tmux too: {_reason(known)}",
            f"What is started after this goes on:\n{commands}",
        )
    return fine(f"your processes go on: {_reason(known)}")


def _reason(known: Logout) -> str:
    if known.keeper is Keeper.SESSION:
        return "logind kills them (KillUserProcesses)" if known.ends_us else "logind does not kill them"
    if known.keeper is Keeper.USER_MANAGER:
        return "your service manager ends" if known.ends_us else "your service manager lingers"
    return "they belong to no login session"
