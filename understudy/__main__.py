"""`python -m understudy` is the same as `understudy`."""

from . import main

if __name__ == "__main__":
    main()
