"""HTTP: one file per noun over `services`; keys, limits, problem documents, events."""
