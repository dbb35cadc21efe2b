"""One file for each budget: ABOUT (a line), run(bench) -> list[Budget]. Drop one in, and it is run."""
