//! `switchyard:plugin/authenticator`: whose a token is.

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use switchyard_core::describe::Role;
use wasmtime::component::InstancePre;

use super::{
    linked::{Call, absent},
    roles,
    warm::Guest,
    wit::authenticator as wit,
};
use crate::{
    host::cut,
    middleware::{AuthError, CLAIMS_MAX, Claims, SUBJECT_MAX},
    state::GuestState,
};

/// The last second of the year 9999: as long as for ever, and a time that every clock can tell.
const LATEST_S: u64 = 253_402_300_799;

type Params<'a> = (&'a str,);
type Answer = Result<wit::Claims, wit::AuthError>;

pub(super) fn check(pre: &InstancePre<GuestState>) -> wasmtime::Result<()> {
    roles::check::<Params<'_>, (Answer,)>(pre, Role::Authenticator, "validate-token")
}

/// A token to be checked.
pub(super) struct Validate<'a> {
    pub(super) token: &'a str,
}

impl Call for Validate<'_> {
    /// None of it is checked yet.
    type Answer = Answer;

    async fn call(self, guest: &mut Guest) -> wasmtime::Result<Answer> {
        let authenticator = guest.exports.authenticator.as_ref().ok_or_else(|| absent(Role::Authenticator))?;
        authenticator.call_validate_token(&mut guest.store, self.token).await
    }
}

/// What a guest said of a token, if it makes sense.
pub(super) fn verdict(said: Answer) -> Result<Result<Claims, AuthError>, String> {
    match said {
        Ok(said) => claims(said).map(Ok),
        Err(wit::AuthError::Invalid(why)) => Ok(Err(AuthError::Invalid(cut(why)))),
        Err(wit::AuthError::Unavailable(why)) => Ok(Err(AuthError::Unavailable(cut(why)))),
    }
}

fn claims(said: wit::Claims) -> Result<Claims, String> {
    let wit::Claims { subject, all, valid_until } = said;
    let is_subject =
        (1..=SUBJECT_MAX).contains(&subject.len()) && subject.trim() == subject && !subject.contains(char::is_control);
    if !is_subject {
        let what = "1 to 1024 bytes without control characters, nor spaces at the ends";
        return Err(format!("it answered with the subject '{}', which is not {what}", cut(subject).escape_debug()));
    }
    let object = match all.as_slice() {
        [] => serde_json::Map::new(),
        all => serde_json::from_slice(all)
            .map_err(|error| format!("it answered with claims that are no JSON object: {error}"))?,
    };
    // Written anew, so that all who read it read the same: a name that stood there twice does not any more.
    let all = serde_json::to_vec(&object).map_err(|error| format!("it answered with claims that are none: {error}"))?;
    if all.len() > CLAIMS_MAX {
        return Err(format!("it answered with claims of {} bytes, over {CLAIMS_MAX}", all.len()));
    }
    let valid_until = valid_until.map(|until| UNIX_EPOCH + Duration::from_secs(until.min(LATEST_S)));
    Ok(Claims { subject, all: Bytes::from(all), valid_until })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(subject: &str, all: &str, valid_until: Option<u64>) -> Answer {
        Ok(wit::Claims { subject: subject.to_owned(), all: all.into(), valid_until })
    }

    #[test]
    fn claims_are_one_compact_object() {
        let claims = verdict(said("ann", r#" { "a" : 1, "b": ["ä"], "a": 2 } "#, Some(60))).unwrap().unwrap();
        assert_eq!((claims.subject.as_str(), &claims.all[..]), ("ann", r#"{"a":2,"b":["ä"]}"#.as_bytes()));
        assert_eq!(claims.valid_until, Some(UNIX_EPOCH + Duration::from_secs(60)));
        let none = verdict(said("ann", "", None)).unwrap().unwrap();
        assert_eq!((&none.all[..], none.valid_until), (&b"{}"[..], None));
        let ever = verdict(said("ann", "{}", Some(u64::MAX))).unwrap().unwrap();
        assert_eq!(ever.valid_until, Some(UNIX_EPOCH + Duration::from_secs(LATEST_S)));
    }

    #[test]
    fn what_makes_no_sense_is_the_guests_failure_and_not_the_clients() {
        let long = "a".repeat(SUBJECT_MAX + 1);
        for subject in ["", " ann", "ann\n", "a\0b", "a\u{7f}b", &long] {
            let why = verdict(said(subject, "{}", None)).unwrap_err();
            assert!(why.starts_with("it answered with the subject"), "{why}");
        }
        let large = format!(r#"{{"a":"{}"}}"#, "a".repeat(CLAIMS_MAX));
        for all in ["[]", "null", "{", "{}{}", r#""a""#, &large] {
            let why = verdict(said("ann", all, None)).unwrap_err();
            assert!(why.starts_with("it answered with claims"), "{why}");
        }
    }

    #[test]
    fn a_refusal_is_told_from_not_knowing() {
        let invalid = verdict(Err(wit::AuthError::Invalid("expired".to_owned())));
        assert_eq!(invalid, Ok(Err(AuthError::Invalid("expired".to_owned()))));
        let unavailable = verdict(Err(wit::AuthError::Unavailable("no keys".to_owned())));
        assert_eq!(unavailable, Ok(Err(AuthError::Unavailable("no keys".to_owned()))));
    }
}
