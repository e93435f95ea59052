//! What was refused after much work, so that a start does not do the work again: with a few components in the folder that
//! are made to cost, a host would not be ready for minutes after each restart.
//!
//! Kept for an hour, since the machine may have had other things to do; and only what took long, so that everything else
//! is always judged by the host that runs.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::{Deserialize, Serialize};
use switchyard_core::name::Digest;

use super::{CodeCache, stamp, write_synced};
use crate::{compile::PrepareError, engine::Tier};

/// What took less is tried again.
const WORTH_KEEPING: Duration = Duration::from_secs(2);

/// For how long it is not tried again.
const KEPT_FOR: Duration = Duration::from_secs(3600);

/// The extension of these files.
const EXTENSION: &str = "refused";

#[derive(Serialize, Deserialize)]
enum Refusal {
    Unusable(String),
    TooExpensive(String),
}

// === impl CodeCache ===

impl CodeCache {
    /// Keeps why a component was refused, if finding that out took long.
    pub(crate) fn refused(&self, digest: Digest, tier: Tier, error: &PrepareError, took: Duration) {
        let refusal = match error {
            PrepareError::Unusable(text) => Refusal::Unusable(text.clone()),
            PrepareError::TooExpensive(text) => Refusal::TooExpensive(text.clone()),
            PrepareError::Host(_) => return,
        };
        if took < WORTH_KEEPING {
            return;
        }
        let written = serde_json::to_string(&refusal).map_err(Into::into).and_then(|json| {
            write_synced(&self.refusal_file(digest, tier), format!("{}\n{json}", stamp(&json)).as_bytes())
        });
        if let Err(error) = written {
            tracing::warn!(%digest, %error, "what was refused cannot be kept; it is tried again at the next start");
        }
    }

    /// Why a component was refused not long ago.
    pub(crate) fn refusal(&self, digest: Digest, tier: Tier) -> Option<PrepareError> {
        let path = self.refusal_file(digest, tier);
        if is_over(&path) {
            return None;
        }
        let text = fs::read_to_string(path).ok()?;
        let (check, json) = text.split_once('\n')?;
        match serde_json::from_str(json).ok().filter(|_| check == stamp(json))? {
            Refusal::Unusable(text) => Some(PrepareError::Unusable(text)),
            Refusal::TooExpensive(text) => Some(PrepareError::TooExpensive(text)),
        }
    }

    fn refusal_file(&self, digest: Digest, tier: Tier) -> PathBuf {
        let tier = if tier == Tier::Winch { "winch" } else { "cranelift" };
        self.folder.join(format!("{digest}-{tier}.{EXTENSION}"))
    }
}

/// Removes those that hold no longer.
pub(super) fn remove_old(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if is_refusal(&path) && is_over(&path) {
            // Best effort: the next start tries again.
            let _ = fs::remove_file(path);
        }
    }
}

/// Whether a file of the cache is one of these.
pub(super) fn is_refusal(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == EXTENSION)
}

/// Also when it was written in the future, as the clock now says.
fn is_over(path: &Path) -> bool {
    let written = fs::metadata(path).and_then(|metadata| metadata.modified());
    written.ok().and_then(|at| at.elapsed().ok()).is_none_or(|age| age >= KEPT_FOR)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn what_took_long_is_not_done_again_within_the_hour() {
        let dir = std::env::temp_dir().join(format!("switchyard-refused-{}", std::process::id()));
        let cache = CodeCache::open(dir.clone()).unwrap();
        let [dear, cheap] = ["dear", "cheap"].map(|text| Digest::of(text.as_bytes()));
        let error = PrepareError::TooExpensive("3 GiB of memory".to_owned());
        cache.refused(dear, Tier::Winch, &error, WORTH_KEEPING);
        cache.refused(cheap, Tier::Winch, &error, WORTH_KEEPING / 2);
        cache.refused(cheap, Tier::Winch, &PrepareError::Host("no space".to_owned()), KEPT_FOR);
        let again = |digest, tier| cache.refusal(digest, tier).map(|error| error.to_string());
        assert_eq!(again(dear, Tier::Winch), Some(error.to_string()));
        assert_eq!((again(dear, Tier::Cranelift), again(cheap, Tier::Winch)), (None, None));
        let file = fs::File::options().write(true).open(cache.refusal_file(dear, Tier::Winch)).unwrap();
        file.set_modified(SystemTime::now() - KEPT_FOR).unwrap();
        assert_eq!(again(dear, Tier::Winch), None);
        remove_old(&dir);
        assert!(!cache.refusal_file(dear, Tier::Winch).exists());
        fs::remove_dir_all(dir).unwrap();
    }
}
