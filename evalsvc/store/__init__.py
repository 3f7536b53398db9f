"""The store: models, repositories and migrations of the ledger (SQLite or PostgreSQL)."""
