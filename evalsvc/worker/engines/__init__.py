"""The engines. `registry` lists them; each is imported only when a shard needs it."""
