//! Tokens that are issued, checked and revoked here: an authenticator of the gateway, over the key-value store.
//!
//! What is kept of a token is its SHA-256, so that whoever reads the store can impersonate nobody. The first token, the
//! administrator's, is the configuration's; with it the others are issued.

mod token;

use std::time::Duration;

use switchyard_sdk::{
    AuthError, Claims, Error, Json, Manifest, Request, Result, Route, Router, clock, config, kv, random,
};
use token::{Issued, Wanted};

/// Who may issue and revoke.
const ADMIN: &str = "admin";

/// For how long the gateway need not ask again: what is revoked counts for so much longer.
const REMEMBERED: Duration = Duration::from_secs(10);

switchyard_sdk::plugin! { manifest: manifest, http: router, authenticator: authenticate }

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("authenticator").route(Route::new("/api/tokens/*").strip_prefix("/api"))
}

fn router() -> Router {
    Router::new().post("/tokens", issue).delete("/tokens/{id}", revoke)
}

fn authenticate(token: &str) -> Result<Claims, AuthError> {
    let (id, now) = (token::id(token), clock::now());
    if config::get("admin-sha256")?.is_some_and(|admin| admin.eq_ignore_ascii_case(&id)) {
        return Ok(Claims::new(ADMIN).valid_for(REMEMBERED));
    }
    let issued: Option<Issued> = kv::own()?.get_json(&key(&id))?;
    let issued = issued.ok_or_else(|| AuthError::invalid("it was never issued, or is revoked"))?;
    issued.claims(now, REMEMBERED).ok_or_else(|| AuthError::invalid("it has expired"))
}

/// A new token, which nobody is told a second time.
fn issue(request: &Request) -> Result<(u16, Json<serde_json::Value>)> {
    only_admin(request)?;
    let issued = request.json::<Wanted>()?.into_issued(clock::now())?;
    let token = random::token();
    let id = token::id(&token);
    kv::own()?.set_json(&key(&id), &issued)?;
    Ok((201, Json(serde_json::json!({ "id": id, "token": token }))))
}

fn revoke(request: &Request) -> Result<()> {
    only_admin(request)?;
    let (bucket, key) = (kv::own()?, key(request.param("id")));
    if !bucket.exists(&key)? {
        return Err(Error::not_found("Token not found"));
    }
    Ok(bucket.delete(&key)?)
}

/// The gateway says who it is, and removes what a client says of that.
fn only_admin(request: &Request) -> Result<()> {
    match request.header("x-auth-subject") {
        Some(ADMIN) => Ok(()),
        _ => Err(Error::new(403, "Only for the administrator")),
    }
}

fn key(id: &str) -> String {
    format!("token/{id}")
}

#[cfg(test)]
mod tests;
