//! What can answer a request while it waits for others.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use super::{Body, IntoStreaming, Streaming};
use crate::{FromRequest, Request, Result};

/// The most bytes of a body that is read before its handler is called: as much as the gateway lets through unless it is told
/// otherwise.
const BODY_MAX: usize = 10 * 1024 * 1024;

/// A future that ends with the answer.
pub(super) type Answering = Pin<Box<dyn Future<Output = Streaming>>>;

/// An async function that answers requests. It takes up to four arguments that are [`FromRequest`], the whole
/// [`Request`] among them, and answers with what is [`IntoStreaming`]. One that takes a [`Body`] last, after up to three
/// others, reads the body itself; what it takes before sees none.
///
/// ```
/// use switchyard_sdk::asynchronous::{Body, Router};
/// use switchyard_sdk::{Json, Path, Request, Result};
///
/// async fn rename(request: Request, Path(id): Path<u32>, Json(name): Json<String>) -> String {
///     format!("{} {id}: {name}", request.method())
/// }
///
/// async fn store(Path(name): Path<String>, body: Body) -> Result<(u16, String)> {
///     Ok((201, format!("{name}: {} bytes", body.read(1_000_000).await?.len())))
/// }
///
/// let router = Router::new().put("/users/{id}", rename).put("/files/{name}", store).get("/health", async || "well");
/// assert_eq!(router.ask(Request::new("PUT", "/users/7").with_body(r#""ann""#)).body(), b"PUT 7: ann");
/// assert_eq!(router.ask(Request::new("PUT", "/files/a").with_body("12345")).body(), b"a: 5 bytes");
/// assert_eq!(router.ask(Request::new("PUT", "/users/7").with_body("ann")).status(), 400);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles no requests asynchronously",
    note = "an async handler takes up to four of `Request`, `Path`, `Query`, `Json` and `Form`, and `Body` last if it reads that \
            itself; it answers with what is `IntoStreaming`; a closure has to say the types of its arguments"
)]
pub trait Handler<Takes>: Send + Sync + 'static {
    /// Answers a request, whose body comes beside it.
    #[doc(hidden)]
    fn answer(self: Arc<Self>, request: Request, body: Body) -> Pin<Box<dyn Future<Output = Streaming>>>;
}

/// Marks handlers that take a request with its whole body.
#[derive(Debug)]
pub struct Parts<T>(PhantomData<T>);

/// Marks handlers that read the body themselves.
#[derive(Debug)]
pub struct Streamed<T>(PhantomData<T>);

async fn whole(request: Request, body: Body) -> Result<Request> {
    Ok(request.with_body(body.read(BODY_MAX).await?))
}

macro_rules! part {
    ($part:ident, $request:expr) => {
        match $part::from_request($request) {
            Ok(part) => part,
            Err(error) => return error.into_streaming(),
        }
    };
}

macro_rules! handlers {
    ($($part:ident),*) => {
        impl<F, R, $($part),*> Handler<Parts<($($part,)*)>> for F
        where
            F: Fn($($part),*) -> R + Send + Sync + 'static,
            R: Future<Output: IntoStreaming> + 'static,
            $($part: FromRequest + 'static,)*
        {
            fn answer(self: Arc<Self>, request: Request, body: Body) -> Answering {
                Box::pin(async move {
                    let _request = match whole(request, body).await {
                        Ok(request) => request,
                        Err(error) => return error.into_streaming(),
                    };
                    self($(part!($part, &_request)),*).await.into_streaming()
                })
            }
        }
    };
}

macro_rules! streamed {
    ($($part:ident),*) => {
        impl<F, R, $($part),*> Handler<Streamed<($($part,)*)>> for F
        where
            F: Fn($($part,)* Body) -> R + Send + Sync + 'static,
            R: Future<Output: IntoStreaming> + 'static,
            $($part: FromRequest + 'static,)*
        {
            fn answer(self: Arc<Self>, _request: Request, body: Body) -> Answering {
                Box::pin(async move { self($(part!($part, &_request),)* body).await.into_streaming() })
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
streamed!();
streamed!(A);
streamed!(A, B);
streamed!(A, B, C);
