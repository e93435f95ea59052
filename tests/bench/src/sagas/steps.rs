//! Sagas of three steps, each durable before it is told: the host's, and those done by hand.

use std::rc::Rc;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use switchyard_tests::{Host, Setup};

use super::{
    by_hand::{Ask, ByHand},
    ends::Ends,
    orders::{Asked, Place, Start, try_out},
};
use crate::{
    load::{CLIENTS, closed_loop::closed_loop_of, contender::Contender, disk::Disk, table::Table},
    own::Own,
    settings::Settings,
};

/// The example services: one that takes orders, and three that take the commands of its definition.
const EXAMPLES: [&str; 4] = ["order-service", "inventory-service", "payment-service", "shipping-service"];

/// Their definition.
const PROCESS_ORDER: &str = "process-order";

/// Services that carry out steps over HTTP: the same guest three times.
const OVER_HTTP: [&str; 3] = ["inventory-http", "payment-http", "shipping-http"];

/// A definition whose steps are theirs.
const BY_HTTP: &str = "by-http";

/// What a step over HTTP does: nothing but to answer.
const PLAIN: &str = "/step/plain";

/// Or what commands of the example services do: it is remembered durably, in one commit with what it changes.
const DURABLE: &str = "/step/durable";

/// With many sagas open, and with one.
pub(super) async fn measure(disk: &Disk, settings: &Settings) -> Result<Vec<Value>> {
    let house = House::start().await?;
    let many = Table {
        title: "Sagas of three steps, 64 open at a time",
        unit: "sagas",
        contenders: house.contenders(CLIENTS),
        bases: vec![3, 4, 5, 6],
    };
    let many = many.measure(disk, settings).await?;
    let one = Table {
        title: "Sagas of three steps, one at a time",
        unit: "sagas",
        contenders: house.contenders(1),
        bases: vec![3, 4, 5, 6],
    };
    Ok(vec![many, one.measure(disk, settings).await?])
}

/// All that runs.
struct House {
    host: Host,
    asked: Rc<Asked>,
    /// The host whose services are called by hand.
    participants: Host,
    native: Own,
    each: ByHand,
    group: ByHand,
    group_durable: ByHand,
    group_native: ByHand,
}

// === impl House ===

impl House {
    async fn start() -> Result<Self> {
        let setup = EXAMPLES.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
        let host = with_steps_over_http(setup, &[by_http()]).start().await;
        let participants = with_steps_over_http(Setup::new(), &[]).start().await;
        for name in EXAMPLES {
            optimised(&host, name).await;
        }
        for name in OVER_HTTP {
            optimised(&host, name).await;
            optimised(&participants, name).await;
        }
        let stock = host.send("PUT".parse()?, "/api/inventory/p1", r#"{"available":1000000000000}"#).await;
        ensure!(stock.status == 200, "filling the stock: {}", stock.text());
        for definition in [PROCESS_ORDER, BY_HTTP] {
            try_out(host.admin, definition).await?;
        }
        let native = Own::start(["participants"])?;
        let of_guests = |path: &str| OVER_HTTP.map(|name| format!("http://{}/{name}{path}", participants.gateway));
        let of_native = OVER_HTTP.map(|name| format!("http://{}/{name}", native.address));
        Ok(Self {
            asked: Rc::new(Asked { admin: host.admin, gateway: host.gateway, ends: Ends::start(host.admin) }),
            each: ByHand::with_each(&of_guests(PLAIN))?,
            group: ByHand::with_group(&of_guests(PLAIN))?,
            group_durable: ByHand::with_group(&of_guests(DURABLE))?,
            group_native: ByHand::with_group(&of_native)?,
            host,
            participants,
            native,
        })
    }

    /// All contenders, each with so many sagas open at a time.
    fn contenders(&self, open: usize) -> Vec<Box<dyn Contender>> {
        let host = [self.host.pid()];
        let start = |name, definition| closed_loop_of::<Start>(open, name, host, (self.asked.clone(), definition));
        let by_hand = |name, by_hand: &ByHand, others: u32| {
            closed_loop_of::<Ask>(open, name, [by_hand.pid(), others], by_hand.address())
        };
        let (guests, native) = (self.participants.pid(), self.native.pid());
        vec![
            start("Switchyard, process-order", PROCESS_ORDER),
            closed_loop_of::<Place>(open, "Switchyard, POST /api/orders", host, self.asked.clone()),
            start("Switchyard, plain steps", BY_HTTP),
            by_hand("By hand, fsync each, plain steps", &self.each, guests),
            by_hand("By hand, group commit, plain steps", &self.group, guests),
            by_hand("By hand, group commit, durable steps", &self.group_durable, guests),
            by_hand("By hand, group commit, native steps", &self.group_native, native),
        ]
    }
}

/// With the services that carry out steps over HTTP; the first declares these definitions.
fn with_steps_over_http(setup: Setup, definitions: &[Value]) -> Setup {
    OVER_HTTP.into_iter().enumerate().fold(setup, |setup, (place, name)| {
        let definitions = if place == 0 { definitions } else { &[] };
        setup.sagas(name, definitions, "guests = 'reused'\n").plugin(name, "bench-guest")
    })
}

fn by_http() -> Value {
    let step = |service| {
        json!({ "command": format!("{service}.do"), "compensation": format!("{service}.undo"), "via": "http",
                "service": service, "path": PLAIN, "compensationPath": PLAIN })
    };
    json!({ "name": BY_HTTP, "steps": OVER_HTTP.map(step) })
}

async fn optimised(host: &Host, name: &str) {
    host.until(name, "optimised", |plugin| plugin["tier"] == "optimised").await;
}
