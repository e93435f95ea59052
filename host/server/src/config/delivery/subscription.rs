//! `[[subscription]]`.

use std::ops::Range;

use switchyard_core::{
    manifest::{InvalidDelivery, SubscriptionSpec},
    name::ServiceName,
};
use switchyard_delivery::{
    Delivery,
    config::{ConfiguredSubscription, Endpoint},
};
use switchyard_dispatch::Webhooks;

use super::super::{
    check::{Wrong, wrong},
    raw,
    spanned::Spanned,
};

/// Where the members stand.
struct Spans {
    topic: Range<usize>,
    name: Option<Range<usize>>,
    group: Option<Range<usize>>,
    filter: Option<Range<usize>>,
    max_attempts: Option<Range<usize>>,
    backoff: Option<Range<usize>>,
}

/// Checks one subscription; its filter is compiled.
pub(super) fn subscription(raw: Spanned<raw::Subscription>) -> Result<ConfiguredSubscription, Wrong> {
    let table = raw.span();
    let raw = raw.into_inner();
    let spans = Spans::of(&raw);
    let endpoint = endpoint(raw.service, raw.url, raw.name.is_some() || raw.group.is_some(), table)?;
    let spec = SubscriptionSpec {
        topic: raw.topic.into_inner(),
        name: raw.name.map(Spanned::into_inner),
        group: raw.group.map(Spanned::into_inner),
        broadcast: raw.broadcast,
        priority: raw.priority,
        filter: raw.filter.map(Spanned::into_inner),
        once: raw.once,
        max_attempts: raw.max_attempts.map(Spanned::into_inner),
        backoff: raw.backoff.map(Spanned::into_inner),
        start: raw.start,
    };
    spec.check().map_err(|invalid| Wrong { span: spans.at(&spec, &invalid), message: invalid.to_string() })?;
    Delivery::check(&spec)
        .map_err(|error| Wrong { span: spans.filter.clone().unwrap_or(spans.topic), message: error.to_string() })?;
    Ok(ConfiguredSubscription { spec, endpoint })
}

fn endpoint(
    service: Option<Spanned<ServiceName>>,
    url: Option<Spanned<String>>,
    is_named: bool,
    table: Range<usize>,
) -> Result<Endpoint, Wrong> {
    match (service, url) {
        (Some(service), None) => Ok(Endpoint::Service(service.into_inner())),
        (None, Some(url)) => match Webhooks::check(url.as_ref()) {
            Err(invalid) => wrong(&url, invalid.to_string()),
            Ok(()) if !is_named => {
                wrong(&url, "a subscription with a url needs a name, which its cursor goes by".to_owned())
            }
            Ok(()) => Ok(Endpoint::Url(url.into_inner())),
        },
        (Some(_), Some(url)) => wrong(&url, "a subscription names either a service or a url; remove one".to_owned()),
        (None, None) => {
            let message = "a subscription names either a service or a url that is to be called".to_owned();
            Err(Wrong { span: table, message })
        }
    }
}

// === impl Spans ===

impl Spans {
    fn of(raw: &raw::Subscription) -> Self {
        Self {
            topic: raw.topic.span(),
            name: raw.name.as_ref().map(Spanned::span),
            group: raw.group.as_ref().map(Spanned::span),
            filter: raw.filter.as_ref().map(Spanned::span),
            max_attempts: raw.max_attempts.as_ref().map(Spanned::span),
            backoff: raw.backoff.as_ref().map(Spanned::span),
        }
    }

    /// Where what is wrong stands.
    fn at(&self, spec: &SubscriptionSpec, invalid: &InvalidDelivery) -> Range<usize> {
        let span = match invalid {
            InvalidDelivery::Name(wrong) if spec.name.as_ref() == Some(wrong) => &self.name,
            InvalidDelivery::Name(_) => &self.group,
            InvalidDelivery::Attempts => &self.max_attempts,
            InvalidDelivery::Backoff => &self.backoff,
            _ => &None,
        };
        span.clone().unwrap_or_else(|| self.topic.clone())
    }
}
