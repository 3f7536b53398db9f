"""Whether two trees are the same answer: structure first, then values."""
