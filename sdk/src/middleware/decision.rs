//! What middleware decides, and what can be turned into a decision.

use super::{RequestHead, ResponseHead};
use crate::bindings::http_middleware::exports::switchyard::plugin::http_middleware as wit;
use crate::{Error, IntoResponse, Request, Response};

/// What becomes of a request.
///
/// A handler may also return what becomes one by `into`: nothing (it goes on), a [`RequestHead`] (it goes on with that
/// head), a [`Request`] (it goes on as that), a [`Response`] or an [`Error`] (it ends with that), an `Option` of any of
/// these (none means that it goes on), or a `Result` of any of these.
#[derive(Debug, Clone)]
pub enum RequestDecision {
    /// It goes on as it is.
    Next,
    /// It goes on with this head and its own body.
    NextWithHead(RequestHead),
    /// It goes on as this one.
    NextWith(Request),
    /// It ends here, with this response, which passes only through the middleware that the request passed.
    Answer(Response),
}

/// What becomes of a response. As with [`RequestDecision`], a handler may also return nothing, a [`ResponseHead`], a
/// [`Response`] or an [`Error`], and an `Option` or `Result` of these.
#[derive(Debug, Clone)]
pub enum ResponseDecision {
    /// It goes out as it is.
    Next,
    /// It goes out with this head and its own body.
    NextWithHead(ResponseHead),
    /// It goes out as this one.
    NextWith(Response),
}

// === impl RequestDecision ===

impl From<()> for RequestDecision {
    fn from((): ()) -> Self {
        Self::Next
    }
}

impl From<RequestHead> for RequestDecision {
    fn from(head: RequestHead) -> Self {
        Self::NextWithHead(head)
    }
}

impl From<Request> for RequestDecision {
    fn from(request: Request) -> Self {
        Self::NextWith(request)
    }
}

impl From<Response> for RequestDecision {
    fn from(response: Response) -> Self {
        Self::Answer(response)
    }
}

impl From<Error> for RequestDecision {
    fn from(error: Error) -> Self {
        Self::Answer(error.into_response())
    }
}

impl<T: Into<Self>> From<Option<T>> for RequestDecision {
    fn from(decided: Option<T>) -> Self {
        decided.map_or(Self::Next, Into::into)
    }
}

impl<T: Into<Self>, E: Into<Self>> From<Result<T, E>> for RequestDecision {
    fn from(decided: Result<T, E>) -> Self {
        decided.map_or_else(Into::into, Into::into)
    }
}

impl From<RequestDecision> for wit::RequestDecision {
    fn from(decision: RequestDecision) -> Self {
        match decision {
            RequestDecision::Next => Self::Next,
            RequestDecision::NextWithHead(head) => Self::NextWithHead(head.into()),
            RequestDecision::NextWith(request) => Self::NextWith(request.into()),
            RequestDecision::Answer(response) => Self::Answer(response.into()),
        }
    }
}

// === impl ResponseDecision ===

impl From<()> for ResponseDecision {
    fn from((): ()) -> Self {
        Self::Next
    }
}

impl From<ResponseHead> for ResponseDecision {
    fn from(head: ResponseHead) -> Self {
        Self::NextWithHead(head)
    }
}

impl From<Response> for ResponseDecision {
    fn from(response: Response) -> Self {
        Self::NextWith(response)
    }
}

impl From<Error> for ResponseDecision {
    fn from(error: Error) -> Self {
        Self::NextWith(error.into_response())
    }
}

impl<T: Into<Self>> From<Option<T>> for ResponseDecision {
    fn from(decided: Option<T>) -> Self {
        decided.map_or(Self::Next, Into::into)
    }
}

impl<T: Into<Self>, E: Into<Self>> From<Result<T, E>> for ResponseDecision {
    fn from(decided: Result<T, E>) -> Self {
        decided.map_or_else(Into::into, Into::into)
    }
}

impl From<ResponseDecision> for wit::ResponseDecision {
    fn from(decision: ResponseDecision) -> Self {
        match decision {
            ResponseDecision::Next => Self::Next,
            ResponseDecision::NextWithHead(head) => Self::NextWithHead(head.into()),
            ResponseDecision::NextWith(response) => Self::NextWith(response.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn handlers_may_decide_in_many_ways() {
        let on = |decision: RequestDecision| matches!(decision, RequestDecision::Next);
        assert!(on(().into()) && on(None::<Response>.into()) && on(Ok::<(), Error>(()).into()));
        let answer = RequestDecision::from(Err::<(), _>(Error::new(503, "Busy")));
        assert!(matches!(answer, RequestDecision::Answer(response) if response.status() == 503));
        let head = RequestDecision::from(Some(RequestHead::get("/a")));
        assert!(matches!(head, RequestDecision::NextWithHead(head) if head.path() == "/a"));
        assert!(matches!(Request::get("/a").into(), RequestDecision::NextWith(_)));
        assert!(matches!(ResponseDecision::from(()), ResponseDecision::Next));
        let head = ResponseDecision::from(Ok::<_, Error>(ResponseHead::new(204)));
        assert!(matches!(head, ResponseDecision::NextWithHead(head) if head.status() == 204));
        let whole = ResponseDecision::from(Some(Response::text("a")));
        assert!(matches!(whole, ResponseDecision::NextWith(response) if response.body() == b"a"));
    }
}
