//! What an async handler answers.

use super::Body;
use crate::{IntoResponse, Response, Result};

/// A response whose body may stream: a head, as a [`Response`] without a body, and a [`Body`].
///
/// ```
/// use switchyard_sdk::asynchronous::{Body, Router, Streaming};
/// use switchyard_sdk::{Request, Response};
///
/// async fn export() -> Streaming {
///     let rows = Body::stream(async |mut out| {
///         out.send("id,name\n").await;
///         out.send("7,ann\n").await;
///         Ok(())
///     });
///     Streaming::new(Response::new(200).with_header("content-type", "text/csv"), rows)
/// }
///
/// let answer = Router::new().get("/export", export).ask(Request::get("/export"));
/// assert_eq!((answer.header("content-type"), answer.body()), (Some("text/csv"), &b"id,name\n7,ann\n"[..]));
/// ```
#[derive(Debug)]
pub struct Streaming {
    head: Response,
    body: Body,
}

/// What an async handler may return: whatever is [`IntoResponse`], a [`Streaming`], a [`Body`], or a `Result` of these.
#[diagnostic::on_unimplemented(
    message = "an async handler cannot answer with `{Self}`",
    note = "it answers with what is `IntoResponse`, a `Streaming`, a `Body`, or a `Result` of these"
)]
pub trait IntoStreaming {
    /// Turns it into a response.
    fn into_streaming(self) -> Streaming;
}

// === impl Streaming ===

impl Streaming {
    /// This head with this body, whatever body the head has.
    pub fn new(head: Response, body: Body) -> Self {
        let head = Response { body: Vec::new(), ..head };
        Self { head, body }
    }

    /// Status and headers, without the body.
    pub fn head(&self) -> &Response {
        &self.head
    }

    /// The head, and the body.
    pub fn into_parts(self) -> (Response, Body) {
        (self.head, self.body)
    }

    /// The response with its whole body.
    ///
    /// # Errors
    /// 413 when the body is more than so many bytes, and when it breaks off.
    pub async fn read(self, max: usize) -> Result<Response> {
        let body = self.body.read(max).await?;
        Ok(Response { body, ..self.head })
    }
}

// === impl IntoStreaming ===

impl<T: IntoResponse> IntoStreaming for T {
    fn into_streaming(self) -> Streaming {
        let Response { status, headers, body } = self.into_response();
        Streaming { head: Response::of(status, headers, Vec::new()), body: Body::whole(body) }
    }
}

impl IntoStreaming for Streaming {
    fn into_streaming(self) -> Streaming {
        self
    }
}

impl IntoStreaming for Body {
    fn into_streaming(self) -> Streaming {
        Streaming::new(Response::bytes("application/octet-stream", []), self)
    }
}

impl IntoStreaming for Result<Streaming> {
    fn into_streaming(self) -> Streaming {
        self.unwrap_or_else(|error| error.into_streaming())
    }
}

impl IntoStreaming for Result<Body> {
    fn into_streaming(self) -> Streaming {
        self.map(Body::into_streaming).into_streaming()
    }
}
