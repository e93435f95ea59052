//! Shares of versions.

use switchyard_core::problem::Code;

use super::Entry;
use crate::{
    admin::{
        openapi::{
            Operation,
            schemas::{of, taken},
        },
        traffic::TrafficItem,
    },
    traffic,
};

const PATH: &str = "/api/v1/services/{id}/traffic";

pub(super) fn all() -> Vec<Entry> {
    vec![
        (
            PATH,
            "get",
            Operation::new("traffic", "services", "How the calls of a service are shared between its versions")
                .answers(200, "Each version with its share and what was counted of its calls", of::<TrafficItem>())
                .refuses(&[Code::NotFound]),
        ),
        (
            PATH,
            "put",
            Operation::new("shareTraffic", "services", "Shares the HTTP calls of a service between its versions")
                .about(
                    "Only HTTP is shared; all else goes to the main version. What a version should get that is not there \
                     any more is the main version's until it comes back.",
                )
                .takes(taken::<traffic::Draft>(), true)
                .answers(200, "It is shared like this", of::<TrafficItem>())
                .refuses(&[Code::BadRequest, Code::NotFound, Code::Conflict, Code::StoreUnavailable]),
        ),
        (
            PATH,
            "delete",
            Operation::new("clearTraffic", "services", "Gives all calls back to the main version")
                .empty()
                .refuses(&[Code::NotFound, Code::StoreUnavailable]),
        ),
    ]
}
