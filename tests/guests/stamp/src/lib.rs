//! Event middleware that does what the event's data asks for: `{"stamp": {NAME: DEED}}`, where NAME is what this
//! service's configuration calls it (`name`, else `stamp`), or `*`. Deeds: `pass` (the default), `change` (adds its name to the
//! extension `stampedby`), `forge` (the same, and another id, source and topic), `reject`, `trap` and `hang`.

use serde_json::Value;
use switchyard::plugin::event_types::Event;
use wasi::config::store as config;

wit_bindgen::generate!({
    path: "../../../wit",
    inline: "
        package guests:stamp;
        world stamp {
            import wasi:config/store@0.2.0-rc.1;
            export switchyard:plugin/manifest@0.1.0;
            export switchyard:plugin/event-middleware@0.1.0;
        }
    ",
    world: "guests:stamp/stamp",
    generate_all,
});

use exports::switchyard::plugin::{
    event_middleware::{self, Verdict},
    manifest,
};

struct Stamp;
export!(Stamp);

impl event_middleware::Guest for Stamp {
    fn process(mut event: Event) -> Verdict {
        let name = config::get("name").ok().flatten().unwrap_or_else(|| "stamp".into());
        let data: Value = serde_json::from_slice(&event.data).unwrap_or(Value::Null);
        let deeds = &data["stamp"];
        let deed = deeds[&name].as_str().or(deeds["*"].as_str()).unwrap_or("pass");
        match deed {
            "reject" => Verdict::Reject(format!("{name} says no")),
            "trap" => panic!("asked to trap"),
            "hang" => loop {
                std::hint::black_box(0);
            },
            "change" | "forge" => {
                let stamped = event.extensions.iter().position(|(key, _)| key == "stampedby");
                let before = stamped.map(|at| event.extensions.remove(at).1).unwrap_or_default();
                event.extensions.push(("stampedby".into(), before + &name));
                if deed == "forge" {
                    (event.id, event.source, event.topic) = ("forged".into(), "/forged".into(), "forged".into());
                }
                Verdict::Change(event)
            }
            _ => Verdict::Pass,
        }
    }
}

impl manifest::Guest for Stamp {
    fn describe() -> manifest::Description {
        manifest::Description {
            name: "stamp".into(),
            version: "1.0.0".into(),
            description: "Changes or rejects events on request.".into(),
            tags: vec![],
            metadata: vec![],
            routes: vec![],
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
