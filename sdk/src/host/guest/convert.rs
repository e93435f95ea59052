//! The errors of the host's imports as those of this crate.

use crate::bindings::switchyard::plugin::{
    batch as wit_batch, events as wit_events, queues as wit_queues, sagas as wit_sagas,
};
use crate::{batch, events, queues, sagas};

impl From<wit_events::Error> for events::Error {
    fn from(error: wit_events::Error) -> Self {
        match error {
            wit_events::Error::Invalid(what) => Self::Invalid(what),
            wit_events::Error::Rejected(why) => Self::Rejected(why),
            wit_events::Error::Denied(what) => Self::Denied(what),
            wit_events::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<wit_queues::Error> for queues::Error {
    fn from(error: wit_queues::Error) -> Self {
        match error {
            wit_queues::Error::Full(what) => Self::Full(what),
            wit_queues::Error::NotFound(what) => Self::NotFound(what),
            wit_queues::Error::NotLeased => Self::NotLeased,
            wit_queues::Error::Invalid(what) => Self::Invalid(what),
            wit_queues::Error::Denied(what) => Self::Denied(what),
            wit_queues::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<wit_sagas::Error> for sagas::Error {
    fn from(error: wit_sagas::Error) -> Self {
        match error {
            wit_sagas::Error::NotFound(what) => Self::NotFound(what),
            wit_sagas::Error::Invalid(what) => Self::Invalid(what),
            wit_sagas::Error::Conflict(why) => Self::Conflict(why),
            wit_sagas::Error::Denied(what) => Self::Denied(what),
            wit_sagas::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}

impl From<wit_batch::Error> for batch::Error {
    fn from(error: wit_batch::Error) -> Self {
        match error {
            wit_batch::Error::Conflict(key) => Self::Conflict(key.into()),
            wit_batch::Error::Invalid(what) => Self::Invalid(what),
            wit_batch::Error::NoSuchStore(name) => Self::NoSuchStore(name),
            wit_batch::Error::Full(what) => Self::Full(what),
            wit_batch::Error::Rejected(why) => Self::Rejected(why),
            wit_batch::Error::NotLeased => Self::NotLeased,
            wit_batch::Error::Denied(what) => Self::Denied(what),
            wit_batch::Error::Unavailable(why) => Self::Unavailable(why),
        }
    }
}
