//! Does what the events, messages and commands that it gets ask for, remembers each delivery, and passes HTTP requests
//! on to the host's events, queues, sagas, batches and registry. Its subscriptions, queues, commands and sagas come from the side
//! files of the tests.
//!
//! `deeds.rs` lists what data can ask for, `http.rs` the paths.

mod deeds;
mod draft;
mod http;
mod record;
mod step;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:probe;
        world probe {
            import wasi:keyvalue/store@0.2.0-draft2;
            import wasi:keyvalue/atomics@0.2.0-draft2;
            import wasi:keyvalue/batch@0.2.0-draft2;
            import wasi:config/store@0.2.0-rc.1;
            import wasi:clocks/monotonic-clock@0.2.12;
            import switchyard:plugin/events@0.1.0;
            import switchyard:plugin/queues@0.1.0;
            import switchyard:plugin/sagas@0.1.0;
            import switchyard:plugin/batch@0.1.0;
            import switchyard:plugin/registry@0.1.0;
            export switchyard:plugin/manifest@0.1.0;
            export switchyard:plugin/http-handler@0.1.0;
            export switchyard:plugin/event-handler@0.1.0;
            export switchyard:plugin/queue-handler@0.1.0;
            export switchyard:plugin/command-handler@0.1.0;
        }
    ",
    world: "guests:probe/probe",
    generate_all,
});

use exports::switchyard::plugin::{command_handler, event_handler, http_handler, manifest, queue_handler};
use switchyard::plugin::{
    event_types::Event,
    http_types::{Request, Response},
    queue_types::Message,
    types::Failure,
};

/// The major version.
const VERSION: &str = match option_env!("HELLO_VERSION") {
    Some(version) => version,
    None => "1",
};

struct Probe;
export!(Probe);

impl event_handler::Guest for Probe {
    fn handle(event: Event, delivery: event_handler::Delivery) -> Result<(), Failure> {
        record::event(&event, &delivery);
        let name = format!("{}/{}", delivery.subscription, event.id);
        deeds::act(&deeds::asked(&event.data), &deeds::Called { name, attempt: delivery.attempt, message: None })
    }
}

impl queue_handler::Guest for Probe {
    fn handle(message: Message) -> Result<(), Failure> {
        record::message(&message);
        let name = format!("{}/{}", message.queue, message.id);
        deeds::act(
            &deeds::asked(&message.data),
            &deeds::Called { name, attempt: message.attempt, message: Some(&message) },
        )
    }
}

impl command_handler::Guest for Probe {
    fn handle(command: command_handler::Command) -> Result<Vec<u8>, Failure> {
        record::command(&command);
        let asked = deeds::asked_of(&command.name, &command.payload);
        let name = command.idempotency_key;
        deeds::act(&asked, &deeds::Called { name, attempt: command.attempt, message: None })?;
        Ok(deeds::result(&asked))
    }
}

impl http_handler::Guest for Probe {
    fn handle(request: Request) -> Response {
        let (status, body) = http::answer(&request);
        let headers = vec![("content-type".into(), b"application/json".to_vec())];
        Response { status, headers, body: body.to_string().into() }
    }
}

impl manifest::Guest for Probe {
    fn describe() -> manifest::Description {
        manifest::Description {
            name: "probe".into(),
            version: format!("{}.0.0", VERSION.parse::<u32>().unwrap_or(0)),
            description: "Does what events, messages and commands ask for.".into(),
            tags: vec![],
            metadata: vec![],
            routes: vec![manifest::Route {
                path: "/probe/*".into(),
                methods: vec![],
                strip_prefix: None,
                host: None,
                timeout: None,
            }],
            subscriptions: vec![],
            queues: vec![],
            schedules: vec![],
            commands: vec![],
            sagas: vec![],
            dependencies: vec![],
            health: None,
            guests: Some(manifest::Guests::Reused),
        }
    }
}
