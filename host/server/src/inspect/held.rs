//! What the host would hold a component to, and give it: limits, and what imports are of no use without.

use std::fmt::{self, Display};

use serde::Serialize;
use switchyard_core::units::{ByteSize, HumanDuration};
use switchyard_runtime::settings::{Access, Limits, Settings};

/// An import that reaches only what the configuration gives it, or little else.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Granted {
    /// The interface.
    import: String,
    /// The members of `[services.NAME]` that give it something.
    members: &'static str,
    /// What it reaches now, what no configuration needs to give included. Of texts and secrets it is the names.
    given: Vec<String>,
}

/// The limits of a service, sizes and times as the configuration says them.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Held {
    memory_max: String,
    tables_max: u32,
    cpu_max: String,
    deadline: String,
    concurrency_max: u32,
    queue_max: u32,
    streams_max: u32,
    outbound_max: u32,
    log_rate: u32,
}

/// Those of a component's imports to which the configuration gives something.
pub(super) fn granted(imports: &[String], settings: &Settings) -> Vec<Granted> {
    let of = |import: &String| {
        let (members, given) = given(import.split('@').next()?, settings)?;
        Some(Granted { import: import.clone(), members, given })
    };
    imports.iter().filter_map(of).collect()
}

fn given(interface: &str, settings: &Settings) -> Option<(&'static str, Vec<String>)> {
    let shown = |name: &String, access: Access| match access {
        Access::Read => format!("{name} (to read)"),
        Access::Write => name.clone(),
    };
    Some(match interface {
        "wasi:http/outgoing-handler" | "wasi:http/client" => {
            let own = "other services".to_owned();
            ("outbound", [own].into_iter().chain(settings.outbound.iter().cloned()).collect())
        }
        "wasi:config/store" => {
            ("config or secrets", settings.config.keys().chain(settings.secrets.keys()).cloned().collect())
        }
        "wasi:cli/environment" => ("env", settings.env.keys().cloned().collect()),
        "wasi:filesystem/preopens" => {
            ("folders", settings.folders.iter().map(|(path, folder)| shown(path, folder.access)).collect())
        }
        "wasi:keyvalue/store" => {
            let others = settings.buckets.iter().map(|(name, access)| shown(name, *access));
            ("grants", ["its own bucket".to_owned()].into_iter().chain(others).collect())
        }
        _ => return None,
    })
}

// === impl Granted, Held ===

impl Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { import, members, given } = self;
        let given = if given.is_empty() { "nothing".to_owned() } else { given.join(", ") };
        write!(f, "{given} by {import}; {members} under [services.NAME] can give more")
    }
}

impl From<&Limits> for Held {
    fn from(limits: &Limits) -> Self {
        Self {
            memory_max: ByteSize(limits.memory_max).to_string(),
            tables_max: limits.tables_max,
            cpu_max: HumanDuration(limits.cpu_max).to_string(),
            deadline: HumanDuration(limits.deadline).to_string(),
            concurrency_max: limits.concurrency_max,
            queue_max: limits.queue_max,
            streams_max: limits.streams_max,
            outbound_max: limits.outbound_max,
            log_rate: limits.log_rate,
        }
    }
}

impl Held {
    /// A line each.
    pub(super) fn lines(&self) -> Vec<String> {
        vec![
            format!("memory {}, tables {} elements", self.memory_max, self.tables_max),
            format!("CPU {} and {} in all for a call", self.cpu_max, self.deadline),
            format!("{} calls at once, {} waiting, {} streams", self.concurrency_max, self.queue_max, self.streams_max),
            format!("{} requests to others at once, {} log lines a second", self.outbound_max, self.log_rate),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_import_reaches_is_told_with_the_member_that_gives_it_more() {
        let mut settings = Settings { outbound: vec!["a.example".to_owned()], ..Settings::default() };
        settings.buckets.insert("users".to_owned(), Access::Read);
        let imports = ["wasi:http/outgoing-handler@0.2.3", "wasi:io/poll@0.2.3", "wasi:keyvalue/store@0.2.0-draft2"];
        let granted = granted(&imports.map(str::to_owned), &settings);
        let shown: Vec<_> = granted.iter().map(ToString::to_string).collect();
        let more = "under [services.NAME] can give more";
        let expected = [
            format!("other services, a.example by wasi:http/outgoing-handler@0.2.3; outbound {more}"),
            format!("its own bucket, users (to read) by wasi:keyvalue/store@0.2.0-draft2; grants {more}"),
        ];
        assert_eq!(shown, expected);
        let preopens = super::granted(&["wasi:filesystem/preopens@0.2.3".to_owned()], &settings);
        assert!(preopens[0].to_string().starts_with("nothing by wasi:filesystem/preopens"), "{}", preopens[0]);
    }
}
