//! How soon every open saga is owned again after `kill -9`.
//!
//! Each round is a host of its own that has so many sagas, is killed, and is started again on the same folder. The
//! clock runs from the start of the process until its statistics say that it owns all that are open, and, where a
//! command of each was under way, that all of these are as well.

use std::{
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};
use tokio::{task::JoinSet, time::sleep};

use crate::{
    client::http::{Http, JSON},
    figures::{median, spread},
    load::{CLIENTS, contender::cpu_seconds, disk::Disk},
    settings::Settings,
    tell,
};

/// Sagas that are open when the host is killed.
const OPEN: u64 = 10_000;

/// How long this program rests between two looks at its statistics.
const LOOK: Duration = Duration::from_millis(5);

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// The service of the only definition.
const SERVICE: &str = "bench";

/// How sagas are open.
struct Kind {
    name: &'static str,
    /// Their only step.
    step: Value,
    /// Whether a command of each is under way.
    commands: bool,
}

/// What a round measured.
struct Round {
    /// Until the host listens.
    listens: Duration,
    /// Until it owns all sagas.
    owns: Duration,
    /// Seconds of processor time until then.
    cpu: Option<f64>,
}

/// Measures all kinds in turn, prints the table and answers it as JSON.
pub(super) async fn measure(disk: &Disk, settings: &Settings) -> Result<Value> {
    let kinds = kinds();
    let (mut rounds, mut fsyncs) = (kinds.each_ref().map(|_| Vec::new()), Vec::new());
    for round in 1..=settings.rounds {
        tell(&format!("Recovery: round {round} of {}", settings.rounds));
        fsyncs.push(disk.fsync_us()?);
        for (kind, rounds) in kinds.iter().zip(&mut rounds) {
            rounds.push(kind.round().await.with_context(|| kind.name)?);
        }
    }
    Ok(report(&kinds, &rounds, &fsyncs))
}

/// Prints the table, and answers it as JSON.
fn report(kinds: &[Kind; 2], rounds: &[Vec<Round>; 2], fsyncs: &[f64]) -> Value {
    let (low, high) = spread(fsyncs);
    println!("\n### {OPEN} open sagas after kill -9\n");
    println!("An fsync takes {:.0} µs ({low:.0} to {high:.0}).\n", median(fsyncs));
    println!("| | owned again, ms | spread | listening, ms | CPU ms until owned |\n| --- | --- | --- | --- | --- |");
    let mut rows = Vec::new();
    for (kind, rounds) in kinds.iter().zip(rounds) {
        let of = |value: fn(&Round) -> f64| rounds.iter().map(value).collect::<Vec<_>>();
        let owns = of(|round| round.owns.as_secs_f64() * 1e3);
        let listens = of(|round| round.listens.as_secs_f64() * 1e3);
        let cpu = of(|round| round.cpu.unwrap_or(0.0) * 1e3);
        let (low, high) = spread(&owns);
        let [owned, listening, used] = [&owns, &listens, &cpu].map(|values| median(values));
        println!("| {} | {owned:.0} | {low:.0} to {high:.0} | {listening:.0} | {used:.0} |", kind.name);
        rows.push(json!({ "name": kind.name, "ownedMs": owns, "listeningMs": listens, "cpuMs": cpu }));
    }
    json!({ "title": "Recovery", "open": OPEN, "fsyncUs": fsyncs, "rows": rows })
}

fn kinds() -> [Kind; 2] {
    let wait = json!({ "wait": { "signal": "approved" } });
    // The service answers none of them while the round lasts.
    let hold = json!({ "command": "bench.hold", "compensation": "bench.let-go", "via": "http", "service": SERVICE,
                       "path": "/step/hold", "compensationPath": "/step/plain", "timeout": "1h" });
    [
        Kind { name: "each waits for a signal", step: wait, commands: false },
        Kind { name: "each has a command under way", step: hold, commands: true },
    ]
}

// === impl Kind ===

impl Kind {
    async fn round(&self) -> Result<Round> {
        let definition = json!({ "name": "bench", "steps": [self.step] });
        let setup = Setup::new()
            .sagas(SERVICE, &[definition], "guests = 'reused'\n")
            .plugin(SERVICE, "bench-guest")
            .config(&format!("[services.{SERVICE}]\ndeadline = '1h'\n"));
        let host = setup.start().await;
        host.until(SERVICE, "optimised", |plugin| plugin["tier"] == "optimised").await;
        open_sagas(&host).await?;
        self.until_owned(&host).await?;
        let setup = host.kill();
        let begin = Instant::now();
        let host = setup.start_unready().await;
        let listens = begin.elapsed();
        self.until_owned(&host).await?;
        Ok(Round { listens, owns: begin.elapsed(), cpu: cpu_seconds(&[host.pid()]) })
    }

    /// Waits until the host owns all sagas and has sent what is to be under way.
    async fn until_owned(&self, host: &Host) -> Result<()> {
        let since = Instant::now();
        let mut http = Http::connect(host.admin).await?;
        loop {
            let stats: Value = serde_json::from_slice(&http.get("/api/v1/sagas/stats").await?)?;
            ensure!(stats["open"] == OPEN, "{OPEN} sagas are open, but not as the host sees it: {stats}");
            if stats["owned"] == OPEN && (!self.commands || stats["commandsInFlight"] == OPEN) {
                return Ok(());
            }
            ensure!(since.elapsed() < PATIENCE, "not all sagas are owned: {stats}");
            sleep(LOOK).await;
        }
    }
}

/// Starts as many sagas as are to be open.
async fn open_sagas(host: &Host) -> Result<()> {
    let started = Rc::new(AtomicU64::new(0));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let (mut http, started) = (Http::connect(host.admin).await?, started.clone());
        clients.spawn_local(async move {
            while started.fetch_add(1, Relaxed) < OPEN {
                let draft = json!({ "sagaName": "bench", "data": super::orders::order() });
                http.post("/api/v1/sagas", JSON, &draft.to_string()).await?;
            }
            anyhow::Ok(())
        });
    }
    clients.join_all().await.into_iter().collect()
}
