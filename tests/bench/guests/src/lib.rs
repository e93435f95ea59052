//! Publishes as many events as it is asked to, takes every event that comes, and carries out steps of sagas.
//!
//! `/one/N` publishes N events of 256 bytes one after the other, `/many/N` the same in one commit; `/step/HOW` is a step.
//! Any failure is 500.

mod step;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:bench;
        world bench {
            import switchyard:plugin/batch@0.1.0;
            import switchyard:plugin/events@0.1.0;
            export switchyard:plugin/http-handler@0.1.0;
            export switchyard:plugin/event-handler@0.1.0;
        }
    ",
    world: "guests:bench/bench",
    generate_all,
});

use exports::switchyard::plugin::{event_handler, http_handler};
use switchyard::plugin::{
    event_types::{Draft, Event},
    events,
    http_types::{Request, Response},
    types::Failure,
};

const EVENT_BYTES: usize = 256;

struct Bench;
export!(Bench);

impl event_handler::Guest for Bench {
    fn handle(_event: Event, _delivery: event_handler::Delivery) -> Result<(), Failure> {
        Ok(())
    }
}

impl http_handler::Guest for Bench {
    fn handle(request: Request) -> Response {
        let answer = match request.path.strip_prefix("/step/") {
            Some(how) => step::carry_out(&request, how),
            None => publish(&request.path).map(|()| Vec::new()),
        };
        let (status, body) = match answer {
            Ok(body) => (200, body),
            Err(why) => (500, why.into_bytes()),
        };
        Response { status, headers: Vec::new(), body }
    }
}

fn publish(path: &str) -> Result<(), String> {
    let number = |text: &str| text.parse::<usize>().map_err(|error| error.to_string());
    match path.split('/').collect::<Vec<_>>()[..] {
        ["", "one", count] => {
            (0..number(count)?).try_for_each(|_| events::publish(&draft()).map(drop).map_err(|error| error.to_string()))
        }
        ["", "many", count] => {
            let drafts: Vec<Draft> = (0..number(count)?).map(|_| draft()).collect();
            events::publish_many(&drafts).map(drop).map_err(|error| error.to_string())
        }
        _ => Err(format!("no such path: {path}")),
    }
}

fn draft() -> Draft {
    // A JSON text, as the HTTP rows publish.
    let data = format!("\"{}\"", "x".repeat(EVENT_BYTES - 2));
    Draft {
        topic: "bench.published".into(),
        data: data.into(),
        id: None,
        source: None,
        time: None,
        subject: None,
        datacontenttype: None,
        correlationid: None,
        causationid: None,
        partitionkey: None,
        extensions: Vec::new(),
    }
}
