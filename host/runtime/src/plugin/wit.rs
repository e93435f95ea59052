//! The interfaces of ours that guests export, as the host calls them, and what several of them share.

use std::{borrow::Cow, time::Duration};

use switchyard_core::{
    event::{Attribute, Event},
    handled::Failure,
};

use crate::{
    host::{DATASCHEMA, cut},
    settings::DEFER_MAX,
};

pub(super) use self::bindings::{
    exports::switchyard::plugin::{
        authenticator, command_handler, event_handler, event_middleware, http_handler, http_middleware, queue_handler,
    },
    switchyard::plugin::{event_types, http_types, queue_types, types},
};

/// One world for all roles: each is looked up by itself, so a component need not have them all. Nothing exports
/// `mentions`; without it the generator writes the types that no role uses with a lifetime that they do not declare.
#[allow(missing_docs, reason = "generated; the WIT is documented")]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "
            package host:roles;
            interface mentions {
                use switchyard:plugin/types@0.1.0.{json};
                use switchyard:plugin/event-types@0.1.0.{draft as event-draft, receipt};
                use switchyard:plugin/queue-types@0.1.0.{draft as message-draft};
                mention: func(json: json, event: event-draft, receipt: receipt, message: message-draft);
            }
            world roles {
                export mentions;
                export switchyard:plugin/http-handler@0.1.0;
                export switchyard:plugin/event-handler@0.1.0;
                export switchyard:plugin/event-middleware@0.1.0;
                export switchyard:plugin/queue-handler@0.1.0;
                export switchyard:plugin/command-handler@0.1.0;
                export switchyard:plugin/http-middleware@0.1.0;
                export switchyard:plugin/authenticator@0.1.0;
            }
        ",
        world: "host:roles/roles",
        ownership: Borrowing { duplicate_if_necessary: true },
        exports: { default: async },
    });
}

/// An event as guests get it, with what has to be made for it.
pub(super) struct Lowered<'a> {
    event: &'a Event,
    extensions: Vec<(&'a str, Cow<'a, str>)>,
}

// === impl Lowered ===

impl<'a> Lowered<'a> {
    pub(super) fn new(event: &'a Event) -> Self {
        let schema = event.dataschema.iter().map(|schema| (DATASCHEMA, Cow::Borrowed(schema.as_str())));
        let further = event.extensions.iter().map(|(name, value)| (name.as_str(), text(value)));
        Self { event, extensions: schema.chain(further).collect() }
    }

    /// The pairs that the event's record points to.
    pub(super) fn pairs(&self) -> Vec<(&str, &str)> {
        self.extensions.iter().map(|(name, value)| (*name, value.as_ref())).collect()
    }

    pub(super) fn event<'b>(&'b self, pairs: &'b [(&'b str, &'b str)]) -> event_types::EventParam<'b> {
        let event = self.event;
        event_types::EventParam {
            id: &event.id,
            source: &event.source,
            topic: &event.topic,
            time: &event.time,
            subject: event.subject.as_deref(),
            datacontenttype: event.datacontenttype.as_deref(),
            correlationid: &event.correlationid,
            causationid: event.causationid.as_deref(),
            traceparent: event.traceparent.as_deref(),
            partitionkey: event.partitionkey.as_deref(),
            extensions: pairs,
            data: event.data.as_deref().unwrap_or_default(),
        }
    }
}

/// An attribute's value as guests get it: text, whatever its type.
pub(super) fn text(value: &Attribute) -> Cow<'_, str> {
    match value {
        Attribute::String(text) => Cow::Borrowed(text),
        other => Cow::Owned(other.to_text()),
    }
}

/// How a handler answered besides success, within the limits of what is kept of it.
pub(super) fn failure(said: types::Failure) -> Failure {
    match said {
        types::Failure::Retry(reason) => Failure::Retry(cut(reason)),
        types::Failure::Reject(reason) => Failure::Reject(cut(reason)),
        types::Failure::Defer(milliseconds) => Failure::Defer(Duration::from_millis(milliseconds).min(DEFER_MAX)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::REASON_BYTES_MAX;

    #[test]
    fn a_guest_cannot_answer_without_end() {
        assert_eq!(failure(types::Failure::Defer(u64::MAX)), Failure::Defer(DEFER_MAX));
        let Failure::Reject(reason) = failure(types::Failure::Reject("ä".repeat(REASON_BYTES_MAX))) else {
            panic!("it stays a rejection");
        };
        assert_eq!(reason.len(), REASON_BYTES_MAX);
        assert_eq!(failure(types::Failure::Retry("no".into())), Failure::Retry("no".into()));
    }
}
