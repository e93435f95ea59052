//! The server to compare with: hyper, saying hello. It is this program itself, as `switchyard-bench native`.

use std::convert::Infallible;

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{Request, Response, body::Incoming};

use crate::own;

/// Serves until killed; prints its address.
pub(crate) fn serve() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(own::serve(hello))
}

/// Reads the request to its end, and says hello.
pub(crate) async fn hello(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // A client that goes away has no use for the answer.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(b"hello")));
    let text = hyper::header::HeaderValue::from_static("text/plain");
    response.headers_mut().insert(hyper::header::CONTENT_TYPE, text);
    Ok(response)
}
