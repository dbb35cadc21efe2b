"""Programs that the cases start in processes of their own; each runs with `python -m bench.programs.NAME`."""
