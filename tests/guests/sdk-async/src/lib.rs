//! An async service of the SDK: routes, JSON, streams both ways, calls at the same time, and what is synchronous beside it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use switchyard_sdk::asynchronous::{self, Body, Router, Streaming};
use switchyard_sdk::{Error, Json, Manifest, Path, Query, Request, Response, Result, Route, http, kv, log};

#[derive(Serialize, Deserialize)]
struct Order {
    product: String,
    quantity: u32,
}

#[derive(Deserialize)]
struct Which {
    name: String,
}

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().route(Route::new("/sdk-async/*").strip_prefix("/sdk-async"))
}

fn router() -> Router {
    Router::new()
        .get("/users/{id}", user)
        .post("/orders", order)
        .post("/echo", echo)
        .post("/length", length)
        .get("/stream", stream)
        .get("/broken", broken)
        .get("/both", both)
        .get("/late", late)
        .post("/relay/{name}", relay)
        .post("/visits/{page}", visit)
        .get("/trap", trap)
}

async fn user(Path(id): Path<u64>) -> Result<String> {
    if id == 0 { Err(Error::not_found("User not found")) } else { Ok(format!("user {id}")) }
}

async fn order(request: Request, Json(order): Json<Order>) -> (u16, Json<Order>) {
    log::info!("{} orders {}", request.header("x-who").unwrap_or("nobody"), order.product);
    (201, Json(order))
}

async fn echo(body: Body) -> Body {
    body
}

async fn length(mut body: Body) -> Result<String> {
    let (mut bytes, mut parts) = (0, 0);
    while let Some(part) = body.next().await? {
        bytes += part.len();
        parts += 1;
    }
    Ok(format!("{bytes} {}", if parts > 1 { "in parts" } else { "at once" }))
}

async fn stream() -> Streaming {
    let parts = Body::stream(async |mut out| {
        for number in 0..10 {
            out.send(format!("part {number}\n")).await;
            asynchronous::sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    });
    Streaming::new(Response::new(200).with_header("content-type", "text/plain"), parts)
}

async fn broken() -> Body {
    Body::stream(async |mut out| {
        out.send("the first part\n").await;
        Err(Error::internal("there is no second part"))
    })
}

/// What the other service answers to two calls that it has at the same time.
async fn both(Query(Which { name }): Query<Which>) -> Result<String> {
    let calls = ["/a", "/b"].map(|path| http::service(&name).get(path).send_async());
    let answers = asynchronous::join_all(calls).await;
    let texts: Vec<String> = answers.into_iter().map(|answer| Ok(answer?.ok()?.text())).collect::<Result<_>>()?;
    Ok(texts.join(" "))
}

/// Calls a service that does not answer in time.
async fn late(Query(Which { name }): Query<Which>) -> Result<http::Answer> {
    Ok(http::service(&name).get("/").timeout(Duration::from_millis(50)).send_async().await?)
}

/// Posts to another service, and passes on what it answers as it comes.
async fn relay(request: Request, Path(name): Path<String>) -> Result<Streaming> {
    let call = http::service(&name).post("/relayed").body("text/plain", request.body());
    Ok(call.open_async().await?)
}

async fn visit(Path(page): Path<String>) -> Result<String> {
    Ok(kv::own()?.increment(&page, 1)?.to_string())
}

async fn trap() {
    panic!("asked to trap");
}

switchyard_sdk::async_service!(manifest, router);
