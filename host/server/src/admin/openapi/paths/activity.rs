//! What happened lately.

use super::{super::schemas, Entry, Operation, PAGE_MAX};
use crate::{admin::activity::Activity, feed::RING};

pub(super) fn all() -> Vec<Entry> {
    let about = format!(
        "What those who watch were told, of which the latest {RING} are kept until the host stops. `next` leads to those \
         before the last one of this page."
    );
    vec![(
        "/api/v1/activity",
        "get",
        Operation::new("listActivity", "host", "What happened lately, the newest first")
            .about(&about)
            .pages(PAGE_MAX, schemas::of::<Activity>()),
    )]
}
