"""Numeric limits of imports, views and webhooks that a user can meet.

docs/limits.md lists them; a test compares the two.
"""

#: Problems of one import of counts.
MAX_IMPORTED_PROBLEMS = 200_000
#: Responses of one import.
MAX_IMPORTED_RESPONSES = 2_000_000
#: Characters of one imported response.
MAX_RESPONSE_CHARACTERS = 4_000_000
#: Reasons that a job shows.
MAX_REASONS = 5
#: Problems that are named in one class of disagreement.
MAX_NAMED_PROBLEMS = 100
#: Shards in the timeline of an evaluation.
MAX_TIMELINE_SHARDS = 2_000
#: Events in the timeline of an evaluation.
MAX_TIMELINE_EVENTS = 300
#: Values of a trait that is broken down; a trait with more is taken as an id.
MAX_GROUPS = 40
#: Time for a webhook receiver to answer.
DELIVERY_SECONDS = 10.0
#: Error text that is kept of a webhook delivery.
MAX_DELIVERY_ERROR_CHARACTERS = 500
