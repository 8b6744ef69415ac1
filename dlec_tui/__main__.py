"""`dlec`, and `python -m dlec_tui`: nothing else is imported before an interrupt is one line and no traceback."""

import sys

INTERRUPTED = 130


def main() -> None:
    try:
        from dlec_tui.cli.main import main as command_line

        command_line()
    except KeyboardInterrupt:
        sys.stderr.write("\ninterrupted\n")
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
