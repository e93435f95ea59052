//! Sagas on a host in memory.

use serde_json::{Value, json};

use super::*;
use crate::batch::{self, Batch, Condition};
use crate::{Failure, kv, testing};

fn data(saga: &Saga) -> Value {
    saga.json().expect("JSON")
}

#[test]
fn a_saga_of_an_id_is_started_once() {
    let draft = |to: &str| Saga::new("trip").id("t-1").json(&json!({ "to": to })).expect("JSON");
    assert_eq!(start(draft("Oslo")), Ok(Started { id: "t-1".into(), existing: false }));
    assert_eq!(start(draft("Rome")), Ok(Started { id: "t-1".into(), existing: true }));
    let saga = get("t-1").expect("started");
    assert_eq!((saga.name(), saga.status(), saga.current_step(), saga.error()), ("trip", Status::Running, 0, None));
    assert_eq!(data(&saga), json!({ "to": "Oslo" }));
    assert_eq!(testing::sagas().len(), 1);
}

#[test]
fn what_a_draft_leaves_out_is_filled_in() {
    let started = start(Saga::new("trip")).expect("started");
    assert!(crate::uuid::is_valid(&started.id) && !started.existing);
    assert_eq!(data(&get(&started.id).expect("there")), json!({}));
}

#[test]
fn what_does_not_hold_is_refused() {
    let wrong = [
        Saga::new("a trip"),
        Saga::new(""),
        Saga::new("trip").id("a/b"),
        Saga::new("trip").data("[]"),
        Saga::new("trip").data("{"),
        Saga::new("trip").json("text").expect("JSON"),
    ];
    for draft in wrong {
        let answer = start(draft.clone());
        assert!(matches!(answer, Err(Error::Invalid(_))), "{draft:?}: {answer:?}");
    }
    assert!(matches!(get("never"), Err(Error::NotFound(_))));
    assert!(testing::sagas().is_empty());
}

#[test]
fn a_saga_is_signalled_until_it_is_cancelled() {
    start(Saga::new("trip").id("t-1")).expect("started");
    signal("t-1", "paid", &json!({ "cents": 5 })).expect("signalled");
    assert_eq!(testing::signals(), [("t-1".to_owned(), "paid".to_owned(), json!({ "cents": 5 }))]);
    cancel("t-1").expect("cancelled");
    let saga = get("t-1").expect("there");
    assert_eq!((saga.status(), saga.error()), (Status::Failed, Some("cancelled")));
    for refused in [cancel("t-1"), signal("t-1", "paid", &())] {
        assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    }
    assert!(matches!(cancel("never"), Err(Error::NotFound(_))));
}

#[test]
fn a_batch_starts_sagas_or_does_nothing_at_all() {
    let place = || {
        Batch::new()
            .put_if("order/1", "placed", Condition::Absent)
            .start_saga(Saga::new("fulfil").id("o-1"))
            .start_saga(Saga::new("tell").id("o-2"))
            .commit()
    };
    let started = place().expect("committed").sagas;
    assert_eq!(started.iter().map(|saga| saga.id.as_str()).collect::<Vec<_>>(), ["o-1", "o-2"]);
    assert!(matches!(place(), Err(batch::Error::Conflict(_))));
    let again = Batch::new().start_saga(Saga::new("fulfil").id("o-1")).commit().expect("committed").sagas;
    assert_eq!(again, [Started { id: "o-1".into(), existing: true }]);
    let wrong = Batch::new().put("a", "1").start_saga(Saga::new("fulfil").id("no id")).commit();
    assert!(matches!(wrong, Err(batch::Error::Invalid(_))));
    assert_eq!(kv::own().and_then(|bucket| bucket.get("a")).expect("read"), None);
    assert_eq!(testing::sagas().len(), 2);
}

#[test]
fn in_a_handler_what_cannot_work_later_is_rejected() {
    assert_eq!(Failure::from(Error::Invalid("no object".into())), Failure::reject("no object"));
    assert_eq!(Failure::from(Error::Conflict("it is failed".into())), Failure::reject("it is failed"));
    // Its plugin may be on its way.
    assert_eq!(Failure::from(Error::NotFound("no definition".into())), Failure::retry("no definition"));
    assert_eq!(crate::Error::from(Error::Conflict("it is failed".into())).status(), 409);
}
