"""Plans: their text, the stack they compile to, the rules that check it. No weights, no torch."""
