//! A request's head, line by line.

use std::ops::Range;

use super::{Violation, signs};

/// Headers of one request; hyper has room for as many.
const FIELDS_MAX: u16 = 100;

/// What hyper's `Uri` can hold.
const TARGET_MAX: usize = 65_534;

/// A robust server skips one empty line before a request, since some old clients end a body with one (RFC 9112, section
/// 2.2).
const EMPTY_LINES_MAX: u8 = 1;

/// How far a head was read. All places are counted from its first byte.
#[derive(Debug, Default)]
pub(super) struct Head {
    /// Up to here there is no further line end.
    scanned: usize,
    /// Where the next line begins.
    line: usize,
    empty_lines: u8,
    /// None until the request's line was read.
    version: Option<Version>,
    /// Of a target that is a whole URL.
    authority: Option<Range<usize>>,
    fields: u16,
    host: Option<Range<usize>>,
    length: Option<u64>,
    is_chunked: bool,
    wants_upgrade: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    Http10,
    Http11,
}

/// What follows a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// The head's length in bytes.
    pub(super) head: usize,
    pub(super) framing: Framing,
    /// Whether bytes beyond this message are of another protocol if the service wants it so.
    pub(super) wants_upgrade: bool,
}

/// How the end of a body is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunked,
}

// === impl Head ===

impl Head {
    /// Whether nothing was read of it.
    pub(super) fn is_untouched(&self) -> bool {
        self.scanned == 0
    }

    /// Reads on in `bytes`, which begin with the head's first byte; what was read before is not read again. None as
    /// long as its end has not come.
    pub(super) fn read(&mut self, bytes: &[u8], head_max: usize) -> Result<Option<Message>, Violation> {
        while let Some(at) = memchr::memchr(b'\n', &bytes[self.scanned..]) {
            let end = self.scanned + at;
            self.check_first(bytes)?;
            if end >= head_max {
                return Err(Violation::HeadTooLong);
            }
            let start = self.line;
            let line = bytes[start..end].strip_suffix(b"\r").ok_or(Violation::BareLineFeed)?;
            (self.scanned, self.line) = (end + 1, end + 1);
            match (self.version, line.is_empty()) {
                (None, true) => self.skip_empty()?,
                (None, false) => self.request_line(line, start)?,
                (Some(_), false) => self.field(line, start)?,
                (Some(version), true) => return self.finish(version, bytes).map(Some),
            }
        }
        self.scanned = bytes.len();
        self.check_first(bytes)?;
        if self.scanned > head_max { Err(Violation::HeadTooLong) } else { Ok(None) }
    }

    /// Whoever speaks TLS, or something else altogether, may never send a line end: the first byte tells.
    fn check_first(&self, bytes: &[u8]) -> Result<(), Violation> {
        match bytes.get(self.line) {
            Some(first) if self.version.is_none() && !b"\r\n".contains(first) && !signs::is_token(&[*first]) => {
                Err(Violation::RequestLine)
            }
            _ => Ok(()),
        }
    }

    fn skip_empty(&mut self) -> Result<(), Violation> {
        self.empty_lines += 1;
        if self.empty_lines > EMPTY_LINES_MAX { Err(Violation::EmptyLines) } else { Ok(()) }
    }

    fn request_line(&mut self, line: &[u8], start: usize) -> Result<(), Violation> {
        let first = memchr::memchr(b' ', line).ok_or(Violation::RequestLine)?;
        let (method, rest) = (&line[..first], &line[first + 1..]);
        if !signs::is_token(method) {
            return Err(Violation::RequestLine);
        }
        // What has no version is HTTP/0.9.
        let second = memchr::memchr(b' ', rest).ok_or(Violation::Version)?;
        let (target, version) = (&rest[..second], &rest[second + 1..]);
        if target.is_empty() || version.contains(&b' ') {
            return Err(Violation::RequestLine);
        }
        self.version = Some(match version {
            b"HTTP/1.1" => Version::Http11,
            b"HTTP/1.0" => Version::Http10,
            _ => return Err(Violation::Version),
        });
        if method == b"CONNECT" {
            return Err(Violation::Connect);
        }
        if target.len() > TARGET_MAX {
            return Err(Violation::TargetTooLong);
        }
        self.target(method, target, start + first + 1)
    }

    /// RFC 9112, section 3.2: the four forms, without the one of CONNECT.
    fn target(&mut self, method: &[u8], target: &[u8], start: usize) -> Result<(), Violation> {
        if target[0] == b'/' && signs::is_target(target) || target == b"*" && method == b"OPTIONS" {
            return Ok(());
        }
        let has = |scheme: &[u8]| target.get(..scheme.len()).is_some_and(|own| own.eq_ignore_ascii_case(scheme));
        let scheme = [&b"http://"[..], b"https://"].into_iter().find(|scheme| has(scheme)).ok_or(Violation::Target)?;
        let rest = &target[scheme.len()..];
        let end = rest.iter().position(|byte| matches!(byte, b'/' | b'?')).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        if authority.is_empty() || !signs::is_host(authority) || !signs::is_target(path) {
            return Err(Violation::Target);
        }
        let start = start + scheme.len();
        self.authority = Some(start..start + end);
        Ok(())
    }

    fn field(&mut self, line: &[u8], start: usize) -> Result<(), Violation> {
        self.fields += 1;
        if self.fields > FIELDS_MAX {
            return Err(Violation::TooManyFields);
        }
        let (name, value) = signs::field(line)?;
        let is = |other: &[u8]| name.eq_ignore_ascii_case(other);
        // By length first: most headers are none of these.
        match name.len() {
            4 if is(b"host") => {
                if self.host.is_some() {
                    return Err(Violation::TwoHosts);
                }
                if !signs::is_host(value) {
                    return Err(Violation::Host);
                }
                let from = start + value.as_ptr().addr() - line.as_ptr().addr();
                self.host = Some(from..from + value.len());
            }
            6 if is(b"expect") && !value.eq_ignore_ascii_case(b"100-continue") => return Err(Violation::Expectation),
            7 if is(b"upgrade") => {
                if signs::lists(value, b"h2c") {
                    return Err(Violation::Http2Upgrade);
                }
                self.wants_upgrade = true;
            }
            14 if is(b"content-length") => {
                if self.length.is_some() {
                    return Err(Violation::TwoLengths);
                }
                self.length = Some(length(value)?);
            }
            14 if is(b"http2-settings") => return Err(Violation::Http2Upgrade),
            17 if is(b"transfer-encoding") => {
                if self.is_chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(Violation::Encoding);
                }
                self.is_chunked = true;
            }
            _ => {}
        }
        Ok(())
    }

    /// What can only be said of a whole head.
    fn finish(&self, version: Version, bytes: &[u8]) -> Result<Message, Violation> {
        let framing = match (self.is_chunked, self.length) {
            (true, _) if version == Version::Http10 => return Err(Violation::EncodingInHttp10),
            (true, Some(_)) => return Err(Violation::LengthAndEncoding),
            (true, None) => Framing::Chunked,
            (false, length) => Framing::Length(length.unwrap_or(0)),
        };
        match (&self.host, &self.authority) {
            (Some(host), Some(authority)) if !bytes[host.clone()].eq_ignore_ascii_case(&bytes[authority.clone()]) => {
                return Err(Violation::HostDiffers);
            }
            (None, _) if version == Version::Http11 => return Err(Violation::NoHost),
            _ => {}
        }
        let wants_upgrade = self.wants_upgrade && version == Version::Http11;
        Ok(Message { head: self.line, framing, wants_upgrade })
    }
}

/// Digits alone, as many as fit: no sign, no list, no other base.
fn length(value: &[u8]) -> Result<u64, Violation> {
    let is_number = !value.is_empty() && value.len() <= 18 && value.iter().all(u8::is_ascii_digit);
    if !is_number {
        return Err(Violation::Length);
    }
    Ok(value.iter().fold(0, |length, digit| length * 10 + u64::from(digit - b'0')))
}
