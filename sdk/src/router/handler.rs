//! What can answer a request: functions of whatever they take.

use std::marker::PhantomData;

use crate::{FromRequest, IntoResponse, Request, Response, Router};

/// A function that answers requests. It takes up to four arguments: the `&Request` first if it wants that, and then what
/// [`FromRequest`] takes from one. Arguments that cannot be taken end the request with their error.
///
/// ```
/// use switchyard_sdk::{Json, Path, Request, Router};
///
/// fn both(request: &Request, Path(id): Path<u32>, Json(name): Json<String>) -> String {
///     format!("{} {id}: {name}", request.method())
/// }
///
/// let router = Router::new().put("/users/{id}", both).get("/health", || "well").get("/", |_: &Request| ());
/// assert_eq!(router.serve(Request::new("PUT", "/users/7").with_body(r#""ann""#)).body(), b"PUT 7: ann");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` handles no requests",
    note = "a handler takes `&Request` and up to four of `Path`, `Query`, `Json` and `Form`, and answers with what is \
            `IntoResponse`; a closure has to say the types of its arguments"
)]
pub trait Handler<Takes>: Send + Sync + 'static {
    /// Answers a request.
    fn answer(&self, request: &Request) -> Response;
}

/// Marks handlers that take nothing but parts of a request.
#[derive(Debug)]
pub struct Parts<T>(PhantomData<T>);

/// Marks handlers that take the request first.
#[derive(Debug)]
pub struct Whole<R, T>(PhantomData<(R, T)>);

/// Marks routers, which handle requests, too.
#[derive(Debug)]
pub struct Routed;

impl Handler<Routed> for Router {
    fn answer(&self, request: &Request) -> Response {
        self.serve(request.clone())
    }
}

macro_rules! handlers {
    ($($part:ident),*) => {
        impl<F, R, $($part),*> Handler<Parts<($($part,)*)>> for F
        where
            F: Fn($($part),*) -> R + Send + Sync + 'static,
            R: IntoResponse,
            $($part: FromRequest,)*
        {
            fn answer(&self, _request: &Request) -> Response {
                self($(match $part::from_request(_request) {
                    Ok(part) => part,
                    Err(error) => return error.into_response(),
                }),*)
                .into_response()
            }
        }

        impl<F, R, $($part),*> Handler<Whole<R, ($($part,)*)>> for F
        where
            F: Fn(&Request, $($part),*) -> R + Send + Sync + 'static,
            R: IntoResponse,
            $($part: FromRequest,)*
        {
            fn answer(&self, request: &Request) -> Response {
                self(request, $(match $part::from_request(request) {
                    Ok(part) => part,
                    Err(error) => return error.into_response(),
                }),*)
                .into_response()
            }
        }
    };
}

handlers!();
handlers!(A);
handlers!(A, B);
handlers!(A, B, C);
handlers!(A, B, C, D);
