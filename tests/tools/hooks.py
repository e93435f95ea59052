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

# Paths of routes, of which the grammar takes more than it is worth to invent.
schemathesis.openapi.format("path", st.from_regex(r"(/[A-Za-z0-9_-]{1,20}){1,4}(/\*)?", fullmatch=True))


# What is left out of queries: invented cursors, where one is what an answer gave and tells which list it goes on in; and
# what would make a stream without an end, which is another test's.
LEFT_OUT = {"/api/v1/sagas": ["cursor"], "/api/v1/logs": ["cursor", "follow"]}


@schemathesis.hook
def map_query(context, query):
    """Leaves out what cannot be invented."""
    for name in LEFT_OUT.get(context.operation.path, []):
        if query:
            query.pop(name, None)
    return query
