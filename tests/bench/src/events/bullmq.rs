//! BullMQ, in a Node.js process of its own.

use std::{path::Path, process::Stdio, time::Duration};

use anyhow::{Context, Result};
use async_trait::async_trait;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::Mutex,
};

use crate::{
    load::{
        CLIENTS,
        contender::{Contender, Outcome},
    },
    server::Server,
};

pub(crate) struct BullMq {
    name: &'static str,
    /// Ends with this value, before the server that it talks to.
    _node: Child,
    talk: Mutex<(ChildStdin, Lines<BufReader<ChildStdout>>)>,
    redis: Server,
}

// === impl BullMq ===

impl BullMq {
    /// Starts it; it lives on this Redis, which nobody else uses.
    pub(crate) fn start(name: &'static str, folder: &Path, redis: Server) -> Result<Box<dyn Contender>> {
        let mut node = Command::new("node")
            .arg(switchyard_tests::root().join("tests/bench/bullmq.mjs"))
            .arg(folder.join("bullmq"))
            .args([redis.address.port().to_string(), CLIENTS.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .context("cannot start node")?;
        let input = node.stdin.take().context("it is piped")?;
        let output = BufReader::new(node.stdout.take().context("it is piped")?).lines();
        Ok(Box::new(Self { name, _node: node, talk: Mutex::new((input, output)), redis }))
    }
}

#[async_trait(?Send)]
impl Contender for BullMq {
    fn name(&self) -> &'static str {
        self.name
    }

    fn pids(&self) -> Vec<u32> {
        vec![self.redis.pid()]
    }

    async fn run(&self, span: Duration) -> Result<Outcome> {
        let mut talk = self.talk.lock().await;
        talk.0.write_all(format!("{}\n", span.as_millis()).as_bytes()).await?;
        let line = talk.1.next_line().await?.context("BullMQ's process has ended")?;
        let told: Value = serde_json::from_str(&line)?;
        let latencies = told["latencies"].as_array().context("latencies")?;
        Ok(Outcome {
            done: told["done"].as_u64().context("done")?,
            took: Duration::from_secs_f64(told["ms"].as_f64().context("ms")? / 1e3),
            latencies: latencies.iter().filter_map(Value::as_u64).map(Duration::from_micros).collect(),
            errors: told["error"].as_str().map(str::to_owned).into_iter().collect(),
        })
    }
}
