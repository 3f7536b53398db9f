"""The grammar of answers: cleaning, tokens, units, literals, and the tree that they make."""
