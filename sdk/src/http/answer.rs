//! What another service answered.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Called, Error};
use crate::{IntoResponse, Response};

/// The most characters of another service's error that are passed on.
const DETAIL_MAX: usize = 200;

/// Headers of one connection, which no answer brings along that is passed on.
const OF_THE_CONNECTION: [&str; 8] =
    ["connection", "content-length", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"];

/// An answer with its whole body. A handler may return it: it is passed on as it is.
///
/// ```
/// use switchyard_sdk::{Json, Request, Result, Router, http, testing};
///
/// testing::service("stock", |request: &Request| Json(request.path().len()));
/// let router = Router::new().get("/stock", || -> Result<http::Answer> {
///     Ok(http::service("stock").get("/p1").send()?)
/// });
/// assert_eq!(router.serve(Request::get("/stock")).body(), b"3");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    called: Called,
    response: Response,
}

// === impl Answer ===

impl Answer {
    pub(crate) fn new(called: Called, response: Response) -> Self {
        Self { called, response }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status()
    }

    /// The first header of this name (in any case), if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.response.header(name)
    }

    /// All headers: lower-case names and raw values.
    pub fn headers(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.response.headers()
    }

    /// The body.
    pub fn body(&self) -> &[u8] {
        self.response.body()
    }

    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.body()).into_owned()
    }

    /// The body read as JSON.
    ///
    /// # Errors
    /// [`Error::Broken`] when it is none, or of another shape.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_slice(self.body()).map_err(|error| Error::Broken {
            called: self.called.clone(),
            why: format!("its answer {} is not as expected: {error}", self.status()),
        })
    }

    /// The same, if it is a success.
    ///
    /// # Errors
    /// [`Error::Status`] when its status is 400 or more.
    pub fn ok(self) -> Result<Self, Error> {
        if self.status() < 400 {
            return Ok(self);
        }
        let Self { called, response } = self;
        Err(Error::Status { called, status: response.status(), detail: detail(&response) })
    }

    /// The same, if it is a success; none when it is 404.
    ///
    /// # Errors
    /// [`Error::Status`] when its status is another one of 400 or more.
    pub fn found(self) -> Result<Option<Self>, Error> {
        if self.status() == 404 { Ok(None) } else { self.ok().map(Some) }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let Response { status, headers, body } = self.response;
        let headers = headers.into_iter().filter(|(name, _)| !OF_THE_CONNECTION.contains(&name.as_str()));
        Response { status, headers: headers.collect(), body }
    }
}

/// What an error says of itself: a problem's detail, or the beginning of the body.
fn detail(response: &Response) -> String {
    let problem: Value = serde_json::from_slice(response.body()).unwrap_or_default();
    let said = ["detail", "error", "title"].into_iter().find_map(|member| problem[member].as_str());
    let body = String::from_utf8_lossy(response.body());
    said.unwrap_or(&body).chars().take(DETAIL_MAX).collect()
}
