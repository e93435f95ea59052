//! Who may ask: on loopback, programs of this machine that mean this host; beyond, those that have the token. Never a page
//! that another site has open in somebody's browser.
//!
//! Browsers say where a request comes from, in `Origin` with everything that can change something, and in
//! `Sec-Fetch-Site` with all. A request of another site is refused, and another port of this machine is another site. A
//! form of another site is a `POST` with `Origin` whatever type its body has, so bodies need no type of their own. On
//! loopback the `Host` has to be this machine as well: a name that was made to lead here (DNS rebinding) is none.

mod origin;
mod tries;

use std::{
    net::IpAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Instant,
};

use http::{Extensions, header::AUTHORIZATION, request::Parts};
use switchyard_core::problem::Code;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::{
    reply::Problem,
    token::{PERIOD, Token, TokenError},
};
use crate::{
    config,
    console::{self, Sessions},
};
use tries::Tries;

/// What `WWW-Authenticate` says to who sends no token.
const CHALLENGE: &str = "Bearer realm=\"switchyard admin\"";

/// What it says to who sends a wrong one.
const WRONG: &str = "Bearer realm=\"switchyard admin\", error=\"invalid_token\"";

/// The address that a request came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Peer(pub(crate) IpAddr);

/// Why a request may ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Who {
    /// It comes from this machine, and no token is asked for.
    Loopback,
    /// It has the token, or the session of a browser whose user had it.
    Token,
}

/// Lets requests in, or not.
pub(crate) struct Guard {
    /// None lets everybody in who is on this machine.
    token: Option<Token>,
    /// Whether only this machine can reach the listener.
    is_local: bool,
    tries: Mutex<Tries>,
    refused: AtomicU64,
}

// === impl Guard ===

impl Guard {
    /// A guard as the configuration wants it.
    ///
    /// # Errors
    /// When the file of the token holds none.
    pub(crate) fn open(config: &config::Admin) -> Result<Self, TokenError> {
        let token = config.token_file.as_deref().map(Token::open).transpose()?;
        let is_local = config.listen.ip().is_loopback();
        Ok(Self { token, is_local, tries: Mutex::default(), refused: AtomicU64::new(0) })
    }

    /// Follows the file of the token until `stop` is cancelled. With another token, all sessions end.
    pub(crate) async fn follow(self: Arc<Self>, console: Arc<console::Console>, stop: CancellationToken) {
        if self.token.is_none() {
            return;
        }
        let (mut period, mut last) = (interval(PERIOD), None);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                _ = period.tick() => {}
            }
            let own = Arc::clone(&self);
            let renewed = tokio::task::spawn_blocking(move || own.token.as_ref().map(Token::renew));
            let Ok(Some(renewed)) = renewed.await else { continue };
            let error = renewed.as_ref().err().map(ToString::to_string);
            if renewed.is_ok_and(|differs| differs) {
                console.sessions.close_all();
                tracing::info!("the admin API has another token");
            }
            if error.is_some() && error != last {
                tracing::error!(error, "the admin API goes on with its last token");
            }
            last = error;
        }
    }

    /// Whether callers need a token.
    pub(crate) fn needs_token(&self) -> bool {
        self.token.is_some()
    }

    /// Requests that were refused since the start: of another site, or without the right token.
    pub(crate) fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// Refuses a request that may not ask, and notes of the others why they may.
    ///
    /// # Errors
    /// With the problem to answer.
    pub(super) fn check(&self, parts: &mut Parts, sessions: &Sessions) -> Result<(), Problem> {
        let admitted = origin::check(parts, self.is_local).and_then(|()| self.admit(parts, sessions));
        match admitted {
            Ok(who) => _ = parts.extensions.insert(who),
            Err(_) => _ = self.refused.fetch_add(1, Relaxed),
        }
        admitted.map(drop)
    }

    /// Refuses what is not the token; wrong ones are counted for the address that they come from.
    ///
    /// # Errors
    /// With the problem to answer.
    pub(crate) fn admits(&self, said: &str, from: &Extensions) -> Result<(), Problem> {
        let Some(token) = &self.token else { return Ok(()) };
        let (address, now) = (from.get::<Peer>().map(|peer| peer.0), Instant::now());
        if let Some(wait) = address.and_then(|address| self.tries().wait(address, now)) {
            let detail = format!("too many wrong tokens came from this address; wait {} s", wait.as_secs() + 1);
            return Err(Problem::new(Code::RateLimited, detail).retry_after(wait));
        }
        if token.is(said.as_bytes()) {
            return Ok(());
        }
        if let Some(address) = address {
            self.tries().record(address, now);
        }
        tracing::warn!(address = address.map(tracing::field::display), "a wrong token for the admin API");
        Err(Problem::new(Code::InvalidCredentials, "this is not the token of the admin API").challenge(WRONG))
    }

    fn admit(&self, parts: &Parts, sessions: &Sessions) -> Result<Who, Problem> {
        if self.token.is_none() {
            return Ok(Who::Loopback);
        }
        let is_open = matches!(parts.uri.path(), "/livez" | "/readyz") || console::is_open(parts);
        if let Some(said) = bearer(parts) {
            return self.admits(said, &parts.extensions).map(|()| Who::Token);
        }
        if is_open || sessions.knows(&parts.headers) {
            return Ok(Who::Token);
        }
        let detail = "send the token of the admin API as Authorization: Bearer TOKEN";
        Err(Problem::new(Code::MissingCredentials, detail).challenge(CHALLENGE))
    }

    /// Nobody panics while holding it, and if so the counts are whole.
    fn tries(&self) -> MutexGuard<'_, Tries> {
        self.tries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What one `Authorization` says behind `Bearer`.
fn bearer(parts: &Parts) -> Option<&str> {
    let mut said = parts.headers.get_all(AUTHORIZATION).iter();
    let (first, None) = (said.next()?, said.next()) else { return None };
    let (scheme, token) = first.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

// === impl Who ===

impl Who {
    /// As it is told.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Loopback => "loopback",
            Self::Token => "token",
        }
    }
}

#[cfg(test)]
mod tests;
