//! Chooses the handler of an event.

use super::{Event, pattern::Pattern};
use crate::bindings::event_handler::exports::switchyard::plugin::event_handler as wit;
use crate::failure::IntoHandled;
use crate::{Failure, host};

type Handler = Box<dyn Fn(&Event, &Delivery) -> Result<(), Failure> + Send + Sync>;

/// How an event comes to its handler.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The subscription's name: SERVICE/PATTERN unless the manifest gives a name or a group.
    pub subscription: String,
    /// The event's place in the host's log.
    pub sequence: u64,
    /// 1 the first time; deferred deliveries do not count.
    pub attempt: u32,
}

/// The event handlers of a plugin with several subscriptions.
///
/// An event comes once for each subscription that matches it. It goes to the handler of that very subscription: the
/// one [`named`](Self::named) so, else the one [`on`](Self::on) the pattern that the subscription is named after. If
/// there is none, as for a subscription with a group or from a side file, it goes to the first added whose pattern
/// matches the topic. An event for which there is no handler is rejected: a dead letter, to be seen.
///
/// ```
/// use switchyard_sdk::{Delivery, Event, Failure, Manifest, Subscriber, Subscription};
///
/// fn subscriber() -> Subscriber {
///     Subscriber::new().on("order.*", on_order).on("user.created", |event: &Event, _: &Delivery| {
///         switchyard_sdk::log::info!("hello, {}", event.json::<String>()?);
///         Ok::<(), Failure>(())
///     })
/// }
///
/// fn on_order(event: &Event, delivery: &Delivery) -> Result<(), Failure> {
///     if delivery.attempt > 2 { Err(Failure::reject(event.topic())) } else { Ok(()) }
/// }
///
/// fn manifest() -> Manifest {
///     switchyard_sdk::manifest!()
///         .subscription(Subscription::new("order.*"))
///         .subscription(Subscription::new("user.created"))
/// }
///
/// switchyard_sdk::plugin! { manifest: manifest, events: subscriber }
/// # fn main() {}
/// ```
#[derive(Default)]
pub struct Subscriber {
    handlers: Vec<(Wanted, Handler)>,
}

/// What can handle the events of a plugin: a `fn() -> Subscriber`, or one `fn(&Event, &Delivery)` for all of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles no events",
    note = "name a `fn(&Event, &Delivery) -> Result<(), Failure>` or a `fn() -> Subscriber`"
)]
pub trait IntoSubscriber<Kind> {
    /// Makes the subscriber.
    fn into_subscriber(self) -> Subscriber;
}

/// Marks functions that make a subscriber.
#[derive(Debug)]
pub struct Routed;

/// Marks functions that handle all events.
#[derive(Debug)]
pub struct One<R>(std::marker::PhantomData<R>);

#[derive(Debug)]
enum Wanted {
    Pattern(Pattern),
    Subscription(&'static str),
}

// === impl Subscriber ===

impl Subscriber {
    /// No handlers: every event is rejected.
    pub fn new() -> Self {
        Self::default()
    }

    /// A handler for the subscription with this topic pattern.
    ///
    /// # Panics
    /// When it is no pattern, or has a handler already.
    pub fn on<R: IntoHandled>(
        self,
        pattern: &'static str,
        handler: impl Fn(&Event, &Delivery) -> R + Send + Sync + 'static,
    ) -> Self {
        self.add(Wanted::Pattern(Pattern::parse(pattern)), handler)
    }

    /// A handler for the subscription of this name or group.
    ///
    /// # Panics
    /// When it has a handler already.
    pub fn named<R: IntoHandled>(
        self,
        subscription: &'static str,
        handler: impl Fn(&Event, &Delivery) -> R + Send + Sync + 'static,
    ) -> Self {
        self.add(Wanted::Subscription(subscription), handler)
    }

    /// Handles an event.
    ///
    /// # Errors
    /// With the handler's failure.
    pub fn handle(&self, event: &Event, delivery: &Delivery) -> Result<(), Failure> {
        let Some(handler) = self.find(event, delivery) else {
            return Err(Failure::Reject(format!(
                "no handler for `{}` of subscription `{}`",
                event.topic(),
                delivery.subscription
            )));
        };
        host::handling(host::Handled::Event(event), || handler(event, delivery))
    }

    fn add<R: IntoHandled>(
        mut self,
        wanted: Wanted,
        handler: impl Fn(&Event, &Delivery) -> R + Send + Sync + 'static,
    ) -> Self {
        assert!(!self.handlers.iter().any(|(other, _)| other.text() == wanted.text()), "{wanted:?} has two handlers");
        self.handlers.push((wanted, Box::new(move |event, delivery| handler(event, delivery).into_handled())));
        self
    }

    fn find(&self, event: &Event, delivery: &Delivery) -> Option<&Handler> {
        let name = &delivery.subscription;
        // A service's name has no slash, so what follows the first one is the pattern.
        let pattern = name.split_once('/').map(|(_, pattern)| pattern);
        let rank = |wanted: &Wanted| match wanted {
            Wanted::Subscription(named) => (named == name).then_some(0),
            Wanted::Pattern(on) if !on.matches(event.topic()) => None,
            Wanted::Pattern(on) => Some(if Some(on.as_str()) == pattern { 1 } else { 2 }),
        };
        let ranked = self.handlers.iter().filter_map(|(wanted, handler)| Some((rank(wanted)?, handler)));
        // Of equal ones the first added.
        ranked.min_by_key(|(rank, _)| *rank).map(|(_, handler)| handler)
    }
}

impl std::fmt::Debug for Subscriber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|(wanted, _)| wanted)).finish()
    }
}

// === impl IntoSubscriber ===

impl<F: FnOnce() -> Subscriber> IntoSubscriber<Routed> for F {
    fn into_subscriber(self) -> Subscriber {
        self()
    }
}

impl<F, R> IntoSubscriber<One<R>> for F
where
    F: Fn(&Event, &Delivery) -> R + Send + Sync + 'static,
    R: IntoHandled,
{
    fn into_subscriber(self) -> Subscriber {
        Subscriber::new().on(">", self)
    }
}

// === impl Delivery ===

impl From<wit::Delivery> for Delivery {
    fn from(delivery: wit::Delivery) -> Self {
        let wit::Delivery { subscription, sequence, attempt } = delivery;
        Self { subscription, sequence, attempt }
    }
}

// === impl Wanted ===

impl Wanted {
    fn text(&self) -> (bool, &'static str) {
        match self {
            Self::Pattern(pattern) => (true, pattern.as_str()),
            Self::Subscription(name) => (false, name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    fn deliver(subscriber: &Subscriber, subscription: &str, draft: crate::events::Draft) -> Result<(), Failure> {
        testing::deliver(subscriber, subscription, &testing::event(draft))
    }

    fn subscriber() -> Subscriber {
        let answer = |text: &'static str| move |_: &Event, _: &Delivery| Err::<(), _>(Failure::retry(text));
        Subscriber::new()
            .on(">", answer("all"))
            .on("order.*", answer("order"))
            .on("user.created", answer("user"))
            .named("billing", answer("billing"))
    }

    #[track_caller]
    fn check(subscription: &str, topic: &str, handler: &str) {
        let answer = deliver(&subscriber(), subscription, Event::new(topic));
        assert_eq!(answer, Err(Failure::retry(handler)), "{topic} by {subscription}");
    }

    #[test]
    fn an_event_goes_to_the_handler_of_its_subscription() {
        check("shop/>", "order.created", "all");
        check("shop/order.*", "order.created", "order");
        check("shop/user.created", "user.created", "user");
        check("billing", "order.created", "billing");
    }

    #[test]
    fn without_one_it_goes_to_the_first_that_matches_the_topic() {
        check("some-group", "order.created", "all");
        check("shop/user.*", "user.created", "all");
    }

    #[test]
    fn an_event_that_nobody_handles_is_rejected() {
        let subscriber = Subscriber::new().on("order.*", |_: &Event, _: &Delivery| ());
        assert_eq!(deliver(&subscriber, "shop/order.*", Event::new("order.created")), Ok(()));
        let answer = deliver(&subscriber, "shop/>", Event::new("user.created"));
        assert_eq!(answer, Err(Failure::reject("no handler for `user.created` of subscription `shop/>`")));
    }

    #[test]
    fn one_function_handles_everything() {
        fn on_event(event: &Event, _: &Delivery) -> Result<(), Failure> {
            if event.topic() == "a" { Ok(()) } else { Err(Failure::reject(event.topic())) }
        }
        let subscriber = on_event.into_subscriber();
        assert_eq!(deliver(&subscriber, "s/a", Event::new("a")), Ok(()));
        assert_eq!(deliver(&subscriber, "s/b.*", Event::new("b.c")), Err(Failure::reject("b.c")));
    }

    #[test]
    #[should_panic(expected = "two handlers")]
    fn a_second_handler_for_a_pattern_is_a_mistake() {
        let _ = subscriber().on("order.*", |_: &Event, _: &Delivery| ());
    }
}
