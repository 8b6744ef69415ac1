"""An exception that nobody expected costs what raised it, never the screen: into the log with it, and a line as notice.

Textual ends a widget's loop with the first exception of a handler, callback or timer, and the screen with it.
"""

import traceback
from pathlib import Path

from textual.message import Message
from textual.message_pump import MessagePump
from textual.worker import WorkerFailed

from engine.errors import shown

_dispatch = MessagePump._dispatch_message


def contain_exceptions() -> None:
    """Have every widget of this process go on with its next message after one has failed."""
    MessagePump._dispatch_message = _dispatched  # type: ignore[method-assign,assignment] # all that a widget does passes through it


async def _dispatched(pump: MessagePump, message: Message) -> None:
    try:
        await _dispatch(pump, message)
    except Exception as error:
        pump.app._handle_exception(error)


def raised_by(error: Exception) -> BaseException:
    """What a worker's function raised, or the exception itself."""
    return error.error if isinstance(error, WorkerFailed) else error


def traceback_of(error: BaseException) -> str:
    """As it goes into the log."""
    return "".join(traceback.format_exception(error))


def notice_of(error: BaseException, log: Path | None) -> str:
    """One line. log: where the traceback is; None where nothing is written."""
    said = shown(str(error).partition("\n")[0])
    what = f"unexpected {type(error).__name__}{f': {said}' if said else ''}"
    return f"{what}; the traceback is in {log}" if log else what
