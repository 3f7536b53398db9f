"""Webhooks: allowed targets and delivery."""
