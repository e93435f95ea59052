//! `kv`: buckets, their keys, and values.

use std::{
    fs::File,
    io::{IsTerminal, Read, Write, stdin, stdout},
    process::ExitCode,
};

use anyhow::{Context, bail};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::{RemoteArgs, client::Target, table, table::Column};

/// The longest value that is read, in bytes: as much as a bucket takes unless it is told otherwise.
const VALUE_MAX: u64 = 16 << 20;

/// What people see of a bucket.
const BUCKETS: [Column; 3] = [("BUCKET", &["/bucket"]), ("KEYS", &["/entries"]), ("BYTES", &["/bytes"])];

/// What people see of a key.
const KEYS: [Column; 1] = [("KEY", &["/key"])];

/// What `kv` takes.
#[derive(Clone, Debug, Args)]
pub(crate) struct KvArgs {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    remote: RemoteArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum Command {
    /// Lists the buckets, or the keys of one
    Ls {
        /// The bucket
        bucket: Option<String>,
        /// Only keys that begin with this
        #[arg(long, value_name = "TEXT", requires = "bucket")]
        prefix: Option<String>,
    },
    /// Prints a value
    Get {
        /// The bucket
        bucket: String,
        /// The key
        key: String,
    },
    /// Writes a value
    Put {
        /// The bucket
        bucket: String,
        /// The key
        key: String,
        /// The value as it is, @FILE, or - for standard input
        #[arg(allow_hyphen_values = true)]
        value: String,
    },
    /// Removes a key
    Rm {
        /// The bucket
        bucket: String,
        /// The key
        key: String,
    },
}

/// Does what is asked for.
///
/// # Errors
/// When no host answers, or it refuses.
pub(crate) async fn run(args: KvArgs) -> anyhow::Result<ExitCode> {
    let (remote, client) = (&args.remote, args.remote.client());
    let target = |bucket: &str, key: &str| Target::new(&["kv", bucket, key]);
    match &args.command {
        Command::Ls { bucket: None, .. } => {
            let buckets = client.list(&Target::new(&["kv"])).await?;
            remote.print_list(&buckets, None, &BUCKETS, "no buckets yet: the first value of a service makes its own");
        }
        Command::Ls { bucket: Some(bucket), prefix } => {
            let keys = client.list(&Target::new(&["kv", bucket]).with("prefix", prefix.as_deref())).await?;
            remote.print_list(&keys, None, &KEYS, "no such keys");
        }
        Command::Get { bucket, key } => {
            let item = client.get(&target(bucket, key)).await?;
            if remote.json { remote.print_one(&item) } else { print(&item)? }
        }
        Command::Put { bucket, key, value } => {
            let written = client.put_bytes(&target(bucket, key), value_of(value)?).await?;
            remote.print_done(&written, &format!("{key} of {bucket} is written, as revision {}", written["revision"]));
        }
        Command::Rm { bucket, key } => {
            let removed = client.delete(&target(bucket, key)).await?;
            remote.print_done(&removed, &format!("{key} of {bucket} is removed"));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a value: as it is, unless somebody looks at it, whose terminal it may not steer.
fn print(item: &Value) -> anyhow::Result<()> {
    let bytes = match (item["value"].as_str(), item["base64"].as_str()) {
        (Some(text), _) => text.as_bytes().to_vec(),
        (None, Some(base64)) => BASE64.decode(base64).context("the host sent a value that cannot be read")?,
        (None, None) => bail!("the host sent no value"),
    };
    let mut out = stdout().lock();
    let written = if out.is_terminal() {
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<String> = text.lines().map(table::printable).collect();
        writeln!(out, "{}", lines.join("\n"))
    } else {
        out.write_all(&bytes)
    };
    written.and_then(|()| out.flush()).context("the value cannot be written")
}

fn value_of(said: &str) -> anyhow::Result<Bytes> {
    match said.strip_prefix('@') {
        Some(file) => {
            let open = File::open(file).with_context(|| format!("cannot read the value from {file}"))?;
            all_of(open, file)
        }
        None if said == "-" => all_of(stdin().lock(), "standard input"),
        None => Ok(Bytes::copy_from_slice(said.as_bytes())),
    }
}

fn all_of(from: impl Read, name: &str) -> anyhow::Result<Bytes> {
    let mut bytes = Vec::new();
    let read = from.take(VALUE_MAX + 1).read_to_end(&mut bytes);
    if read.with_context(|| format!("cannot read the value from {name}"))? as u64 > VALUE_MAX {
        bail!("the value from {name} is longer than the {VALUE_MAX} bytes that may be sent");
    }
    Ok(bytes.into())
}
