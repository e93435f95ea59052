//! What a guest's failure says of the instance.

use http::Response;
use switchyard_core::breaker::Outcome;
use switchyard_runtime::{Body, GuestError};

use crate::upload::Upload;

/// What an answer, or the want of one, says of the instance: nothing when the caller's own part did not arrive.
pub(crate) fn of_call(called: &Result<Response<Body>, GuestError>, upload: Option<&Upload>) -> Outcome {
    let has_timed_out = matches!(called, Err(GuestError::TimedOut { .. }));
    match called {
        _ if upload.is_some_and(|upload| upload.excuse(has_timed_out).is_some()) => Outcome::Uncounted,
        Ok(response) => Outcome::of_status(response.status().as_u16()),
        Err(error) => of_error(error),
    }
}

/// Failures of the guest count, and so does code that cannot be loaded: nobody is there to be reached. That it is busy,
/// that a caller's request did not arrive, or asks for a role that the guest does not have, says nothing of it.
pub(crate) fn of_error(error: &GuestError) -> Outcome {
    match error {
        GuestError::TimedOut { .. } => Outcome::TimedOut,
        GuestError::Failed { .. } | GuestError::Unloadable { .. } => Outcome::Failure,
        GuestError::Shared { cause, counts: true } => of_error(cause),
        GuestError::Shared { counts: false, .. } => Outcome::Uncounted,
        GuestError::Busy { .. } | GuestError::Body(_) | GuestError::NotExported { .. } => Outcome::Uncounted,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use switchyard_runtime::BodyError;

    use super::*;

    #[test]
    fn what_is_not_the_instance_s_fault_does_not_count() {
        let (service, text) = (|| "a".parse().unwrap(), || "t".to_owned());
        let died = |counts| {
            let cause = GuestError::Failed { service: service(), reason: text(), backtrace: None };
            GuestError::Shared { cause: Box::new(cause), counts }
        };
        for (error, outcome) in [
            (GuestError::TimedOut { service: service(), after: Duration::ZERO }, Outcome::TimedOut),
            (GuestError::Failed { service: service(), reason: text(), backtrace: None }, Outcome::Failure),
            (died(true), Outcome::Failure),
            // That of the others who were inside.
            (died(false), Outcome::Uncounted),
            (GuestError::Unloadable { service: service(), reason: text() }, Outcome::Failure),
            (GuestError::Busy { service: service(), reason: text() }, Outcome::Uncounted),
            (GuestError::NotExported { service: service(), export: text() }, Outcome::Uncounted),
            (GuestError::Body(BodyError::TooLarge { max: 1 }), Outcome::Uncounted),
        ] {
            assert_eq!(of_error(&error), outcome, "{error}");
        }
    }
}
