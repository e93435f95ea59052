//! Events and queues, against what people use for them.
//!
//! Everything durable writes to one disk, on folders of its own. All contenders of a table run from the start of the
//! table to its end; only one is under load at a time.

mod bullmq;
mod fan_out;
mod publish;
mod queues;
mod rivals;

use anyhow::Result;
use serde_json::json;

use self::rivals::Rivals;
use crate::{
    figures,
    load::{CLIENTS, disk::Disk},
    server::rivals_folder,
    settings::Settings,
};

/// The tables that can be asked for.
pub(crate) const TABLES: [&str; 3] = ["publish", "fan-out", "queues"];

/// Bytes of an event's or message's payload, for all contenders.
const PAYLOAD_BYTES: usize = 256;

/// Measures the tables that are wanted, and prints each when it is done, then all as JSON.
pub(crate) async fn measure(settings: &Settings) -> Result<()> {
    let rivals = Rivals::find(rivals_folder()?)?;
    let disk = Disk::find()?;
    let head = json!({
        "machine": figures::machine(), "system": figures::system(), "disk": disk.name, "versions": rivals.versions,
        "rounds": settings.rounds, "seconds": settings.seconds, "payloadBytes": PAYLOAD_BYTES, "clients": CLIENTS,
    });
    println!("{}; {}; {}", figures::machine(), figures::system(), disk.name);
    println!("{}", rivals.versions.join("; "));
    println!("{} rounds of {} s, {PAYLOAD_BYTES} bytes", settings.rounds, settings.seconds);
    let mut tables = Vec::new();
    if settings.wants("publish") {
        tables.push(publish::measure(&rivals, &disk, settings).await?);
    }
    if settings.wants("fan-out") {
        tables.extend(fan_out::measure(&rivals, &disk, settings).await?);
    }
    if settings.wants("queues") {
        tables.push(queues::measure(&rivals, &disk, settings).await?);
    }
    println!("\n{}", json!({ "run": head, "tables": tables }));
    Ok(())
}

/// A payload as JSON text.
fn payload() -> String {
    format!("\"{}\"", "x".repeat(PAYLOAD_BYTES - 2))
}
