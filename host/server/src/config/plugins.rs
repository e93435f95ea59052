//! `[plugins]`: the folder, and what becomes of what is put into it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use minisign_verify::PublicKey;
use schemars::JsonSchema;
use serde::Deserialize;
use switchyard_core::{
    rollout::Reload,
    units::{ByteSize, HumanDuration},
};
use switchyard_delivery::config::Grants;

use super::{
    check::{Wrong, size, wrong},
    spanned::Spanned,
};

/// The most artifacts of a stem that are kept.
const KEEP_MAX: u32 = 100;

/// The most keys that are trusted.
const KEYS_MAX: usize = 64;

/// `[plugins]`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Plugins {
    /// The folder. `./plugins`.
    pub(crate) dir: PathBuf,
    /// How long an old generation may finish its requests. 10 s.
    pub(crate) drain_timeout: Duration,
    /// How many artifacts of a stem are kept, the one that serves included. 3.
    pub(crate) keep: usize,
    /// What the linear memories of all guests together may hold, in bytes; none means three quarters of what there is.
    pub(crate) memory_max: Option<u64>,
    /// How a new version takes over, unless its service says something else. Off: at once.
    pub(crate) reload: Reload,
    /// Public keys of minisign; with any, each component has to be signed by one of them. None.
    pub(crate) trusted_keys: Vec<String>,
    /// Whether Winch may compile, so that new components are live at once. It may.
    pub(crate) winch: bool,
}

/// `[plugins]`, as it is written.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
#[schemars(rename = "Plugins")]
pub(super) struct Raw {
    /// The folder. At restart.
    #[schemars(extend("default" = "plugins"))]
    pub(super) dir: Option<PathBuf>,
    /// How long an old version may finish.
    #[schemars(extend("default" = "10s"))]
    pub(super) drain_timeout: Option<HumanDuration>,
    /// Whether plugins may use all topics, queues and sagas, or only what their `grants` name.
    #[schemars(extend("default" = "open"))]
    pub(super) grants: Grants,
    /// Artifacts that are kept of each file, the live one included.
    #[schemars(range(min = 1, max = KEEP_MAX), extend("default" = 3))]
    pub(super) keep: Option<Spanned<u32>>,
    /// Linear memories of all guests together; three quarters of the machine's, or of the control group's, when nothing
    /// is said.
    pub(super) memory_max: Option<Spanned<ByteSize>>,
    /// How a new version takes over.
    #[schemars(extend("default" = "off"))]
    pub(super) reload: Option<Reload>,
    /// Public keys of minisign; with any, only signed components serve.
    #[schemars(length(max = KEYS_MAX), extend("default" = []))]
    pub(super) trusted_keys: Vec<Spanned<String>>,
    /// Whether Winch may compile, so that what is new is live at once.
    #[schemars(extend("default" = true))]
    pub(super) winch: Option<bool>,
}

/// Checks it; `base` is the folder that relative paths start from.
pub(super) fn plugins(raw: Raw, base: &Path) -> Result<Plugins, Wrong> {
    let defaults = Plugins::default();
    Ok(Plugins {
        dir: raw.dir.map_or(defaults.dir, |dir| base.join(dir)),
        drain_timeout: raw.drain_timeout.map_or(defaults.drain_timeout, |timeout| timeout.0),
        keep: raw.keep.map_or(Ok(defaults.keep), keep)?,
        memory_max: size(raw.memory_max)?,
        reload: raw.reload.unwrap_or(defaults.reload),
        trusted_keys: trusted_keys(raw.trusted_keys)?,
        winch: raw.winch.unwrap_or(defaults.winch),
    })
}

fn keep(raw: Spanned<u32>) -> Result<usize, Wrong> {
    match *raw.as_ref() {
        number @ 1..=KEEP_MAX => Ok(number as usize),
        _ => wrong(&raw, format!("the number must be from 1 to {KEEP_MAX}; the one that serves counts")),
    }
}

fn trusted_keys(raw: Vec<Spanned<String>>) -> Result<Vec<String>, Wrong> {
    if let Some(beyond) = raw.get(KEYS_MAX) {
        return wrong(beyond, format!("there are more than {KEYS_MAX} keys; trust fewer"));
    }
    let checked = raw.into_iter().map(|key| match PublicKey::from_base64(key.as_ref()) {
        Ok(_) => Ok(key.into_inner()),
        Err(_) => {
            let text = key.as_ref();
            wrong(
                &key,
                format!(
                    "'{text}' is no public key of minisign: write the second line of its .pub file, as in \"RWQ…\""
                ),
            )
        }
    });
    checked.collect()
}

// === impl Plugins ===

impl Default for Plugins {
    fn default() -> Self {
        Self {
            dir: "plugins".into(),
            drain_timeout: Duration::from_secs(10),
            keep: 3,
            memory_max: None,
            reload: Reload::Off,
            trusted_keys: Vec::new(),
            winch: true,
        }
    }
}

impl Plugins {
    /// Whether something differs that is read at start only.
    pub(super) fn needs_restart(&self, newer: &Self) -> bool {
        (&self.dir, self.drain_timeout) != (&newer.dir, newer.drain_timeout)
    }
}

#[cfg(test)]
mod tests {
    use switchyard_core::rollout::Reload;

    use crate::config::{
        Config,
        tests::{check, parse},
    };

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    #[test]
    fn wrong_members_name_line_and_remedy() {
        check("[plugins]\nkeep = 0", ":2: the number must be from 1 to 100");
        check("[plugins]\nmemory-max = '0B'", ":2: the size must be at least 1B");
        check("[plugins]\nkeep = 101", ":2: the number must be from 1 to 100");
        check("[plugins]\nreload = 'fast'", ":2: unknown value 'fast'");
        check("[services.a]\nreload = 'carefull'", ":2: unknown value 'carefull'; did you mean 'careful'?");
        check("[plugins]\ntrusted-keys = [\n'RWQ']", ":3: 'RWQ' is no public key of minisign");
        check("[plugins]\ntrusted-key = []", ":2: unknown member 'trusted-key'; did you mean 'trusted-keys'?");
        let many = format!("[plugins]\ntrusted-keys = [{}]", format!("'{KEY}',").repeat(65));
        check(&many, ":2: there are more than 64 keys");
    }

    #[test]
    fn a_service_says_itself_how_its_new_versions_take_over() {
        let config =
            parse("[plugins]\nreload = 'quick'\n[services.a]\nreload = 'off'\n[services.b]").expect("it is right");
        let of = |name: &str| config.reload(&name.parse().expect("a name"));
        assert_eq!(["a", "b", "c"].map(of), [Reload::Off, Reload::Quick, Reload::Quick]);
        assert_eq!(Config::default().reload(&"a".parse().expect("a name")), Reload::Off);
    }

    #[test]
    fn all_but_the_folder_is_followed_while_the_host_runs() {
        let text = format!("[plugins]\nkeep = 1\nwinch = false\ntrusted-keys = ['{KEY}']");
        let (old, new) = (Config::default(), parse(&text).expect("it is right"));
        assert_eq!(
            (new.plugins.keep, new.plugins.winch, new.plugins.trusted_keys.as_slice()),
            (1, false, &[KEY.to_owned()][..])
        );
        assert!(old.needs_restart(&new).is_empty());
        let moved = parse("[plugins]\ndir = 'other'").expect("it is right");
        assert_eq!(old.needs_restart(&moved), ["plugins"]);
    }
}
