//! Reading sagas: one, its history, and lists.

use serde_json::Value;
use switchyard_core::saga::{Status, timeline};
use switchyard_store::ListKeys;

use super::{
    operate::known_id,
    record::{self, COMPLETED, FAILED, JOURNAL, OPEN, STUCK},
    view,
};
use crate::{delivery::Delivery, error::Error};

/// The lists of sagas, in the order in which they are shown.
const LISTS: [&str; 4] = [OPEN, STUCK, FAILED, COMPLETED];

/// Pages that one question may look through; what it did not come to is behind its cursor.
const PAGES_MAX: usize = 20;

/// What divides the list from the key in a cursor.
const DIVIDER: char = ':';

/// Which sagas are asked for.
#[derive(Clone, Debug, Default)]
pub struct ListSagas {
    /// Only those that stand here.
    pub status: Option<Status>,
    /// Only those of this definition.
    pub name: Option<String>,
    /// Where to read on: [`SagaPage::next`] of the page before.
    pub after: Option<String>,
    /// The most of one page.
    pub limit: usize,
}

/// Sagas, or lines of a history, as JSON.
#[derive(Clone, Debug, Default)]
pub struct SagaPage {
    /// What was found.
    pub items: Vec<Value>,
    /// Where to read on; none when there is nothing more.
    pub next: Option<String>,
}

// === impl Delivery ===

impl Delivery {
    /// A saga: what it is about, and each of its steps.
    ///
    /// # Errors
    /// When there is none, or the store cannot be read.
    pub async fn saga(&self, id: &str) -> Result<Value, Error> {
        Ok(view::shown_with_story(&self.read_saga(&known_id(id)?).await?))
    }

    /// The history of a saga, oldest first; `after` is [`SagaPage::next`] of the page before. A page may be some lines
    /// longer than `limit`: what was written together is shown together.
    ///
    /// # Errors
    /// When there is no such saga, or the store cannot be read.
    pub async fn saga_history(&self, id: &str, after: Option<u64>, limit: usize) -> Result<SagaPage, Error> {
        let id = known_id(id)?;
        let known = self.read_saga(&id).await?;
        let list = ListKeys {
            prefix: Some(format!("{id}/").into()),
            after: after.map(|first| record::journal_key(&id, first).into()),
            limit,
        };
        let page = self.store.kv_list(JOURNAL, list).await?;
        let mut shown = SagaPage::default();
        for key in page.keys {
            let Some(Ok(first)) = key.rsplit('/').next().map(str::parse::<u64>) else { continue };
            if shown.items.len() >= limit {
                break;
            }
            let Some(entry) = self.store.kv_get(JOURNAL, &key).await? else { continue };
            for (sequence, event) in (first..).zip(record::decode_events(&key, &entry.value)?) {
                let line = timeline::entry(known.saga.definition(), &event);
                // Texts and numbers always serialise.
                let mut line = serde_json::to_value(line).unwrap_or_default();
                if let Some(members) = line.as_object_mut() {
                    members.insert("sequence".to_owned(), sequence.into());
                }
                shown.items.push(line);
            }
            let more = last_sequence(&shown) + 1 < known.story.events;
            shown.next = more.then(|| first.to_string());
        }
        Ok(shown)
    }

    /// Sagas: those at work by their ids, then those that are stuck, have failed and are completed, each by time.
    ///
    /// # Errors
    /// When the cursor is none of this list, or the store cannot be read.
    pub async fn sagas(&self, list: ListSagas) -> Result<SagaPage, Error> {
        let buckets: Vec<&str> = LISTS.into_iter().filter(|bucket| stands_in(list.status, bucket)).collect();
        let (mut place, mut after) = match &list.after {
            None => (0, None),
            Some(cursor) => {
                let divided = cursor.split_once(DIVIDER);
                let found =
                    divided.and_then(|(name, key)| Some((buckets.iter().position(|b| name_of(b) == name)?, key)));
                let wrong = || Error::Invalid(format!("'{cursor}' is no cursor of this list; begin without one"));
                let (place, key) = found.ok_or_else(wrong)?;
                (place, Some(key.into()))
            }
        };
        let mut shown = SagaPage::default();
        for _ in 0..PAGES_MAX {
            let Some(bucket) = buckets.get(place) else { return Ok(SagaPage { next: None, ..shown }) };
            let page = self.store.kv_list(bucket, ListKeys { after, limit: list.limit, ..ListKeys::default() }).await?;
            for key in &page.keys {
                if let Some(summary) = self.summary(key, &list).await? {
                    shown.items.push(summary);
                }
                shown.next = Some(format!("{}{DIVIDER}{key}", name_of(bucket)));
                if shown.items.len() >= list.limit {
                    let is_last = page.next.is_none() && page.keys.last() == Some(key) && place + 1 == buckets.len();
                    return Ok(SagaPage { next: shown.next.filter(|_| !is_last), ..shown });
                }
            }
            after = page.next;
            if after.is_none() {
                place += 1;
            }
        }
        Ok(shown)
    }

    /// A saga of a list as it is shown, if it is one that is asked for. One that cannot be read is, with the reason.
    async fn summary(&self, key: &str, list: &ListSagas) -> Result<Option<Value>, Error> {
        let Some(id) = record::id_of(key) else { return Ok(None) };
        match self.read_saga(&id).await {
            Ok(known) => {
                let saga = &known.saga;
                let is_asked_for = list.status.is_none_or(|status| status == saga.status())
                    && list.name.as_ref().is_none_or(|name| name == saga.definition().name());
                Ok(is_asked_for.then(|| view::summary(saga)))
            }
            // It was removed, or moved to another list, since.
            Err(Error::NotFound(_)) => Ok(None),
            Err(error) => {
                tracing::error!(saga = %id, %error, "a saga cannot be read");
                Ok(Some(serde_json::json!({"sagaId": id, "status": "unreadable", "error": error.to_string()})))
            }
        }
    }
}

fn last_sequence(page: &SagaPage) -> u64 {
    page.items.last().and_then(|line| line["sequence"].as_u64()).unwrap_or_default()
}

/// The name of a list in cursors.
fn name_of(bucket: &str) -> &str {
    bucket.strip_prefix("$saga-").unwrap_or(bucket)
}

/// Whether a saga that stands there is in this list.
fn stands_in(status: Option<Status>, bucket: &str) -> bool {
    match status {
        None => true,
        Some(Status::Running | Status::Waiting | Status::Compensating) => bucket == OPEN,
        Some(Status::Stuck) => bucket == STUCK,
        Some(Status::Failed) => bucket == FAILED,
        Some(Status::Completed) => bucket == COMPLETED,
    }
}
