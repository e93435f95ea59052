//! Sagas, against the same steps done by hand, and how soon they are owned again after a crash.

pub(crate) mod by_hand;
mod ends;
mod orders;
pub(crate) mod participants;
mod recovery;
mod steps;

use anyhow::Result;
use serde_json::json;

use crate::{
    figures,
    load::{CLIENTS, disk::Disk},
    settings::Settings,
};

/// The tables that can be asked for.
pub(crate) const TABLES: [&str; 2] = ["steps", "recovery"];

/// Measures the tables that are wanted, and prints each when it is done, then all as JSON.
pub(crate) async fn measure(settings: &Settings) -> Result<()> {
    let disk = Disk::find()?;
    let head = json!({
        "machine": figures::machine(), "system": figures::system(), "disk": disk.name,
        "versions": [format!("switchyard {}", env!("CARGO_PKG_VERSION"))],
        "rounds": settings.rounds, "seconds": settings.seconds, "clients": CLIENTS,
    });
    println!("{}; {}; {}", figures::machine(), figures::system(), disk.name);
    println!("{} rounds of {} s", settings.rounds, settings.seconds);
    let mut tables = Vec::new();
    if settings.wants("steps") {
        tables.extend(steps::measure(&disk, settings).await?);
    }
    if settings.wants("recovery") {
        tables.push(recovery::measure(&disk, settings).await?);
    }
    println!("\n{}", json!({ "run": head, "tables": tables }));
    Ok(())
}
