"""`python -m dlec_tui` is `dlec`."""

from dlec_tui.cli.main import main

if __name__ == "__main__":
    main()
