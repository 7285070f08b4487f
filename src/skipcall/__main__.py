"""`skipcall` and `python -m skipcall`."""

from skipcall.cli.main import main

if __name__ == "__main__":
    main()
