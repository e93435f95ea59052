//! What can be wrong with how a request is written.

use switchyard_core::problem::Code;

/// What makes a request one that two readers could understand differently, or that nobody has to understand.
///
/// Its text is read by the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("more than one empty line stands before the request")]
    EmptyLines,
    #[error("a line ends with a line feed that has no carriage return before it")]
    BareLineFeed,
    #[error("a carriage return stands where no line ends")]
    BareCarriageReturn,
    #[error("the request's first line is not made of a method, a target and HTTP/1.1, with one space between them")]
    RequestLine,
    #[error("the request is not of HTTP/1.1 or HTTP/1.0")]
    Version,
    #[error("this gateway is no proxy for tunnels")]
    Connect,
    #[error("the request's target is no path and no http URL, or has signs that must be percent-encoded")]
    Target,
    #[error("the request's target is longer than 65534 bytes")]
    TargetTooLong,
    #[error("the request's head is longer than the gateway's header-max")]
    HeadTooLong,
    #[error("the request has more than 100 headers")]
    TooManyFields,
    #[error("a header goes on in a second line")]
    Folded,
    #[error("a header has no name, or one with signs that are not allowed")]
    FieldName,
    #[error("a header's name is longer than 1024 bytes")]
    FieldNameTooLong,
    #[error("a header's name has an underscore, which some services cannot tell from a dash")]
    Underscore,
    #[error("a space stands between a header's name and its colon")]
    SpaceBeforeColon,
    #[error("a header's value has control characters")]
    FieldValue,
    #[error("the request has no Host header")]
    NoHost,
    #[error("the request has more than one Host header")]
    TwoHosts,
    #[error("the Host header is no host")]
    Host,
    #[error("the request's target and its Host header name different hosts")]
    HostDiffers,
    #[error("the Content-Length header is no number")]
    Length,
    #[error("the request has more than one Content-Length header")]
    TwoLengths,
    #[error("the request has both a Content-Length and a Transfer-Encoding header")]
    LengthAndEncoding,
    #[error("the request has a Transfer-Encoding other than chunked, or more than one")]
    Encoding,
    #[error("a request of HTTP/1.0 has a Transfer-Encoding header")]
    EncodingInHttp10,
    #[error("the request expects something else than 100-continue")]
    Expectation,
    #[error("the request asks for HTTP/2 by an upgrade, which is obsolete; begin with HTTP/2 instead")]
    Http2Upgrade,
    #[error("the size of a chunk is no hexadecimal number of at most 16 digits")]
    ChunkSize,
    #[error("a chunk's extensions have control characters, or are too long")]
    ChunkExtension,
    #[error("a chunk does not end where its size says")]
    ChunkEnd,
    #[error("the body's trailers are longer than 16 KiB, or more than 100")]
    TrailersTooLong,
    #[error("a trailer says what only a header may say")]
    Trailer,
}

// === impl Violation ===

impl Violation {
    /// What the client is told: 431 when there is too much of a head, else 400.
    pub(crate) fn code(self) -> Code {
        match self {
            Self::TargetTooLong | Self::HeadTooLong | Self::TooManyFields | Self::FieldNameTooLong => {
                Code::HeadersTooLarge
            }
            _ => Code::BadRequest,
        }
    }
}
