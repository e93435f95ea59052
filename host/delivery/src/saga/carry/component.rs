//! A command that a component's `command-handler` carries out.

use std::sync::Arc;

use switchyard_core::{
    name::ServiceName,
    saga::{Outcome, Told},
};
use switchyard_dispatch::Service;

use super::{Sent, failed, result};
use crate::delivery::Delivery;

// === impl Delivery ===

impl Delivery {
    pub(super) async fn carry_to_component(&self, sent: Sent, service: Option<ServiceName>) -> Outcome {
        let find = || {
            let snapshot = self.dispatcher.snapshot();
            match &service {
                Some(service) => snapshot.services.get(service).cloned(),
                None => self.sagas.directories.current(&self.dispatcher).takes(&sent.name, &snapshot),
            }
        };
        let told = Told {
            name: sent.name.clone(),
            saga_id: sent.saga_id.clone(),
            saga_name: sent.saga_name.clone(),
            step_index: sent.command.step,
            direction: sent.command.direction,
            attempt: sent.attempt,
            idempotency_key: sent.key.clone(),
            // Maps with string keys always serialise.
            payload: serde_json::to_vec(&sent.payload).unwrap_or_default().into(),
        };
        let call = |service: Arc<Service>| {
            let (told, context) = (&told, sent.context());
            async move {
                let answer = self.dispatcher.handle_command(&service, context, told).await?;
                Ok((service, answer))
            }
        };
        match self.send(&sent, find, call).await {
            Ok((service, Ok(bytes))) => match result(&bytes) {
                Ok(result) => Outcome::Done(result),
                Err(error) => {
                    Outcome::Lost(format!("the service '{}' answered what is no JSON: {error}", service.name()))
                }
            },
            Ok((_, Err(failure))) => failed(failure),
            Err(outcome) => outcome,
        }
    }
}
