//! my-service: books seats by a saga. A seat is reserved and then paid for, or nothing of it remains.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use switchyard_sdk::batch::{Batch, Condition};
use switchyard_sdk::{
    Command, Error, Failure, Json, Manifest, Participant, Path, Result, Route, Router, Saga,
    commands, kv, sagas,
};

switchyard_sdk::plugin! { manifest: manifest, http: router, commands: participant }

/// The most that a seat may cost.
const CENTS_MAX: u64 = 10_000;

fn manifest() -> Manifest {
    switchyard_sdk::manifest!()
        .route(Route::new("/my-service/*").strip_prefix("/my-service"))
        .saga(include_str!("saga.json"))
}

fn router() -> Router {
    Router::new().post("/", book).get("/{id}", look)
}

/// The commands of the saga. Those of other services can be among its steps, too.
fn participant() -> Participant {
    Participant::new()
        .on("my-service.reserve", reserve)
        .on("my-service.release", release)
        .on("my-service.pay", pay)
        .on("my-service.refund", refund)
}

/// What is asked for, and what the saga is about.
#[derive(Serialize, Deserialize)]
struct Booking {
    seat: String,
    cents: u64,
}

/// Starts a saga, and answers its id.
fn book(Json(booking): Json<Booking>) -> Result<(u16, Json<Value>)> {
    let started = sagas::start(Saga::new("my-service").json(&booking)?)?;
    Ok((202, Json(json!({ "id": started.id }))))
}

/// How a saga is, and who has its seat.
fn look(Path(id): Path<String>) -> Result<Json<Value>> {
    let saga = match sagas::get(&id) {
        Err(sagas::Error::NotFound(_)) => return Err(Error::not_found("Booking not found")),
        saga => saga?,
    };
    let Booking { seat, .. } = saga.json()?;
    let holder = kv::own()?.get(&key(&seat))?;
    let is_held = holder.is_some_and(|holder| holder == saga.id().as_bytes());
    let status = format!("{:?}", saga.status()).to_lowercase();
    Ok(Json(
        json!({ "status": status, "seat": seat, "isHeld": is_held, "error": saga.error() }),
    ))
}

/// A command may come twice; `once` sees to it that it has its effect once. One that is rejected turns the saga back.
fn reserve(command: &Command) -> Result<String, Failure> {
    let Booking { seat, .. } = command.payload()?;
    commands::once(command, || {
        if kv::own()?.exists(&key(&seat))? {
            return Err(Failure::reject("the seat is taken"));
        }
        let hold = Batch::new().put_if(key(&seat), command.saga_id(), Condition::Absent);
        Ok((hold, seat.clone()))
    })
}

/// Undoes what `reserve` did, whose result it gets; nothing when that did nothing.
fn release(command: &Command) -> Result<(), Failure> {
    commands::undo(command, |seat: String| {
        Ok::<_, Failure>(Batch::new().delete(key(&seat)))
    })
}

fn pay(command: &Command) -> Result<u64, Failure> {
    let Booking { cents, .. } = command.payload()?;
    commands::once(command, || {
        if cents > CENTS_MAX {
            return Err(Failure::reject("that is too much"));
        }
        let paid = Batch::new().put(format!("paid/{}", command.saga_id()), cents.to_string());
        Ok((paid, cents))
    })
}

fn refund(command: &Command) -> Result<(), Failure> {
    commands::undo(command, |_cents: u64| {
        Ok::<_, Failure>(Batch::new().delete(format!("paid/{}", command.saga_id())))
    })
}

fn key(seat: &str) -> String {
    format!("seat/{seat}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use switchyard_sdk::{Request, testing};

    fn run(command: testing::CommandDraft) -> Result<Value, Failure> {
        testing::carry_out(&participant(), command)
    }

    fn reserving(saga: &str) -> testing::CommandDraft {
        let booking = json!({ "seat": "12A", "cents": 500 });
        testing::command("my-service.reserve")
            .saga(saga)
            .payload(&booking)
    }

    #[test]
    fn a_booking_starts_a_saga() {
        let book = |body: &str| {
            router()
                .serve(Request::new("POST", "/").with_body(body))
                .status()
        };
        assert_eq!(
            (book(r#"{"seat":"12A","cents":500}"#), book("{}")),
            (202, 400)
        );
        let [saga] = testing::sagas().try_into().expect("one saga");
        assert_eq!(
            (saga.name(), saga.json().ok()),
            ("my-service", Some(json!({ "seat": "12A", "cents": 500 })))
        );
    }

    #[test]
    fn a_seat_is_reserved_once_and_free_again_when_released() {
        for _ in 0..2 {
            assert_eq!(run(reserving("s-1")), Ok(json!("12A")));
        }
        assert_eq!(
            run(reserving("s-2")),
            Err(Failure::reject("the seat is taken"))
        );
        let release = || {
            testing::command("my-service.release")
                .saga("s-1")
                .compensation()
        };
        for _ in 0..2 {
            assert_eq!(run(release()), Ok(Value::Null));
        }
        assert_eq!(run(reserving("s-3")), Ok(json!("12A")));
    }

    #[test]
    fn what_is_too_much_is_never_paid() {
        let pay = |cents: u64| {
            let payload = json!({ "seat": "12A", "cents": cents });
            run(testing::command("my-service.pay")
                .saga(&cents.to_string())
                .step(1)
                .payload(&payload))
        };
        assert_eq!(pay(CENTS_MAX), Ok(json!(CENTS_MAX)));
        assert_eq!(pay(CENTS_MAX + 1), Err(Failure::reject("that is too much")));
    }
}
