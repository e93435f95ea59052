//! my-service: tells the gateway whose a bearer token is. A token is `NAME.SECRET`, and the configuration holds the
//! secret of each name.

use std::time::Duration;

use switchyard_sdk::{AuthError, Claims, Manifest, config};

switchyard_sdk::plugin! { manifest: manifest, authenticator: authenticate }

/// For how long the gateway need not ask again: what is taken out of the configuration counts for so much longer.
const REMEMBERED: Duration = Duration::from_secs(10);

fn manifest() -> Manifest {
    switchyard_sdk::manifest!().tag("authenticator")
}

/// Clients are told 401 and nothing else; the reason goes into the host's log.
fn authenticate(token: &str) -> Result<Claims, AuthError> {
    let parts = token.split_once('.');
    let (name, secret) = parts.ok_or_else(|| AuthError::invalid("a token is NAME.SECRET"))?;
    match config::get(name)? {
        Some(known) if is_same(&known, secret) => Ok(Claims::new(name)
            .claim("roles", ["user"])
            .valid_for(REMEMBERED)),
        _ => Err(AuthError::invalid("no such name, or another secret")),
    }
}

/// Takes the same time wherever they differ, so that nobody finds a secret out letter by letter.
fn is_same(known: &str, given: &str) -> bool {
    let differs = known
        .bytes()
        .zip(given.bytes())
        .fold(0, |differs, (a, b)| differs | (a ^ b));
    !known.is_empty() && known.len() == given.len() && differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_sdk::testing;

    #[test]
    fn a_token_is_its_names_when_the_secret_is_right() {
        testing::set_config("ann", "s3cret");
        testing::set_config("nobody", "");
        assert_eq!(
            authenticate("ann.s3cret").expect("it counts").subject(),
            "ann"
        );
        for token in [
            "",
            "ann",
            "ann.",
            "ann.s3cre",
            "ann.s3cret.",
            "bea.s3cret",
            "nobody.",
        ] {
            assert!(
                matches!(authenticate(token), Err(AuthError::Invalid(_))),
                "{token}"
            );
        }
    }
}
