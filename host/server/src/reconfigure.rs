//! Reads the configuration again when its file changes. A wrong file changes nothing, and says so.
//!
//! The content is looked at every [`PERIOD`], not the folder: so the file may have any name, be a link (also one that
//! is changed far away, as mounted configurations are), or come after the start. A change counts when two reads
//! [`READ_GAP`] apart are equal. The secrets of services stand in files of their own, which are looked at as well: a
//! change of theirs counts when two looks in a row find it.

use std::{
    fs::OpenOptions,
    io::{self, Read},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustix::fs::OFlags;
use switchyard_core::{settle::READ_GAP, units::ByteSize};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval, sleep},
};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Overrides};

/// The time between two looks at the file.
const PERIOD: Duration = Duration::from_secs(2);

/// The longest configuration, in bytes.
const SIZE_MAX: u64 = 4 << 20;

/// Follows one file.
struct Follower {
    file: PathBuf,
    overrides: Overrides,
    /// What the host was started with: tables that are read at start only are compared with this.
    running: Arc<Config>,
    configs: watch::Sender<Arc<Config>>,
    /// What was acted upon last; none before the first look.
    last: Option<Content>,
    /// What the same text means now, since a file that it names has changed; in force when the next look agrees.
    newer: Option<Config>,
    /// Why that is not in force. It may name files, so it is tried again, and told again only when it is another reason.
    refused: Option<String>,
}

/// What a look at the file found.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Content {
    Missing,
    Unreadable(String),
    Text(String),
}

/// Follows the configuration file until `stop` is cancelled; a newer one that is right goes to `configs`.
pub(crate) async fn follow(
    file: PathBuf,
    overrides: Overrides,
    configs: watch::Sender<Arc<Config>>,
    stop: CancellationToken,
) {
    let running = Arc::clone(&configs.borrow());
    let mut follower = Follower { file, overrides, running, configs, last: None, newer: None, refused: None };
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = period.tick() => {}
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = follower.look() => {}
        }
    }
}

/// Tells somebody a part of the configuration whenever that has changed, until `stop` is cancelled. It was told the part
/// of the beginning already.
pub(crate) async fn part<T: PartialEq>(
    mut configs: watch::Receiver<Arc<Config>>,
    part: impl Fn(&Config) -> T,
    tell: impl Fn(&T),
    stop: CancellationToken,
) {
    let mut told = part(&configs.borrow_and_update());
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            changed = configs.changed() => if changed.is_err() { return },
        }
        let newer = part(&configs.borrow_and_update());
        if newer != told {
            tell(&newer);
            told = newer;
        }
    }
}

// === impl Follower ===

impl Follower {
    async fn look(&mut self) {
        let first = read(self.file.clone()).await;
        if self.last.as_ref() == Some(&first) {
            match &first {
                Content::Text(text) if self.refused.is_some() => self.apply(text),
                Content::Text(text) if self.configs.borrow().reads_other_files() => self.apply_again(text),
                Content::Text(_) | Content::Missing | Content::Unreadable(_) => {}
            }
            return;
        }
        sleep(READ_GAP).await;
        // Otherwise it is being written; the next look sees the rest.
        if read(self.file.clone()).await == first {
            self.act(&first);
            self.last = Some(first);
        }
    }

    fn act(&mut self, content: &Content) {
        self.refused = None;
        let file = self.file.display();
        match content {
            Content::Missing if self.last.is_none() => {}
            Content::Missing => {
                tracing::warn!(%file, "the configuration is gone; what it said stays in force");
            }
            Content::Unreadable(error) => {
                tracing::error!(%file, error, "the configuration cannot be read; the old one stays in force");
            }
            Content::Text(text) => self.apply(text),
        }
    }

    fn apply(&mut self, text: &str) {
        let newer = match Config::of_text(&self.file, text, &self.overrides) {
            Ok(newer) => newer,
            Err(error) => {
                let error = format!("{:#}", anyhow::Error::new(error));
                if self.refused.as_ref() != Some(&error) {
                    tracing::error!(error, "the configuration is wrong; the old one stays in force");
                }
                self.refused = Some(error);
                return;
            }
        };
        self.refused = None;
        if newer != **self.configs.borrow() {
            self.adopt(newer);
        }
    }

    /// Takes up what other files say now that the text names. One that is not there is none of this file's errors.
    fn apply_again(&mut self, text: &str) {
        let Ok(newer) = Config::of_text(&self.file, text, &self.overrides) else { return };
        let is_settled = self.newer.take().is_some_and(|last| last == newer);
        if newer == **self.configs.borrow() {
            return;
        }
        if is_settled { self.adopt(newer) } else { self.newer = Some(newer) }
    }

    fn adopt(&self, newer: Config) {
        let tables = self.running.needs_restart(&newer);
        if !tables.is_empty() {
            tracing::warn!(?tables, "these tables of the configuration have changed and need a restart");
        }
        tracing::info!(file = %self.file.display(), "the configuration has been read again");
        self.configs.send_replace(Arc::new(newer));
    }
}

async fn read(file: PathBuf) -> Content {
    let read = tokio::task::spawn_blocking(move || text(&file)).await;
    match read.unwrap_or_else(|error| Err(io::Error::other(error))) {
        Ok(text) => Content::Text(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Content::Missing,
        Err(error) => Content::Unreadable(error.to_string()),
    }
}

fn text(file: &Path) -> io::Result<String> {
    // Links are followed: the operator wrote them. A pipe must not block all the same.
    let flags = (OFlags::NONBLOCK | OFlags::CLOEXEC).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(file)?;
    let mut text = String::new();
    let read = file.take(SIZE_MAX + 1).read_to_string(&mut text)?;
    if read as u64 > SIZE_MAX {
        let message = format!("it is longer than {}; shorten it", ByteSize(SIZE_MAX));
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, message));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use std::sync::Mutex;

    use super::*;

    fn follower(file: PathBuf) -> (Follower, watch::Receiver<Arc<Config>>) {
        let (configs, receiver) = watch::channel(Arc::new(Config::default()));
        let running = Arc::clone(&configs.borrow());
        (
            Follower {
                file,
                overrides: Overrides::default(),
                running,
                configs,
                last: None,
                newer: None,
                refused: None,
            },
            receiver,
        )
    }

    #[tokio::test]
    async fn a_file_of_any_name_that_comes_later_and_behind_a_link_is_followed() {
        let dir = tempfile::tempdir().expect("a folder");
        let (target, link) = (dir.path().join("..data"), dir.path().join("conf"));
        let (mut follower, mut configs) = follower(link.clone());
        follower.look().await;
        assert!(!configs.has_changed().expect("it lives"), "nothing is there yet");

        fs::write(&target, "[services.a]").expect("written");
        symlink(&target, &link).expect("linked");
        follower.look().await;
        assert_eq!(configs.borrow_and_update().services.len(), 1);

        fs::write(&target, "[services.a]\n[services.b]").expect("written");
        follower.look().await;
        assert_eq!(configs.borrow_and_update().services.len(), 2);

        for wrong in ["[servces.a]".to_owned(), " ".repeat(5 << 20)] {
            fs::write(&target, wrong).expect("written");
            follower.look().await;
        }
        fs::remove_file(&link).expect("removed");
        follower.look().await;
        assert!(!configs.has_changed().expect("it lives"), "what is wrong or gone changes nothing");
    }

    #[tokio::test]
    async fn a_part_is_told_when_it_has_changed_and_only_then() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, stop) = (dir.path().join("conf"), CancellationToken::new());
        let (mut follower, configs) = follower(file.clone());
        let told = Arc::new(Mutex::new(Vec::new()));
        let tell = {
            let told = Arc::clone(&told);
            move |names: &Vec<String>| told.lock().expect("nobody panics").push(names.clone())
        };
        let names = |config: &Config| config.services.keys().map(ToString::to_string).collect::<Vec<_>>();
        let task = tokio::spawn(part(configs, names, tell, stop.clone()));
        for (text, count) in [("[services.a]", 1), ("[services.a]\n[queues.b]", 1), ("[services.c]", 2)] {
            fs::write(&file, text).expect("written");
            follower.look().await;
            while told.lock().expect("nobody panics").len() < count {
                tokio::task::yield_now().await;
            }
        }
        stop.cancel();
        task.await.expect("it ends");
        assert_eq!(*told.lock().expect("nobody panics"), [["a"], ["c"]]);
    }

    #[tokio::test]
    async fn a_configuration_that_names_a_missing_file_is_in_force_once_that_is_there() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, secret) = (dir.path().join("conf"), dir.path().join("secret"));
        let (mut follower, mut configs) = follower(file.clone());
        let auth = "kind = 'jwt'\nissuers = [{ issuer = 'i', audiences = ['a'], secret-file = 'secret' }]";
        fs::write(&file, format!("[gateway.auth]\n{auth}")).expect("written");
        for _ in 0..2 {
            follower.look().await;
        }
        assert!(!configs.has_changed().expect("it lives") && follower.refused.is_some());
        fs::write(&secret, "x".repeat(32)).expect("written");
        follower.look().await;
        assert!(configs.has_changed().expect("it lives") && follower.refused.is_none());
        configs.mark_unchanged();
        follower.look().await;
        assert!(!configs.has_changed().expect("it lives"));
    }

    #[tokio::test]
    async fn a_secret_that_changes_is_in_force_once_two_looks_agree() {
        let dir = tempfile::tempdir().expect("a folder");
        let (file, secret) = (dir.path().join("conf"), dir.path().join("secret"));
        let (mut follower, mut configs) = follower(file.clone());
        fs::write(&file, "[services.a.secrets]\nkey = { file = 'secret' }").expect("written");
        follower.look().await;
        let settings = |configs: &mut watch::Receiver<Arc<Config>>| {
            configs.borrow_and_update().settings(&"a".parse().expect("a name"), None)
        };
        assert_eq!(settings(&mut configs).missing.len(), 1);
        let mut has_changed = async |content: &str| {
            fs::write(&secret, content).expect("written");
            follower.look().await;
            configs.has_changed().expect("it lives").then(|| settings(&mut configs).secrets["key"].reveal().to_owned())
        };
        for (content, value) in [("half", None), ("whole", None), ("whole", Some("whole")), ("whole", None)] {
            assert_eq!(has_changed(content).await.as_deref(), value, "{content}");
        }
    }

    #[test]
    fn a_configuration_is_bounded() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("long");
        fs::File::create(&file).expect("made").set_len(1 << 40).expect("lengthened");
        assert!(text(&file).expect_err("it is too long").to_string().contains("longer than 4MiB"));
    }
}
