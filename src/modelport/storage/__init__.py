"""What outlives an answer: cached answers, and prices. Knows no model and no client."""
