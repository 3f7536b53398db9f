"""The dashboard: pages rendered on the server, with the same data as `.json` and `.csv`.

`router` is mounted by the API's application. Pages read through the services of `evalsvc.api`
and write only a user's verdict on a sample. Every text from outside is escaped, no script or style
is inline, and every view is a link: its whole state is in the URL.
"""
