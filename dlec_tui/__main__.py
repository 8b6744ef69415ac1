"""Entry point of `dlec` and `python -m dlec_tui`: failures before the command line is imported are one line, too."""

import sys

UNEXPECTED, INTERRUPTED = 70, 130


def main() -> None:
    try:
        from dlec_tui.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(INTERRUPTED)
    except Exception as error:
        sys.stderr.write(f"Error: dlec cannot start: {_kept(error)}\n")
        sys.exit(UNEXPECTED)


def _kept(error: Exception) -> str:
    """One line for an exception, such as a missing library, with the file of its traceback."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile("w", prefix="dlec-crash-", suffix=".log", delete=False, errors="replace") as file:
        file.write("".join(traceback.format_exception(error)))
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}; traceback in {file.name}"


if __name__ == "__main__":
    main()
