//! Looks at what is to be deployed, before the folder changes.

use std::{sync::Arc, time::Duration};

use switchyard_core::{folder::Item, name::Generation};

use super::{
    super::{
        Job, Loader, Reloader,
        change::{Refusal, Side, Upload},
        good::Kept,
        load::{Files, LoadFailure, Order, Origin},
    },
    Step,
};
use crate::config::Config;

/// The generation of what is only looked at; those that serve are counted from 1.
const NEVER_LIVE: Generation = Generation(0);

/// What is to be looked at before it is put in place.
pub(super) enum Candidate {
    Sent(Box<Upload>, Option<Item>),
    Kept(Box<Kept>),
}

impl Reloader {
    /// Has it looked at.
    pub(super) fn check(&mut self, stem: &str, candidate: Candidate) {
        let (loader, config, stem) = (Arc::clone(&self.loader), Arc::clone(&self.config), stem.to_owned());
        self.jobs.spawn(async move {
            let checked = loader.check(&stem, candidate, config).await;
            Job::Step(Step::Checked(stem, checked.map(Box::new)))
        });
    }
}

// === impl Loader ===

impl Loader {
    /// Looks at it as a load would, and answers what is to be put in place.
    async fn check(self: &Arc<Self>, stem: &str, candidate: Candidate, config: Arc<Config>) -> Result<Kept, Refusal> {
        let kept = match candidate {
            Candidate::Kept(kept) => *kept,
            Candidate::Sent(upload, in_folder) => {
                let (loader, stem) = (Arc::clone(self), stem.to_owned());
                let sent = tokio::task::spawn_blocking(move || loader.sent(&stem, *upload, in_folder)).await;
                sent.map_err(|error| Refusal::Trouble(error.to_string()))??
            }
        };
        let Kept { side, signature, .. } = kept.clone();
        let files = Files { artifact: self.artifact(kept.digest), side: side.clone(), signature: signature.clone() };
        let order = Order {
            stem: stem.to_owned(),
            source: kept.source(),
            origin: Origin::Memory { side, signature },
            generation: NEVER_LIVE,
            config,
            pause: Duration::ZERO,
        };
        let _turn = self.turn().await;
        match self.examine(&order, &files).await {
            Ok(_) => Ok(kept),
            Err(LoadFailure::Bad(error)) => Err(Refusal::Bad(error)),
            // Something that it was promised is not there.
            Err(LoadFailure::Trouble(error)) => Err(Refusal::Conflict(error)),
            Err(LoadFailure::Changed) => Err(Refusal::Trouble("the artifact changed while it was read".to_owned())),
        }
    }

    /// What was sent, as an artifact, with the side file that it gets.
    fn sent(&self, stem: &str, upload: Upload, in_folder: Option<Item>) -> Result<Kept, Refusal> {
        let Upload { component, side, signature } = upload;
        let side = match (side, in_folder) {
            (Side::Text(text), _) => Some(text),
            (Side::Drop, _) | (Side::Keep, None) => None,
            (Side::Keep, Some(Item::File(digest))) => {
                Some(self.side_in_folder(stem, digest).map_err(Refusal::Conflict)?)
            }
            (Side::Keep, Some(_)) => {
                let text = format!("{stem}.toml in the folder cannot be read; send a side file, or ask for none");
                return Err(Refusal::Conflict(text));
            }
        };
        let digest = component.digest;
        let trouble = |error| Refusal::Trouble(format!("the component cannot be kept: {error}"));
        self.adopt(component).map_err(trouble)?;
        Ok(Kept { digest, side, signature, version: None, deployed_at: None })
    }
}
