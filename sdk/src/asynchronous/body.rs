//! A body that comes part by part.
//!
//! One that is written by a function is a coroutine: whoever reads the body drives the writer. So a reader that is slow holds up
//! the writer, one that goes away ends it, and no runtime is needed to test it.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::{Error, Result};

/// A body: of a request, of another service's answer, or of a response.
///
/// A handler that names it as its last argument reads the request's body as it comes, and one that answers with it streams
/// (200, `application/octet-stream`; see [`Streaming`](super::Streaming) for any other head).
///
/// ```
/// use switchyard_sdk::asynchronous::{Body, Router};
/// use switchyard_sdk::{Request, Result};
///
/// /// Counts what comes, however much it is.
/// async fn count(mut body: Body) -> Result<String> {
///     let mut bytes = 0;
///     while let Some(part) = body.next().await? {
///         bytes += part.len();
///     }
///     Ok(bytes.to_string())
/// }
///
/// let router = Router::new().post("/count", count);
/// assert_eq!(router.ask(Request::post("/count").with_body("hello")).body(), b"5");
/// ```
pub struct Body(Kind);

/// Where a [streamed body](Body::stream) is written to.
#[derive(Debug)]
pub struct Sender {
    slot: Rc<RefCell<Slot>>,
}

enum Kind {
    Whole(Vec<u8>),
    Written { slot: Rc<RefCell<Slot>>, writer: Writer },
    Ended,
}

type Writer = Pin<Box<dyn Future<Output = Result<()>>>>;

/// The part between writer and reader.
#[derive(Debug, Default)]
struct Slot {
    part: Option<Vec<u8>>,
    /// Of a writer that waits for its part to be taken.
    writer: Option<Waker>,
}

// === impl Body ===

impl Body {
    /// A body that is there already.
    pub fn whole(bytes: impl Into<Vec<u8>>) -> Self {
        Self(Kind::Whole(bytes.into()))
    }

    /// A body that is written while it is read. It ends when the function does; when that is with an error, the body breaks off:
    /// the client can tell that it is not complete, and the log says why.
    ///
    /// ```
    /// use std::time::Duration;
    /// use switchyard_sdk::Request;
    /// use switchyard_sdk::asynchronous::{self, Body, Router};
    ///
    /// async fn ticks() -> Body {
    ///     Body::stream(async |mut out| {
    ///         for tick in 0..3 {
    ///             out.send(format!("{tick}\n")).await;
    ///             asynchronous::sleep(Duration::from_secs(1)).await;
    ///         }
    ///         Ok(())
    ///     })
    /// }
    ///
    /// assert_eq!(Router::new().get("/ticks", ticks).ask(Request::get("/ticks")).body(), b"0\n1\n2\n");
    /// ```
    pub fn stream<W>(writer: impl FnOnce(Sender) -> W) -> Self
    where
        W: Future<Output = Result<()>> + 'static,
    {
        let slot = Rc::default();
        let writer = Box::pin(writer(Sender { slot: Rc::clone(&slot) }));
        Self(Kind::Written { slot, writer })
    }

    /// The next part; none at the end.
    ///
    /// # Errors
    /// When the body broke off: 400 for a request's, 502 or 504 for another service's, else what its writer answered. Nothing
    /// follows.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>> {
        poll_fn(|context| self.poll(context)).await
    }

    /// All of it.
    ///
    /// # Errors
    /// 413 when it is more than so many bytes, and as [`next`](Self::next).
    pub async fn read(mut self, max: usize) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        while let Some(part) = self.next().await? {
            if bytes.len() + part.len() > max {
                return Err(Error::new(413, "Body too large").detail(format!("at most {max} bytes are taken")));
            }
            if bytes.is_empty() { bytes = part } else { bytes.extend(part) }
        }
        Ok(bytes)
    }

    /// How long it is, when that is known.
    pub(super) fn length(&self) -> Option<usize> {
        match &self.0 {
            Kind::Whole(bytes) => Some(bytes.len()),
            Kind::Ended => Some(0),
            Kind::Written { .. } => None,
        }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Vec<u8>>>> {
        let Kind::Written { slot, writer } = &mut self.0 else {
            let Kind::Whole(bytes) = std::mem::replace(&mut self.0, Kind::Ended) else { return Poll::Ready(Ok(None)) };
            return Poll::Ready(Ok(Some(bytes).filter(|bytes| !bytes.is_empty())));
        };
        let written = writer.as_mut().poll(context);
        if let Some(part) = take(slot) {
            if let Poll::Ready(result) = written {
                // It gave up waiting for its last part to be taken.
                *writer = Box::pin(async { result });
            }
            return Poll::Ready(Ok(Some(part)));
        }
        let Poll::Ready(result) = written else { return Poll::Pending };
        self.0 = Kind::Ended;
        Poll::Ready(result.map(|()| None))
    }
}

fn take(slot: &RefCell<Slot>) -> Option<Vec<u8>> {
    let mut slot = slot.borrow_mut();
    let part = slot.part.take()?;
    if let Some(waker) = slot.writer.take() {
        waker.wake();
    }
    Some(part)
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::whole(bytes)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("length", &self.length()).finish_non_exhaustive()
    }
}

// === impl Sender ===

impl Sender {
    /// Sends a part, and waits until it is taken. When nobody reads the body any more, this does not come back: the writer is
    /// dropped. An empty part is none.
    pub async fn send(&mut self, part: impl Into<Vec<u8>>) {
        let mut part = Some(part.into()).filter(|part| !part.is_empty());
        let mut is_sent = part.is_none();
        poll_fn(|context| {
            let mut slot = self.slot.borrow_mut();
            if is_sent && slot.part.is_none() {
                return Poll::Ready(());
            }
            if !is_sent && slot.part.is_none() {
                slot.part = part.take();
                is_sent = true;
            }
            slot.writer = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }
}
