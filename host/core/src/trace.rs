//! Traces: which one something belongs to (W3C Trace Context), and what a finished part of one is (a span, as
//! OpenTelemetry has it), as plain data.
//!
//! Who reads the clock, draws ids and sends spans anywhere is somebody else. **Invariant**: what
//! [`TraceParent::parse`] takes is valid by the specification, and what is written is of version 00.

mod span;

pub use self::span::{Kind, Link, Moment, Name, Span, SpanEvent, Status, Value};

/// The length of a traceparent of version 00.
const LENGTH: usize = 55;

/// The bit of the flags that says that a trace is recorded.
const SAMPLED: u8 = 1;

/// A place in a trace: `00-TRACE-SPAN-FLAGS`, in lower-case hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceParent {
    /// The trace; never all zeros.
    pub trace_id: [u8; 16],
    /// The span in it that what comes belongs to; never all zeros.
    pub span_id: [u8; 8],
    /// Bit 0 says that the trace is recorded.
    pub flags: u8,
}

/// A traceparent as text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct TraceText([u8; LENGTH]);

// === impl TraceParent ===

impl TraceParent {
    /// Reads version 00, and what of a later one is the same (W3C Trace Context, section 3.2.4). None when it is not
    /// valid.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let (version, rest) = split(text, 2)?;
        let (trace_id, rest) = split(rest.strip_prefix(b"-")?, 32)?;
        let (span_id, rest) = split(rest.strip_prefix(b"-")?, 16)?;
        let (flags, rest) = split(rest.strip_prefix(b"-")?, 2)?;
        let [version, flags] = [bytes::<1>(version)?[0], bytes::<1>(flags)?[0]];
        let version_fits = match version {
            0xff => false,
            0 => rest.is_empty(),
            _ => rest.is_empty() || rest.starts_with(b"-"),
        };
        let (trace_id, span_id) = (bytes(trace_id)?, bytes(span_id)?);
        let is_valid = version_fits && trace_id != [0; 16] && span_id != [0; 8];
        is_valid.then_some(Self { trace_id, span_id, flags })
    }

    /// Whether the trace is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The same place, recorded or not.
    #[must_use]
    pub fn sampled(self, is_sampled: bool) -> Self {
        let flags = if is_sampled { self.flags | SAMPLED } else { self.flags & !SAMPLED };
        Self { flags, ..self }
    }

    /// The place below this one that a span of this id makes.
    #[must_use]
    pub fn child(self, span_id: [u8; 8]) -> Self {
        Self { span_id, ..self }
    }

    /// Where the call of a guest belongs which says so itself: there, as long as it is in the trace that the guest is
    /// called in, and recorded as that is. A guest that has spans of its own says the place of one of those; one that
    /// names another trace must not write in it.
    #[must_use]
    pub fn within(own: &[u8], said: &[u8]) -> Option<Self> {
        let (own, said) = (Self::parse(own)?, Self::parse(said)?);
        (own.trace_id == said.trace_id).then_some(Self { flags: own.flags, ..said })
    }

    /// As it is written.
    #[must_use]
    pub fn to_text(&self) -> TraceText {
        let mut text = *b"00-00000000000000000000000000000000-0000000000000000-00";
        write_hex(&mut text[3..35], &self.trace_id);
        write_hex(&mut text[36..52], &self.span_id);
        write_hex(&mut text[53..], &[self.flags]);
        TraceText(text)
    }
}

/// Whether this traceparent says that its trace is recorded; the only thing that most of them are looked at for.
#[must_use]
pub fn is_sampled(traceparent: &str) -> bool {
    let last = traceparent.as_bytes().get(LENGTH - 1);
    last.is_some_and(|digit| matches!(digit, b'1' | b'3' | b'5' | b'7' | b'9' | b'b' | b'd' | b'f'))
}

// === impl TraceText ===

impl TraceText {
    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("hexadecimal digits and '-'")
    }
}

/// Splits off a field.
fn split(text: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    text.split_at_checked(length)
}

/// The bytes of lower-case hexadecimal digits.
fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
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

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn only_valid_traceparents_count() {
        for (good, flags) in [
            (format!("00-{TRACE}-{SPAN}-01"), 1),
            (format!("01-{TRACE}-{SPAN}-01"), 1),
            (format!("fe-{TRACE}-{SPAN}-00-x"), 0),
        ] {
            let parsed = TraceParent::parse(good.as_bytes()).unwrap();
            assert_eq!(parsed.to_text().as_str(), format!("00-{TRACE}-{SPAN}-0{flags}"), "{good}");
            assert_eq!((parsed.is_sampled(), is_sampled(&good)), (flags == 1, flags == 1), "{good}");
        }
        let zeros = "0".repeat(32);
        for bad in [
            String::new(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("0x-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("00-{TRACE}-{SPAN}-01-x"),
            format!("01-{TRACE}-{SPAN}-01x"),
            format!("00-{zeros}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zeros[..16]),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{TRACE}-{SPAN}"),
            format!("00-{TRACE}+{SPAN}-01"),
        ] {
            assert_eq!(TraceParent::parse(bad.as_bytes()), None, "{bad}");
        }
    }

    #[test]
    fn a_child_stays_in_its_trace_with_its_flags() {
        let parent = TraceParent::parse(format!("00-{TRACE}-{SPAN}-03").as_bytes()).unwrap();
        assert_eq!(parent.child([1; 8]).to_text().as_str(), format!("00-{TRACE}-0101010101010101-03"));
        assert_eq!(parent.sampled(false).flags, 2);
        assert_eq!(parent.sampled(false).sampled(true), parent);
    }

    #[test]
    fn a_guest_says_its_place_in_its_own_trace_only() {
        let own = format!("00-{TRACE}-{SPAN}-00");
        let said = format!("00-{TRACE}-0101010101010101-01");
        let place = TraceParent::within(own.as_bytes(), said.as_bytes()).unwrap();
        assert_eq!(place.to_text().as_str(), format!("00-{TRACE}-0101010101010101-00"), "recorded as the host says");
        let other = said.replace("0af7", "1af7");
        for bad in [other.as_str(), "", "00"] {
            assert_eq!(TraceParent::within(own.as_bytes(), bad.as_bytes()), None, "{bad}");
        }
        assert_eq!(TraceParent::within(b"", said.as_bytes()), None);
    }
}
