"""What the application does, by subject, for API, dashboard and embedded commands alike.

Functions take an open session and return frozen records, which are also the answers of the API.
Nothing here knows HTTP and nothing here holds a query: reads and writes belong to
`evalsvc.store.repositories`, transactions to the caller.
"""
