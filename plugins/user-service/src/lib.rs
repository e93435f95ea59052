//! Users over HTTP: create, read, update, delete.
//!
//! A user is one key, `user/ID`, whose value is the JSON that clients get: reading one is one lookup and no
//! parsing. Ids are UUIDv7, so that the order of the keys is the order of creation. An update is
//! compare-and-swap, so that two at once lose nothing. Every change is one commit with the event that tells of it:
//! there is no user without its `user.created`, and no event of a change that did not happen.

mod user;

use switchyard_sdk::batch::{self, Batch};
use switchyard_sdk::{Error, Json, Manifest, Request, Response, Result, Route, Router, clock, kv, uuid};
use user::{Changes, User};

switchyard_sdk::service!(manifest, router);

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("users").route(Route::new("/api/users/*").strip_prefix("/api")).health("/health")
}

fn router() -> Router {
    Router::new()
        .get("/users", list)
        .post("/users", create)
        .get("/users/{id}", read)
        .put("/users/{id}", update)
        .delete("/users/{id}", delete)
        .get("/health", health)
}

/// All users, oldest first.
fn list(_: &Request) -> Result<Response> {
    let bucket = kv::own()?;
    let users = bucket.get_many(&bucket.keys("user/")?)?;
    // One that was deleted since its key was listed has no value.
    let users: Vec<Vec<u8>> = users.into_iter().flatten().collect();
    Ok(Response::json_bytes([b"[", users.join(&b',').as_slice(), b"]"].concat()))
}

fn create(request: &Request) -> Result<Response> {
    let now = clock::now();
    let user = Changes::from_body(request.body())?.into_user(uuid::v7_at(now), now)?;
    let json = user.to_json()?;
    Batch::new().put(key(&user.id)?, json.as_slice()).publish(user.event("user.created")?).commit()?;
    Ok(Response::json_bytes(json).with_status(201))
}

fn read(request: &Request) -> Result<Response> {
    let json = kv::own()?.get(&key(request.param("id"))?)?;
    json.map(Response::json_bytes).ok_or_else(not_found)
}

fn update(request: &Request) -> Result<Response> {
    let key = key(request.param("id"))?;
    let changes = Changes::from_body(request.body());
    let json = batch::update(key.as_str(), |current| {
        let mut user = User::from_json(&current.ok_or_else(not_found)?)?;
        user.apply(changes.as_ref().map_err(Error::clone)?, clock::now())?;
        let json = user.to_json()?;
        let batch = Batch::new().put(key.as_str(), json.as_slice()).publish(user.event("user.updated")?);
        Ok::<_, Error>((batch, json))
    })?;
    Ok(Response::json_bytes(json))
}

fn delete(request: &Request) -> Result<()> {
    let key = key(request.param("id"))?;
    batch::update(key.as_str(), |current| {
        let user = User::from_json(&current.ok_or_else(not_found)?)?;
        Ok((Batch::new().delete(key.as_str()).publish(user.event("user.deleted")?), ()))
    })
}

/// Well while the store answers.
fn health(_: &Request) -> Result<Json<serde_json::Value>> {
    kv::own()?.exists("user/")?;
    Ok(Json(serde_json::json!({ "status": "healthy", "version": env!("CARGO_PKG_VERSION") })))
}

/// The key of a user. What is no id is an unknown one, and never reaches the store.
fn key(id: &str) -> Result<String> {
    if uuid::is_valid(id) { Ok(format!("user/{id}")) } else { Err(not_found()) }
}

fn not_found() -> Error {
    Error::not_found("User not found")
}

#[cfg(test)]
mod tests;
