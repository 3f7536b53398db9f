"""The state of the whole service: queue, workers, failures and the latest results."""
