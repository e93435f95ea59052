//! Follows the gateway's certificate: what renews it writes new files, and may know nothing of this host.
//!
//! The files are looked at every [`PERIOD`], so they may be links, or come by a rename. A new certificate and its key
//! are two files: what does not fit together is told, and tried again once it has changed; the old one goes on.

use std::{path::Path, sync::Arc, time::Duration};

use switchyard_core::name::Digest;
use switchyard_gateway::{Handle, Tls};
use tokio::{
    sync::watch,
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, TlsFiles};

/// The time between two looks at the files.
const PERIOD: Duration = Duration::from_secs(2);

/// The largest certificate or key that is looked at, in bytes.
const SIZE_MAX: u64 = 1 << 20;

/// What the files held when they were looked at.
type Content = (Option<Digest>, Option<Digest>);

/// Follows the files until `stop` is cancelled. They were read once, at the start.
pub(super) async fn follow(gateway: Handle, configs: watch::Receiver<Arc<Config>>, stop: CancellationToken) {
    let mut last: Option<(TlsFiles, Content)> = None;
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = period.tick() => {}
        }
        let Some(files) = configs.borrow().gateway.tls.clone() else { continue };
        let own = files.clone();
        let looked = tokio::task::spawn_blocking(move || (content(&own), own)).await;
        let Ok((content, files)) = looked else { continue };
        let seen = (files, content);
        let is_first = last.is_none();
        if last.as_ref() == Some(&seen) {
            continue;
        }
        // They may have changed since they were read at the start.
        if renew(&gateway, seen.0.clone()).await && !is_first {
            tracing::info!("the certificate has been read again");
        }
        last = Some(seen);
    }
}

/// Whether it could be read.
async fn renew(gateway: &Handle, files: TlsFiles) -> bool {
    let loaded = tokio::task::spawn_blocking(move || Tls::load(&files.cert, &files.key)).await;
    match loaded {
        Ok(Ok(tls)) => {
            gateway.set_tls(tls);
            return true;
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "the certificate cannot be used; the old one stays in force");
        }
        Err(error) => tracing::error!(%error, "reading the certificate ended unexpectedly"),
    }
    false
}

fn content(files: &TlsFiles) -> Content {
    (digest(&files.cert), digest(&files.key))
}

fn digest(file: &Path) -> Option<Digest> {
    use std::io::Read;

    let mut bytes = Vec::new();
    std::fs::File::open(file).ok()?.take(SIZE_MAX).read_to_end(&mut bytes).ok()?;
    Some(Digest::of(&bytes))
}
