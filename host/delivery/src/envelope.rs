//! What a message carries in the store besides its payload: what led to it, so that what its handling leads to belongs
//! to the same story.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

/// The first byte: this layout.
const VERSION: u8 = 1;

/// The bytes before the attributes: the version, and the attributes' length.
const HEAD: usize = 1 + size_of::<u32>();

/// What led to a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Story {
    /// Shared by everything that one cause led to.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) correlationid: Option<String>,
    /// The W3C trace context in which it was enqueued.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) traceparent: Option<String>,
}

/// The message as the store keeps it.
pub(crate) fn encode(story: &Story, data: &[u8]) -> Bytes {
    // Two texts always serialise.
    let attributes = serde_json::to_vec(story).unwrap_or_default();
    let mut bytes = BytesMut::with_capacity(HEAD + attributes.len() + data.len());
    bytes.put_u8(VERSION);
    bytes.put_u32(u32::try_from(attributes.len()).unwrap_or(u32::MAX));
    bytes.put_slice(&attributes);
    bytes.put_slice(data);
    bytes.freeze()
}

/// The story and the payload. What is no such layout is all payload.
pub(crate) fn decode(record: &Bytes) -> (Story, Bytes) {
    let split = || {
        let mut rest = record.clone();
        if rest.len() < HEAD || rest.get_u8() != VERSION {
            return None;
        }
        let length = rest.get_u32() as usize;
        if rest.len() < length {
            return None;
        }
        let story = serde_json::from_slice(&rest.split_to(length)).ok()?;
        Some((story, rest))
    };
    split().unwrap_or_else(|| (Story::default(), record.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_reads_back_the_same() {
        for story in
            [Story::default(), Story { correlationid: Some("c".to_owned()), traceparent: Some("t".to_owned()) }]
        {
            assert_eq!(decode(&encode(&story, b"\0\xff")), (story, Bytes::from_static(b"\0\xff")));
        }
        for foreign in [&b""[..], b"{}", b"\x01\0\0\0\xff{}"] {
            assert_eq!(decode(&Bytes::from_static(foreign)), (Story::default(), Bytes::from_static(foreign)));
        }
    }
}
