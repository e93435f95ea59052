//! What a service may use besides its own: topics, queues and sagas where grants are explicit, and in any case the
//! key-value buckets of others.

use std::collections::{BTreeMap, BTreeSet};

use switchyard_core::{message::is_queue_name, name::ServiceName, saga};
use switchyard_delivery::config::Grant;
use switchyard_runtime::settings::Access;

use super::super::{
    check::{Wrong, wrong},
    spanned::Spanned,
};

/// The bucket that each service calls its own by this name.
const OWN: &str = "default";

/// All grants of a service.
pub(super) struct Granted {
    pub(super) grants: BTreeSet<Grant>,
    pub(super) buckets: BTreeMap<String, Access>,
}

/// One grant.
enum Parsed {
    Other(Grant),
    Bucket(String, Access),
}

/// Checks them.
pub(super) fn grants(raw: Vec<Spanned<String>>) -> Result<Granted, Wrong> {
    let mut granted = Granted { grants: BTreeSet::new(), buckets: BTreeMap::new() };
    for grant in raw {
        match parse(grant.as_ref()) {
            Some(Parsed::Other(grant)) => _ = granted.grants.insert(grant),
            Some(Parsed::Bucket(name, _)) if name == OWN => {
                return wrong(&grant, format!("'{OWN}' is what each service calls its own bucket; it needs no grant"));
            }
            Some(Parsed::Bucket(name, access)) => {
                let known = granted.buckets.entry(name).or_insert(access);
                *known = access.max(*known);
            }
            None => {
                let message = format!(
                    "'{}' is no grant: write publish:TOPIC-PATTERN, subscribe:TOPIC-PATTERN, queue:NAME, saga:NAME, \
                     bucket:NAME or bucket:NAME:read",
                    grant.as_ref()
                );
                return wrong(&grant, message);
            }
        }
    }
    Ok(granted)
}

fn parse(grant: &str) -> Option<Parsed> {
    let (kind, what) = grant.split_once(':')?;
    let grant = match kind {
        "publish" => Grant::Publish(what.parse().ok()?),
        "subscribe" => Grant::Subscribe(what.parse().ok()?),
        "queue" if is_queue_name(what) => Grant::Queue(what.to_owned()),
        "saga" if saga::id::is_name(what) => Grant::Saga(what.to_owned()),
        "bucket" => {
            let (name, access) = match what.split_once(':') {
                Some((name, "read")) => (name, Access::Read),
                None => (what, Access::Write),
                Some(_) => return None,
            };
            return Some(Parsed::Bucket(name.parse::<ServiceName>().ok()?.into(), access));
        }
        _ => return None,
    };
    Some(Parsed::Other(grant))
}
