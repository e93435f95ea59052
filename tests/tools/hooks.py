"""What schemathesis cannot know of the admin API: texts that no pattern tells, and cursors.

schemathesis reads this by SCHEMATHESIS_HOOKS.
"""

import schemathesis
from hypothesis import strategies as st

FORMATS = {
    # Filters of subscriptions.
    "cel": ["true", "data.amount > 100", "type == 'order.created' && has(data.id)"],
    # Webhooks: nobody listens at port 9.
    "webhook": ["http://127.0.0.1:9/hook", "https://hooks.example.test/events"],
    # Addresses of upstreams.
    "origin": ["http://127.0.0.1:9", "https://upstream.example.test", "h2c://127.0.0.1:9", "127.0.0.1:9"],
    # Where an upstream's health is asked.
    "health": ["/healthz", "/", "http://127.0.0.1:9/healthz"],
}

for name, values in FORMATS.items():
    schemathesis.openapi.format(name, st.sampled_from(values))


@schemathesis.hook
def map_query(context, query):
    """Leaves out invented cursors of sagas: one is what an answer gave, and tells which list it goes on in."""
    if query and context.operation.path == "/api/v1/sagas":
        query.pop("cursor", None)
    return query
