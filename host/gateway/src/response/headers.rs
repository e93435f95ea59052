//! The headers of a response on its way out.

use http::{HeaderMap, header::CONTENT_LENGTH};

use crate::request::{is_hop_by_hop, remove_listed_in_connection};

/// Removes what is only for the hop between the service and the gateway; hyper says what holds for the client's.
pub(super) fn clean(headers: &mut HeaderMap) {
    remove_listed_in_connection(headers);
    while let Some(name) = headers.keys().find(|name| is_hop_by_hop(name)).cloned() {
        headers.remove(name);
    }
}

/// Removes a Content-Length that is no number, or there more than once: it cannot be kept.
pub(super) fn keep_valid_length(headers: &mut HeaderMap) {
    let mut values = headers.get_all(CONTENT_LENGTH).iter();
    let (Some(first), second) = (values.next(), values.next()) else { return };
    let digits = !first.is_empty() && first.as_bytes().iter().all(u8::is_ascii_digit);
    let number = digits && first.to_str().is_ok_and(|text| text.parse::<u64>().is_ok());
    if !number || second.is_some() {
        headers.remove(CONTENT_LENGTH);
    }
}
