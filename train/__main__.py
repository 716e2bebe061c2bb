"""``python -m schedlab.train`` is the ``schedlab`` command."""

from ..eval.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
