//! Calls to others that do not hold up the instance.

use super::{Body, Streaming, host};
use crate::http::{Answer, Call, Called, Error, Fault};
use crate::{IntoResponse, Response};

/// With the feature `async`, for handlers of WASI 0.3.
impl Call {
    /// Sends it, and waits for the answer with its whole body, while others of this instance go on. Nothing is sent before
    /// this is awaited; [`join`](super::join) awaits several at once.
    ///
    /// # Errors
    /// When there is no answer; see [`Error`].
    pub async fn send_async(self) -> Result<Answer, Error> {
        let (called, timeout) = (Called::new(&self.method, &self.url), self.timeout);
        let sent = async {
            let outgoing = self.outgoing()?;
            let max = outgoing.body_max;
            let (head, mut body) = host::send(outgoing).await?;
            let mut bytes = Vec::new();
            while let Some(part) = body.next().await.map_err(Fault::Broken)? {
                if bytes.len() + part.len() > max {
                    return Err(Fault::Broken(format!("its answer is over {max} bytes")));
                }
                bytes.extend(part);
            }
            Ok(Response { body: bytes, ..head })
        };
        match host::within(timeout, sent).await {
            Ok(response) => Ok(Answer::new(called, response)),
            Err(fault) => Err(Error::new(called, fault, timeout)),
        }
    }

    /// Sends it, and waits for the head of the answer only: its body is read, or passed on, part by part. The timeout holds for
    /// the head, and then for each part; the limit of the body does not hold.
    ///
    /// # Errors
    /// When there is no answer; see [`Error`].
    ///
    /// ```
    /// use switchyard_sdk::asynchronous::{Router, Streaming};
    /// use switchyard_sdk::{Request, Result, http, testing};
    ///
    /// async fn relay() -> Result<Streaming> {
    ///     Ok(http::service("files").get("/large").open_async().await?)
    /// }
    ///
    /// testing::service("files", || "a large file");
    /// assert_eq!(Router::new().get("/", relay).ask(Request::get("/")).body(), b"a large file");
    /// ```
    pub async fn open_async(self) -> Result<Streaming, Error> {
        let (called, timeout) = (Called::new(&self.method, &self.url), self.timeout);
        let sent = async { host::send(self.outgoing()?).await };
        let (head, mut body) = match host::within(timeout, sent).await {
            Ok(opened) => opened,
            Err(fault) => return Err(Error::new(called, fault, timeout)),
        };
        // Without the headers of that connection.
        let head = Answer::new(called.clone(), head).into_response();
        let body = Body::stream(async move |mut out| {
            loop {
                let next = async { body.next().await.map_err(Fault::Broken) };
                match host::within(timeout, next).await {
                    Ok(Some(part)) => out.send(part).await,
                    Ok(None) => return Ok(()),
                    Err(fault) => return Err(Error::new(called, fault, timeout).into()),
                }
            }
        });
        Ok(Streaming::new(head, body))
    }
}
