//! A response's body on its way to the client.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use switchyard_dispatch::{Body, BodyError};

use crate::{access_log::Pending, connection::Responding, counts::UnderWay, request::Leaving};

/// What hyper writes. An error makes it break the connection off, so that the client sees that the response is not
/// whole: a chunked body without its last chunk, or one shorter than its Content-Length.
pub(crate) struct ResponseBody {
    body: Body,
    /// Tells the watch that the response is on its way; none for small ones in memory.
    responding: Option<Responding>,
    /// Counts the request as under way.
    under_way: Option<UnderWay>,
    /// The request's span.
    span: Leaving,
    /// The request's line in the access log.
    line: Option<Box<Pending>>,
}

impl ResponseBody {
    pub(crate) fn new(body: Body, responding: Option<Responding>) -> Self {
        Self { body, responding, under_way: None, span: Leaving::default(), line: None }
    }

    /// Its request's span ends with it.
    pub(crate) fn trace(&mut self, span: Leaving) {
        self.span = span;
    }

    /// Its request's line is written when it ends.
    pub(crate) fn log(&mut self, line: Option<Box<Pending>>) {
        self.line = line;
    }

    /// Its request is under way for as long as it.
    pub(crate) fn hold(&mut self, under_way: UnderWay) {
        self.under_way = Some(under_way);
    }
}

impl HttpBody for ResponseBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        if self.responding.as_ref().is_some_and(Responding::upload_is_over) {
            let error = BodyError::Aborted("the request's body is too large, or broken".to_owned());
            return Poll::Ready(Some(Err(error)));
        }
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(responding) = &self.responding {
            responding.moved();
        }
        if let Some(Err(error)) = &frame {
            tracing::debug!(%error, "a response broke off; so does its connection");
            self.span.broke(error);
        }
        if let (Some(line), Some(Ok(frame))) = (&mut self.line, &frame)
            && let Some(data) = frame.data_ref()
        {
            line.passed(data.len());
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
