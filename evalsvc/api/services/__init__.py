"""Reading and working on what is stored, for API, dashboard and embedded commands alike.

Functions `(session, ...) -> frozen dataclass`; the dataclasses are also the API's answers. Nothing
here knows HTTP; whoever calls opens the transaction.
"""
