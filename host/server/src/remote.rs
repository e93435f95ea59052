//! Commands that talk to a running host, over its admin API.
//!
//! Each prints a table for people, or with `--json` what the API answers, for programs. What a command takes stands
//! beside what it does.

pub(crate) mod breakers;
mod client;
pub(crate) mod dead_letters;
pub(crate) mod deploy;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod kv;
pub(crate) mod logs;
mod payload;
mod plugins;
pub(crate) mod ps;
pub(crate) mod queues;
pub(crate) mod remove;
pub(crate) mod rollback;
pub(crate) mod routes;
pub(crate) mod sagas;
pub(crate) mod services;
pub(crate) mod status;
pub(crate) mod subscriptions;
mod table;
mod tail;
pub(crate) mod topics;
pub(crate) mod traffic;

use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use crate::output;
use client::{BaseUrl, Client};
use table::{Column, Table};

/// What every command takes that talks to a host.
#[derive(Clone, Debug, Args)]
pub(crate) struct RemoteArgs {
    /// The host's admin API
    #[arg(long, value_name = "URL", env = "SWITCHYARD_URL", default_value = "http://127.0.0.1:3900", global = true)]
    url: BaseUrl,
    /// A file whose first line is the token of the admin API; SWITCHYARD_TOKEN may hold the token itself
    #[arg(long, value_name = "FILE", env = "SWITCHYARD_TOKEN_FILE", global = true)]
    token_file: Option<PathBuf>,
    /// Print JSON
    #[arg(long, global = true)]
    json: bool,
}

// === impl RemoteArgs ===

impl RemoteArgs {
    fn client(&self) -> Client {
        Client::new(self.url.clone()).with_token(self.token_file.clone())
    }

    /// Prints a list, `next` being the cursor of what follows; `nothing` is what people read when it is empty.
    fn print_list(&self, items: &[Value], next: Option<&str>, columns: &[Column], nothing: &str) {
        if self.json {
            output::line(json!({"items": items, "next": next}));
            return;
        }
        if items.is_empty() {
            output::line(nothing);
        } else {
            output::line(Table::new(items, columns));
        }
        if next.is_some() {
            output::error_line("there are more: narrow the list, or raise --limit");
        }
    }

    /// Prints one thing: for people member by member.
    fn print_one(&self, item: &Value) {
        if self.json { output::line(item) } else { output::line(table::members(item)) }
    }

    /// Prints an answer, or for people what it means.
    fn print_done(&self, answer: &Value, meaning: &str) {
        match (self.json, answer) {
            (true, Value::Null) => {}
            (true, answer) => output::line(answer),
            (false, _) => output::line(table::printable(meaning)),
        }
    }
}
