//! The templates, and the project that one becomes.
//!
//! A template is a folder of ordinary files in which the service is called `my-service`, and what is common to all of a
//! language stands beside it in `common`; a template's own file wins.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fmt::{self, Display},
};

use anyhow::{Context, bail};
use clap::ValueEnum;
use switchyard_core::name::ServiceName;

use super::{carried, lock, plain};

/// What the service is called in the templates, and as an identifier.
const PLACEHOLDER: (&str, &str) = ("my-service", "my_service");

/// Where a project keeps what this binary has given it.
const CARRIED: &str = ".switchyard";

/// Files by their paths.
pub(super) type Files = BTreeMap<String, Cow<'static, [u8]>>;

/// Names that are none for a crate: words of the language, crates that are always there, and what a project depends on.
const NOT_CRATES: &str = "abstract alloc as async await box break const continue core crate do dyn else enum extern \
    false final fn for gen if impl in let loop macro match mod move mut override priv proc-macro pub ref return self \
    serde serde-json static std struct super switchyard-sdk test trait true try type typeof unsafe unsized use virtual \
    where while yield";

/// What a new service does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Answers HTTP requests
    #[default]
    Http,
    /// Handles events
    Events,
    /// Handles the messages of a queue
    Queue,
    /// Defines a saga, and carries out its commands
    Saga,
    /// Sees requests and responses at the gateway
    Middleware,
    /// Tells the gateway whose a token is
    Authenticator,
}

/// What a new service is written in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Language {
    /// Rust, with the SDK that this program carries
    #[default]
    Rust,
    /// JavaScript, as plain wasi:http by componentize-js
    Javascript,
    /// Python, as plain wasi:http by componentize-py
    Python,
}

/// A project to be written.
#[derive(Debug)]
pub(super) struct Project<'a> {
    name: &'a ServiceName,
    kind: Kind,
    language: Language,
}

// === impl Project ===

impl<'a> Project<'a> {
    /// The project that a template becomes.
    ///
    /// # Errors
    /// When there is no such template in that language, or the language knows no such name.
    pub(super) fn of(name: &'a ServiceName, kind: Kind, language: Language) -> anyhow::Result<Self> {
        if language != Language::Rust && kind != Kind::Http {
            bail!("the template '{kind}' is there for rust only; {language} has http");
        }
        if language == Language::Rust && !is_crate_name(name.as_str()) {
            bail!(
                "'{name}' can be a service's name, but not a Rust crate's; begin it with a letter, and use no keyword"
            );
        }
        Ok(Self { name, kind, language })
    }

    /// Its files, by their paths.
    ///
    /// # Errors
    /// When what this binary carries does not hold together.
    pub(super) fn files(&self) -> anyhow::Result<Files> {
        let mut files = Files::new();
        for part in ["common".to_owned(), self.kind.to_string()] {
            let part = format!("{}/{part}/", self.language);
            for (path, bytes) in carried::TEMPLATES {
                if let Some(path) = path.strip_prefix(&part) {
                    let text = std::str::from_utf8(bytes).context("a template is text")?;
                    files.insert(named(path), self.filled_in(text).into_bytes().into());
                }
            }
        }
        if let Some(manifest) = files.get("Cargo.toml") {
            let lock = lock::of_project(carried::LOCK, std::str::from_utf8(manifest)?)?;
            files.insert("Cargo.lock".to_owned(), lock.into_bytes().into());
        }
        if self.language == Language::Rust {
            carry(&mut files, "sdk", carried::SDK);
            carry(&mut files, "wit", carried::WIT);
        } else {
            let interfaces = plain::interfaces(self.language)?;
            files.extend(interfaces.into_iter().map(|(path, bytes)| (format!("{CARRIED}/wit/{path}"), bytes)));
        }
        Ok(files)
    }

    fn filled_in(&self, text: &str) -> String {
        let (name, identifier) = PLACEHOLDER;
        text.replace(name, self.name.as_str()).replace(identifier, &self.name.as_str().replace('-', "_"))
    }
}

fn carry(files: &mut Files, name: &str, table: &[(&str, &'static [u8])]) {
    files.extend(table.iter().map(|(path, bytes)| (format!("{CARRIED}/{name}/{path}"), (*bytes).into())));
}

/// Where a template's file goes. In the templates this one has another name, else it would hold for them.
fn named(path: &str) -> String {
    if path == "gitignore" { ".gitignore".to_owned() } else { path.to_owned() }
}

fn is_crate_name(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_lowercase()) && !NOT_CRATES.split(' ').any(|none| none == name)
}

// === impl Kind, Language ===

impl Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        value_name(*self, f)
    }
}

impl Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        value_name(*self, f)
    }
}

/// As it is typed.
fn value_name(value: impl ValueEnum, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value.to_possible_value() {
        Some(value) => f.write_str(value.get_name()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(name: &str, kind: Kind, language: Language) -> anyhow::Result<Files> {
        Project::of(&name.parse().unwrap(), kind, language)?.files()
    }

    #[test]
    fn every_template_of_rust_is_a_crate_that_is_called_as_the_service() {
        for kind in Kind::value_variants() {
            let files = project("a-shop", *kind, Language::Rust).unwrap();
            for path in ["Cargo.toml", "Cargo.lock", "README.md", ".gitignore", "src/lib.rs"] {
                assert!(files.contains_key(path), "{kind}: {path}");
            }
            assert!(
                files.contains_key(".switchyard/sdk/src/lib.rs") && files.contains_key(".switchyard/wit/worlds.wit")
            );
            let own = files.iter().filter(|(path, _)| !path.starts_with(CARRIED));
            for (path, bytes) in own {
                let text = std::str::from_utf8(bytes).unwrap();
                assert!(!text.contains(PLACEHOLDER.0) && !text.contains(PLACEHOLDER.1), "{kind}: {path}: {text}");
            }
            let manifest = std::str::from_utf8(&files["Cargo.toml"]).unwrap();
            let manifest: toml::Table = toml::from_str(manifest).unwrap();
            assert_eq!(manifest["package"]["name"].as_str(), Some("a-shop"), "{kind}");
            let readme = std::str::from_utf8(&files["README.md"]).unwrap();
            assert!(readme.lines().filter(|line| !line.is_empty()).count() <= 12, "{kind}: {readme}");
        }
    }

    #[test]
    fn other_languages_have_http_and_no_sdk() {
        for (language, source) in [(Language::Javascript, "app.js"), (Language::Python, "app.py")] {
            let files = project("1-shop", Kind::Http, language).unwrap();
            for path in [source, "README.md", ".gitignore", ".switchyard/wit/deps/http/package.wit"] {
                assert!(files.contains_key(path), "{language}: {path}");
            }
            assert!(!files.keys().any(|path| path.starts_with(".switchyard/sdk")));
            let error = project("shop", Kind::Saga, language).unwrap_err().to_string();
            assert!(error.contains("saga") && error.contains("rust"), "{error}");
        }
    }

    #[test]
    fn what_is_no_name_of_a_crate_is_refused() {
        for name in ["1-shop", "-shop", "match", "test", "serde", "switchyard-sdk", "std", "while"] {
            let error = project(name, Kind::Http, Language::Rust).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
        }
        for name in ["shop", "shop-2", "a", "matcher"] {
            assert!(project(name, Kind::Http, Language::Rust).is_ok(), "{name}");
        }
    }
}
