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
        return note("unknown whether your processes survive logout", f"If jobs end at logout:\n{commands}")
    if known.ends_us:
        return problem(
            f"logout ends your processes, including jobs and tmux: {_reason(known)}",
            f"Processes started after these commands survive:\n{commands}",
        )
    return fine(f"your processes survive: {_reason(known)}")


def _reason(known: Logout) -> str:
    if known.keeper is Keeper.SESSION:
        return "logind kills them (KillUserProcesses)" if known.ends_us else "logind does not kill them"
    if known.keeper is Keeper.USER_MANAGER:
        return "lingering is off" if known.ends_us else "lingering is on"
    return "they do not belong to a login session"
