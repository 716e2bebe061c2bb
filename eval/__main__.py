"""``python -m schedlab.eval`` is the ``schedlab`` command."""

from .cli import main

if __name__ == "__main__":
    raise SystemExit(main())
