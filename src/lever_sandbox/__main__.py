"""`python -m lever_sandbox` does what `lever-sandbox` does."""

from lever_sandbox.cli import main

if __name__ == "__main__":
    main()
