"""`python -m mailhouse` is the command itself."""

from mailhouse.cli import main

if __name__ == "__main__":
    main()
