//! The one stylesheet and the one script, under names that change with what is in them.

use std::{fmt::Write as _, sync::LazyLock};

use http::{
    HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use sha2::{Digest, Sha256};

use super::{failure::Failure, full, layout};
use crate::admin::AnswerBody;

const PREFIX: &str = "/assets/";

/// Where browsers look for an icon when nothing says where it is.
const FAVICON: &str = "/favicon.ico";

/// The stylesheet, in the order of its rules.
const STYLE: &str = concat!(
    include_str!("assets/frame.css"),
    include_str!("assets/parts.css"),
    include_str!("assets/pages.css"),
    include_str!("assets/delivery.css"),
);

/// The script; each part is a function that calls itself.
const SCRIPT: &str =
    concat!(include_str!("assets/frame.js"), include_str!("assets/live.js"), include_str!("assets/tail.js"));

/// The icon, in colours that stand out on both themes.
const ICON: &str = include_str!("assets/icon.svg");

/// Where each is.
pub(super) static STYLE_PATH: LazyLock<String> = LazyLock::new(|| path(STYLE, "css"));
pub(super) static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| path(SCRIPT, "js"));
pub(super) static ICON_PATH: LazyLock<String> = LazyLock::new(|| path(ICON, "svg"));

/// Whether a file of the console is at this path, or was.
pub(crate) fn is_asset(path: &str) -> bool {
    path.starts_with(PREFIX) || path == FAVICON
}

/// The file at this path.
pub(super) fn answer(path: &str) -> Response<AnswerBody> {
    let (kind, text) = match path {
        path if path == *STYLE_PATH => ("text/css; charset=utf-8", STYLE),
        path if path == *SCRIPT_PATH => ("text/javascript; charset=utf-8", SCRIPT),
        path if path == *ICON_PATH || path == FAVICON => ("image/svg+xml", ICON),
        _ => return layout::bare(&Failure::no_such_page()),
    };
    let mut response = Response::new(AnswerBody::Whole(full(text)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    // Only a name that changes with what is behind it can be kept for good.
    let kept = if path == FAVICON { "max-age=3600" } else { "public, max-age=31536000, immutable" };
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn path(text: &str, extension: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let hash = digest.iter().take(8).fold(String::new(), |mut hash, byte| {
        // Writing to a string cannot fail.
        _ = write!(hash, "{byte:02x}");
        hash
    });
    format!("{PREFIX}console.{hash}.{extension}")
}
