//! A chunked body, from the size of its first chunk to the end of its trailers.

use super::{Violation, signs};

/// The longest line with a chunk's size, in bytes. Signed uploads carry some 90 of them.
const SIZE_LINE_MAX: usize = 1024;

/// All extensions of one body together, in bytes; hyper takes as many.
const EXTENSIONS_MAX: usize = (16 << 10) - 1;

/// All trailers of one body together, in bytes and in number; hyper takes as many.
const TRAILERS_MAX: usize = (16 << 10) - 1;
const TRAILER_COUNT_MAX: usize = 100;

/// How far a body was read.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    stage: Stage,
    extensions: usize,
    trailers: usize,
    trailer_bytes: usize,
}

/// What comes next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The line with a chunk's size.
    #[default]
    Size,
    /// So many bytes of the chunk.
    Data(u64),
    /// The line end after them.
    DataEnd,
    /// A trailer, or the empty line that ends all.
    Trailer,
}

/// How much of some bytes is of a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Read {
    pub(super) bytes: usize,
    /// Whether the body ends with them.
    pub(super) is_end: bool,
}

// === impl Chunked ===

impl Chunked {
    /// Reads on. A line whose end has not come is left for the next time.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<Read, Violation> {
        let mut at = 0;
        loop {
            let rest = &bytes[at..];
            if rest.is_empty() {
                return Ok(Read { bytes: at, is_end: false });
            }
            match self.stage {
                Stage::Data(left) => {
                    let taken = left.min(rest.len() as u64);
                    self.stage = if taken == left { Stage::DataEnd } else { Stage::Data(left - taken) };
                    at += usize::try_from(taken).expect("no more than there is");
                }
                Stage::DataEnd => {
                    match rest {
                        [b'\r', b'\n', ..] => at += 2,
                        [b'\r'] => return Ok(Read { bytes: at, is_end: false }),
                        _ => return Err(Violation::ChunkEnd),
                    }
                    self.stage = Stage::Size;
                }
                Stage::Size => {
                    let Some(line) = line(rest, SIZE_LINE_MAX, Violation::ChunkSize)? else {
                        return Ok(Read { bytes: at, is_end: false });
                    };
                    at += line.len() + 2;
                    self.stage = match self.size(line)? {
                        0 => Stage::Trailer,
                        size => Stage::Data(size),
                    };
                }
                Stage::Trailer => {
                    let left = TRAILERS_MAX.saturating_sub(self.trailer_bytes);
                    let Some(line) = line(rest, left, Violation::TrailersTooLong)? else {
                        return Ok(Read { bytes: at, is_end: false });
                    };
                    at += line.len() + 2;
                    if line.is_empty() {
                        return Ok(Read { bytes: at, is_end: true });
                    }
                    self.trailer(line)?;
                }
            }
        }
    }

    /// RFC 9112, section 7.1, without the spaces that it allows before an extension: they are where readers differ.
    fn size(&mut self, line: &[u8]) -> Result<u64, Violation> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        if digits == 0 || digits > 16 {
            return Err(Violation::ChunkSize);
        }
        match &line[digits..] {
            [] => {}
            [b';', extension @ ..] => {
                self.extensions += extension.len();
                let is_control = |byte: &u8| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f;
                if self.extensions > EXTENSIONS_MAX || extension.iter().any(is_control) {
                    return Err(Violation::ChunkExtension);
                }
            }
            _ => return Err(Violation::ChunkSize),
        }
        let digit = |byte: &u8| u64::from(char::from(*byte).to_digit(16).expect("checked to be a digit"));
        Ok(line[..digits].iter().fold(0, |size, byte| size << 4 | digit(byte)))
    }

    fn trailer(&mut self, line: &[u8]) -> Result<(), Violation> {
        self.trailers += 1;
        self.trailer_bytes += line.len() + 2;
        if self.trailers > TRAILER_COUNT_MAX {
            return Err(Violation::TrailersTooLong);
        }
        let (name, _) = signs::field(line)?;
        // RFC 9110, section 6.5.1: nothing that is needed to read or route the message.
        let is_of_head = [&b"content-length"[..], b"transfer-encoding", b"host"];
        if is_of_head.iter().any(|other| name.eq_ignore_ascii_case(other)) {
            return Err(Violation::Trailer);
        }
        Ok(())
    }
}

/// The first line without its end, if that is there; `max` is how long the line may be with its end.
fn line(bytes: &[u8], max: usize, too_long: Violation) -> Result<Option<&[u8]>, Violation> {
    match memchr::memchr(b'\n', &bytes[..bytes.len().min(max)]) {
        Some(end) => bytes[..end].strip_suffix(b"\r").map(Some).ok_or(Violation::BareLineFeed),
        None if bytes.len() >= max => Err(too_long),
        None => Ok(None),
    }
}
