//! What names, values, targets and hosts are made of.

use super::Violation;

/// The longest name of a header in bytes. No header that is in use has a tenth of that.
const NAME_MAX: usize = 1024;

/// The signs of a token (RFC 9110, section 5.6.2), and what is special about them.
const NAME: [Sign; 256] = names();

/// Signs that stand in a target as they are: what RFC 3986 allows and what clients send nevertheless, except for those
/// that somebody might read as something else (`\` as `/`, `#` as the end). Other characters are percent-encoded.
const TARGET: [bool; 256] = table(b"!$%&'()*+,-./:;=?@[]^_{}|~");

/// Signs of a host's name (RFC 3986, section 3.2.2). Without the comma, which joins the values of two headers, and
/// without percent-encoding, which nobody uses and not everybody decodes.
const HOST: [bool; 256] = table(b"-._~!$&'()*+;=");

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Token,
    /// CGI and what took after it (WSGI, PHP) give services `X_Auth_Subject` and `X-Auth-Subject` under one name, so
    /// that what a client may not say could be said with an underscore. nginx drops these; refused, they are found.
    Underscore,
    Space,
    Other,
}

/// A field line without its end, as name and value; spaces around the value are cut off.
pub(super) fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Violation> {
    let colon = memchr::memchr(b':', line).ok_or(Violation::FieldName)?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    check_name(name)?;
    check_value(value)?;
    Ok((name, trim(value)))
}

/// Checks a header's name, of HTTP/2 too.
pub(super) fn check_name(name: &[u8]) -> Result<(), Violation> {
    match name.iter().map(|byte| NAME[usize::from(*byte)]).find(|sign| *sign != Sign::Token) {
        Some(Sign::Underscore) => Err(Violation::Underscore),
        Some(Sign::Space) if name[0] == b' ' || name[0] == b'\t' => Err(Violation::Folded),
        Some(Sign::Space) => Err(Violation::SpaceBeforeColon),
        Some(_) => Err(Violation::FieldName),
        None if name.is_empty() => Err(Violation::FieldName),
        None if name.len() > NAME_MAX => Err(Violation::FieldNameTooLong),
        None => Ok(()),
    }
}

fn check_value(value: &[u8]) -> Result<(), Violation> {
    // A count instead of a search: the loop has no branch, and the compiler makes it wide.
    let controls = value.iter().map(|byte| u32::from((*byte < b' ' && *byte != b'\t') || *byte == 0x7f)).sum::<u32>();
    match controls {
        0 => Ok(()),
        _ if value.contains(&b'\r') => Err(Violation::BareCarriageReturn),
        _ => Err(Violation::FieldValue),
    }
}

/// A method's name.
pub(super) fn is_token(bytes: &[u8]) -> bool {
    let is_sign = |byte: &u8| matches!(NAME[usize::from(*byte)], Sign::Token | Sign::Underscore);
    !bytes.is_empty() && bytes.iter().all(is_sign)
}

/// Path and query.
pub(super) fn is_target(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| TARGET[usize::from(*byte)])
}

/// A host with or without a port, or nothing at all: RFC 9110, section 7.2 has an empty Host for targets without one.
pub(super) fn is_host(bytes: &[u8]) -> bool {
    let (is_name, rest) = match bytes.strip_prefix(b"[") {
        Some(rest) => {
            let Some(end) = memchr::memchr(b']', rest) else { return false };
            let text = std::str::from_utf8(&rest[..end]).unwrap_or_default();
            (text.parse::<std::net::Ipv6Addr>().is_ok(), &rest[end + 1..])
        }
        None => {
            let end = memchr::memchr(b':', bytes).unwrap_or(bytes.len());
            (bytes[..end].iter().all(|byte| HOST[usize::from(*byte)]), &bytes[end..])
        }
    };
    // RFC 3986, section 3.2.3: a port may be empty. A sign before it is none.
    let is_port = |port: &[u8]| {
        let text = std::str::from_utf8(port).unwrap_or("none");
        port.is_empty() || port[0].is_ascii_digit() && port.len() <= 5 && text.parse::<u16>().is_ok()
    };
    is_name && (rest.is_empty() || rest.strip_prefix(b":").is_some_and(is_port) && bytes.len() > rest.len())
}

/// Whether a comma-separated list has a member, whatever its case.
pub(super) fn lists(value: &[u8], member: &[u8]) -> bool {
    value.split(|byte| *byte == b',').any(|item| trim(item).eq_ignore_ascii_case(member))
}

/// Without spaces and tabs around it.
fn trim(mut bytes: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Letters, digits and `others`.
const fn table(others: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        byte += 1;
    }
    let mut at = 0;
    while at < others.len() {
        table[others[at] as usize] = true;
        at += 1;
    }
    table
}

const fn names() -> [Sign; 256] {
    let tokens = table(b"!#$%&'*+-.^`|~");
    let mut names = [Sign::Other; 256];
    let mut byte = 0;
    while byte < 256 {
        if tokens[byte] {
            names[byte] = Sign::Token;
        }
        byte += 1;
    }
    names[b'_' as usize] = Sign::Underscore;
    names[b' ' as usize] = Sign::Space;
    names[b'\t' as usize] = Sign::Space;
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for host in
            ["", "a", "a.example", "a_b:80", "127.0.0.1:8080", "[::1]", "[::1]:443", "a:", "xn--bcher-kva.example"]
        {
            assert!(is_host(host.as_bytes()), "{host}");
        }
        for host in [
            "a/b", "user@a", "a,b", "a b", "a:b", "a:123456", "a:65536", "a:+80", "a:80:80", "[::1", "[a]", "::1",
            "a%2f", "a?", ":80", "[::1]x",
        ] {
            assert!(!is_host(host.as_bytes()), "{host}");
        }
    }

    #[test]
    fn fields_are_taken_apart() {
        assert_eq!(field(b"Host:a"), Ok((&b"Host"[..], &b"a"[..])));
        assert_eq!(field(b"a: \tb c \t"), Ok((&b"a"[..], &b"b c"[..])));
        assert_eq!(field(b"a:"), Ok((&b"a"[..], &b""[..])));
        assert_eq!(field(b"a: \xff"), Ok((&b"a"[..], &b"\xff"[..])));
        for (line, violation) in [
            (&b"no colon"[..], Violation::FieldName),
            (b": b", Violation::FieldName),
            (b"a\x00: b", Violation::FieldName),
            (b"a\xff: b", Violation::FieldName),
            (b"a(b: c", Violation::FieldName),
            (b"a_b: c", Violation::Underscore),
            (b"a : b", Violation::SpaceBeforeColon),
            (b" a: b", Violation::Folded),
            (b"\ta: b", Violation::Folded),
            (b"a: b\x00c", Violation::FieldValue),
            (b"a: b\x7f", Violation::FieldValue),
            (b"a: b\rc: d", Violation::BareCarriageReturn),
        ] {
            assert_eq!(field(line), Err(violation), "{}", line.escape_ascii());
        }
        assert_eq!(field(&[vec![b'a'; NAME_MAX + 1], b":".to_vec()].concat()), Err(Violation::FieldNameTooLong));
    }

    #[test]
    fn lists_have_members_whatever_their_case() {
        assert!(lists(b"keep-alive, Upgrade", b"upgrade"));
        assert!(lists(b"h2c", b"h2c"));
        assert!(!lists(b"upgraded, up grade", b"upgrade"));
    }
}
