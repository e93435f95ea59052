//! A form that makes a subscription.

use maud::{Markup, html};

use crate::console::{
    page::View,
    parts::{self, Action},
};

/// The call that makes a webhook.
pub(super) const COMMAND: &str = "curl -X POST http://127.0.0.1:3900/api/v1/subscriptions \\\n  -d '{\"topic\":\"order.*\",\"url\":\"https://example.com/hook\"}'";

pub(super) fn form(view: &View<'_>) -> Markup {
    let fields = html! {
        (parts::needed("topic", "Topic or pattern", "", "order.*"))
        (parts::input("url", "Webhook URL", "", "https://example.com/hook"))
        (parts::input("service", "Or service", "", "notification-service"))
        (parts::input("name", "Name", "", "webhook/TOPIC unless given"))
        (parts::input("filter", "Filter, in CEL", "", "data.amount > 100"))
        (parts::choice("start", "Begins with", "latest", &[("latest", "events from now on"), ("first", "the first event that is kept")]))
        (parts::number("maxAttempts", "Attempts", "", 1, 1_000))
        (parts::input("priority", "Priority", "", "0"))
        (parts::tick("once", "ends with the first success", false))
    };
    html! {
        p.hint { "Events are posted to a webhook as CloudEvents; a service has them handed to its event handler. Give one of the two." }
        (Action::new(view, "subscription.create", "Subscribe").fields(fields))
    }
}
