//! W3C Trace Context: `00-TRACE-PARENT-FLAGS`, in lower-case hexadecimal digits.

use http::{HeaderMap, HeaderName};

const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// What is kept of a client's traceparent: the trace that a request belongs to, and its flags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Parent<'a> {
    trace_id: &'a [u8],
    flags: &'a [u8],
}

/// The header's value, of version 00.
pub(super) struct Traceparent([u8; 55]);

// === impl Parent ===

impl<'a> Parent<'a> {
    /// The client's traceparent, if there is one, and a valid one.
    pub(super) fn of(headers: &'a HeaderMap) -> Option<Self> {
        let first = headers.get(TRACEPARENT)?;
        let only = headers.get_all(TRACEPARENT).iter().nth(1).is_none();
        if only { Self::parse(first.as_bytes()) } else { None }
    }

    /// Reads version 00, and what of a later one is the same (section 3.2.4).
    fn parse(value: &'a [u8]) -> Option<Self> {
        let (version, rest) = field(value, 2)?;
        let (trace_id, rest) = field(rest.strip_prefix(b"-")?, 32)?;
        let (parent_id, rest) = field(rest.strip_prefix(b"-")?, 16)?;
        let (flags, rest) = field(rest.strip_prefix(b"-")?, 2)?;
        let version_fits = match version {
            b"ff" => false,
            b"00" => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let zero = |id: &[u8]| id.iter().all(|digit| *digit == b'0');
        (version_fits && !zero(trace_id) && !zero(parent_id)).then_some(Self { trace_id, flags })
    }
}

/// The traceparent for a service. The random half of the request's id is the new span; without a parent the whole
/// id is the new trace, not sampled by anybody yet.
pub(super) fn traceparent(parent: Option<Parent<'_>>, id: [u8; 16]) -> Traceparent {
    let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
    match parent {
        Some(parent) => {
            text[3..35].copy_from_slice(parent.trace_id);
            text[53..].copy_from_slice(parent.flags);
        }
        None => write_hex(&mut text[3..35], &id),
    }
    // The variant bits of a UUID keep it from being zero.
    write_hex(&mut text[36..52], &id[8..]);
    Traceparent(text)
}

// === impl Traceparent ===

impl Traceparent {
    pub(super) fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits and '-'")
    }
}

/// Splits off a field of lower-case hexadecimal digits.
fn field(value: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (field, rest) = value.split_at_checked(length)?;
    field.iter().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')).then_some((field, rest))
}

fn write_hex(out: &mut [u8], bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (pair, byte) in out.chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_valid_traceparents_count() {
        let trace = "0af7651916cd43dd8448eb211c80319c";
        let span = "b7ad6b7169203331";
        for good in
            [format!("00-{trace}-{span}-01"), format!("01-{trace}-{span}-01"), format!("fe-{trace}-{span}-00-x")]
        {
            assert_eq!(Parent::parse(good.as_bytes()).unwrap().trace_id, trace.as_bytes(), "{good}");
        }
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            format!("ff-{trace}-{span}-01"),
            format!("00-{trace}-{span}-01-x"),
            format!("01-{trace}-{span}-01x"),
            format!("00-{zeros}-{span}-01"),
            format!("00-{trace}-{}-01", &zeros[..16]),
            format!("00-{}-{span}-01", trace.to_uppercase()),
            format!("00-{trace}-{span}"),
            format!("00-{trace}+{span}-01"),
        ] {
            assert_eq!(Parent::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn two_traceparents_are_none() {
        let mut headers = HeaderMap::new();
        for _ in 0..2 {
            let value = http::HeaderValue::from_static("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
            headers.append(TRACEPARENT, value);
        }
        assert_eq!(Parent::of(&headers), None);
    }
}
