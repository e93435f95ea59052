//! Event middleware: components that see events before they are stored, in the order that the operator says.

use std::{sync::Arc, time::Duration};

use switchyard_core::{
    event::{Event, Verdict},
    name::ServiceName,
};
use switchyard_dispatch::{CallContext, CallError};
use tokio::time::Instant;

use crate::{
    config::{Config, OnError},
    delivery::Delivery,
    error::Error,
    random,
};

/// The time that one middleware has for one event.
pub(crate) const MIDDLEWARE_MAX: Duration = Duration::from_millis(100);

// === impl Delivery ===

impl Delivery {
    /// Lets each middleware see the event. `context` is that of the guest that publishes.
    ///
    /// # Errors
    /// When one rejects it, or fails where that rejects.
    pub(crate) async fn pass_middleware(
        &self,
        config: &Config,
        context: Option<&CallContext>,
        event: &mut Event,
    ) -> Result<(), Error> {
        for name in &config.middleware {
            // What a middleware publishes while it looks at an event would come back to it without end.
            if context.is_some_and(|context| context.ancestors.contains(name)) {
                continue;
            }
            match self.ask(name, context, event).await {
                Ok(Verdict::Pass) => {}
                Ok(Verdict::Reject(text)) => return Err(Error::Rejected(text)),
                Ok(Verdict::Change(changed)) => {
                    let changed = kept(event, *changed);
                    match changed.check() {
                        Ok(()) => *event = changed,
                        Err(error) => failed(config, name, event, &format!("what it made does not hold: {error}"))?,
                    }
                }
                Err(reason) => failed(config, name, event, &reason)?,
            }
        }
        Ok(())
    }

    async fn ask(&self, name: &ServiceName, outer: Option<&CallContext>, event: &Event) -> Result<Verdict, String> {
        let snapshot = self.dispatcher.snapshot();
        let service = snapshot.services.get(name).ok_or("there is no such service")?;
        let deadline = Instant::now() + MIDDLEWARE_MAX;
        let context = match outer {
            Some(outer) => CallContext { deadline: outer.deadline.min(deadline), handled: None, ..outer.clone() },
            None => context(deadline, event.traceparent.as_deref()),
        };
        let asked = self.dispatcher.process_event(service, context, event);
        match tokio::time::timeout_at(deadline, asked).await {
            Ok(answer) => answer.map_err(|error: CallError| error.to_string()),
            Err(_) => Err(format!("it took longer than {MIDDLEWARE_MAX:?}")),
        }
    }
}

/// A call that nobody's request led to.
pub(crate) fn context(deadline: Instant, traceparent: Option<&str>) -> CallContext {
    CallContext {
        request_id: random::id().into(),
        traceparent: traceparent.map(Arc::from),
        ancestors: Arc::default(),
        deadline,
        body_max: switchyard_core::event::DATA_MAX,
        show_backtrace: false,
        cause: None,
        handled: None,
    }
}

/// What a middleware may not change stays as it was.
fn kept(event: &Event, changed: Event) -> Event {
    Event { id: event.id.clone(), source: event.source.clone(), topic: event.topic.clone(), ..changed }
}

fn failed(config: &Config, name: &ServiceName, event: &Event, reason: &str) -> Result<(), Error> {
    tracing::warn!(middleware = %name, event = event.id, topic = event.topic, reason, "an event middleware failed");
    match config.on_error {
        OnError::Pass => Ok(()),
        OnError::Reject => Err(Error::Rejected(format!("the event middleware '{name}' failed: {reason}"))),
    }
}
