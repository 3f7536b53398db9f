"""The application's functions by subject, for API, dashboard and embedded commands.

Functions take an open session and return frozen records, which are also the answers of the API.
Nothing here depends on HTTP or contains a query: reads and writes belong to
`evalsvc.store.repositories`, transactions to the caller.
"""
