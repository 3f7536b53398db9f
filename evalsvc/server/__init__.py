"""The composition root: puts API, dashboard and background work into one HTTP server.

Only this package knows both the API and the dashboard. The command line starts it.
"""
