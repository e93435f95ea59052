//! `switchyard:plugin/event-middleware`: what becomes of an event before it is stored.

use std::collections::BTreeMap;

use switchyard_core::{
    describe::Role,
    event::{Attribute, Event, Verdict},
};
use wasmtime::component::InstancePre;

use super::{
    linked::{Call, absent},
    roles,
    warm::Guest,
    wit::{self, Lowered, event_types::EventResult},
};
use crate::{
    host::{DATASCHEMA, cut},
    state::GuestState,
};

type Params<'a> = (wit::event_types::EventParam<'a>,);
type Return = (wit::event_middleware::Verdict,);

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, Return>(pre, Role::EventMiddleware, "process")
}

/// An event to be looked at.
pub(super) struct Process<'a> {
    pub(super) event: &'a Event,
}

impl Call for Process<'_> {
    type Answer = Verdict;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<Verdict> {
        let middleware = guest.exports.event_middleware.as_ref().ok_or_else(|| absent(Role::EventMiddleware))?;
        let lowered = Lowered::new(self.event);
        let pairs = lowered.pairs();
        let verdict = middleware.call_process(&mut guest.store, lowered.event(&pairs)).await?;
        Ok(match verdict {
            wit::event_middleware::Verdict::Pass => Verdict::Pass,
            wit::event_middleware::Verdict::Change(changed) => Verdict::Change(Box::new(change(self.event, changed))),
            wit::event_middleware::Verdict::Reject(reason) => Verdict::Reject(cut(reason)),
        })
    }
}

/// The event as the middleware wants it. What the interface cannot say stays as it was: that there is a payload of no
/// bytes, and the type of an attribute whose text is the same.
fn change(original: &Event, mut said: EventResult) -> Event {
    let schema = said.extensions.iter().rposition(|(name, _)| name == DATASCHEMA);
    let dataschema = schema.map(|place| said.extensions.swap_remove(place).1);
    let typed = |(name, value): (String, String)| {
        let known = original.extensions.get(&name).filter(|known| wit::text(known) == value);
        let value = known.cloned().unwrap_or(Attribute::String(value));
        (name, value)
    };
    let extensions: BTreeMap<_, _> = said.extensions.into_iter().map(typed).collect();
    let empty = original.data.clone().filter(|data| data.is_empty());
    Event {
        id: original.id.clone(),
        source: original.source.clone(),
        topic: original.topic.clone(),
        time: said.time,
        subject: said.subject,
        datacontenttype: said.datacontenttype,
        dataschema,
        correlationid: said.correlationid,
        causationid: said.causationid,
        traceparent: said.traceparent,
        partitionkey: said.partitionkey,
        extensions,
        data: if said.data.is_empty() { empty } else { Some(said.data.into()) },
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use switchyard_core::{
        event::{Circumstances, Draft},
        timestamp::Timestamp,
    };

    use super::*;

    fn event(data: Option<Bytes>) -> Event {
        let extensions = [
            ("count".to_owned(), Attribute::Integer(7)),
            ("flag".to_owned(), Attribute::Boolean(true)),
            ("word".to_owned(), Attribute::String("a".to_owned())),
        ];
        let draft = Draft {
            topic: "order.created".to_owned(),
            dataschema: Some("https://example.com/order".to_owned()),
            extensions: extensions.into(),
            data,
            ..Draft::default()
        };
        let circumstances = Circumstances {
            now: Timestamp(0),
            new_id: "1".to_owned(),
            source: "/services/shop".to_owned(),
            cause: None,
            traceparent: None,
        };
        draft.complete(circumstances).unwrap()
    }

    /// What a middleware that changes nothing answers.
    fn echo(event: &Event) -> EventResult {
        let lowered = Lowered::new(event);
        let pairs = lowered.pairs();
        let said = lowered.event(&pairs);
        EventResult {
            id: said.id.to_owned(),
            source: said.source.to_owned(),
            topic: said.topic.to_owned(),
            time: said.time.to_owned(),
            subject: said.subject.map(str::to_owned),
            datacontenttype: said.datacontenttype.map(str::to_owned),
            correlationid: said.correlationid.to_owned(),
            causationid: said.causationid.map(str::to_owned),
            traceparent: said.traceparent.map(str::to_owned),
            partitionkey: said.partitionkey.map(str::to_owned),
            extensions: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            data: said.data.to_vec(),
        }
    }

    #[test]
    fn an_event_that_is_handed_back_is_the_same() {
        for data in [None, Some(Bytes::new()), Some(Bytes::from_static(b"\0\xff"))] {
            let event = event(data);
            assert_eq!(change(&event, echo(&event)), event);
        }
    }

    #[test]
    fn a_middleware_changes_all_but_what_an_event_is_known_by() {
        let original = event(Some(Bytes::from_static(b"{}")));
        let mut said = echo(&original);
        said.id = "2".to_owned();
        said.source = "/elsewhere".to_owned();
        said.topic = "other".to_owned();
        said.subject = Some("17".to_owned());
        said.data = Vec::new();
        said.extensions = vec![("count".to_owned(), "8".to_owned()), ("auditedby".to_owned(), "audit".to_owned())];
        let changed = change(&original, said);
        let kept = |event: &Event| (event.id.clone(), event.source.clone(), event.topic.clone());
        assert_eq!(kept(&changed), kept(&original));
        assert_eq!((changed.subject.as_deref(), changed.data, changed.dataschema), (Some("17"), None, None));
        let text = |text: &str| Attribute::String(text.to_owned());
        let expected = [("auditedby".to_owned(), text("audit")), ("count".to_owned(), text("8"))];
        assert_eq!(changed.extensions, expected.into());
    }
}
