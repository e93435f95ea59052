//! The service's configuration: `[services.NAME] config` of the host, as texts.

use std::str::FromStr;

use crate::{Error, Result, host};

/// The text under this key; none when there is none.
///
/// # Errors
/// 500 when the host cannot read its configuration.
pub fn get(key: &str) -> Result<Option<String>> {
    host::config_get(key).map_err(|cause| Error::internal(format_args!("config {key}: {cause}")))
}

/// The value under this key, or the default when there is none.
///
/// # Errors
/// 500 when the text is no such value, or the host cannot read its configuration.
pub fn get_or<T: FromStr>(key: &str, default: T) -> Result<T> {
    let Some(text) = get(key)? else { return Ok(default) };
    text.parse().map_err(|_| Error::internal(format_args!("config {key}: `{text}` cannot be read")))
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
}
