//! The service's configuration, `[services.NAME] config` of the host, as texts; and its secrets.
//!
//! ```
//! use std::time::Duration;
//! use switchyard_sdk::{Result, config, testing};
//!
//! fn patience() -> Result<Duration> {
//!     Ok(Duration::from_secs(config::get_or("patience-seconds", 5)?))
//! }
//!
//! assert_eq!(patience()?, Duration::from_secs(5));
//! testing::set_config("patience-seconds", "60");
//! assert_eq!(patience()?, Duration::from_secs(60));
//! # Ok::<(), switchyard_sdk::Error>(())
//! ```

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result, host};

/// A secret, as of [`secret`]. It is not shown by `{:?}`, so that it does not find its way into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

/// The text under this key; none when there is none.
///
/// # Errors
/// 500 when the host cannot read its configuration.
///
/// ```
/// use switchyard_sdk::{config, testing};
///
/// testing::set_config("greeting", "good day");
/// assert_eq!(config::get("greeting")?.as_deref(), Some("good day"));
/// assert_eq!(config::get("farewell")?, None);
/// # Ok::<(), switchyard_sdk::Error>(())
/// ```
pub fn get(key: &str) -> Result<Option<String>> {
    host::config_get(key).map_err(|cause| Error::internal(format_args!("config {key}: {cause}")))
}

/// The value under this key, or the default when there is none.
///
/// # Errors
/// 500 when the text is no such value, or the host cannot read its configuration.
///
/// ```
/// use switchyard_sdk::{config, testing};
///
/// testing::set_config("limit", "12");
/// assert_eq!((config::get_or("limit", 5)?, config::get_or("other", 5)?), (12, 5));
/// # Ok::<(), switchyard_sdk::Error>(())
/// ```
pub fn get_or<T: FromStr>(key: &str, default: T) -> Result<T> {
    let Some(text) = get(key)? else { return Ok(default) };
    text.parse().map_err(|_| Error::internal(format_args!("config {key}: `{text}` cannot be read")))
}

/// The secret of this name, which the host reads from its environment or from a file: `[services.NAME] secrets =
/// { api-key = { env = "API_KEY" } }`. Ask for it each time it is needed: it may be changed while the service runs.
///
/// # Errors
/// 500 when the service has none of this name, or the host cannot read it.
///
/// ```
/// use switchyard_sdk::{config, http, testing};
///
/// testing::set_secret("api-key", "t0ken");
/// testing::server("api.example.com", || "welcome");
/// let answer = http::get("https://api.example.com/").bearer(config::secret("api-key")?).send()?;
/// assert_eq!(testing::calls()[0].1.header("authorization"), Some("Bearer t0ken"));
/// # Ok::<(), switchyard_sdk::Error>(())
/// ```
pub fn secret(name: &str) -> Result<Secret> {
    let missing = || Error::internal(format_args!("there is no secret {name}; `[services.NAME] secrets` gives it"));
    get(name)?.map(Secret).ok_or_else(missing)
}

// === impl Secret ===

impl Secret {
    /// The secret itself, for where it is needed.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Secret {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[test]
    fn a_missing_value_is_the_default_and_a_wrong_one_an_error() {
        testing::set_config("limit", "12");
        testing::set_config("name", "x");
        assert_eq!(get_or("limit", 5).expect("a number"), 12);
        assert_eq!(get_or("other", 5).expect("the default"), 5);
        assert_eq!(get_or("name", 5).expect_err("no number").status(), 500);
    }

    #[test]
    fn a_secret_is_not_shown_and_a_missing_one_is_an_error() {
        testing::set_secret("key", "t0ken");
        let key = secret("key").expect("it is there");
        assert_eq!((key.expose(), format!("{key:?}").as_str()), ("t0ken", "Secret"));
        assert_eq!(secret("other").expect_err("it is not there").status(), 500);
        assert!(testing::logged().iter().any(|line| line.contains("no secret other")));
    }
}
