//! Batches on a host in memory.

use super::*;
use crate::{Delivery, Event, Failure, Message, Subscriber, Worker, kv, testing};

fn value(key: &str) -> Option<Vec<u8>> {
    kv::own().and_then(|bucket| bucket.get(key)).expect("read")
}

#[test]
fn everything_happens_in_one_commit() {
    let committed = Batch::new()
        .put_json("a", &1)
        .expect("JSON")
        .publish(Event::new("made"))
        .enqueue(Message::new("q").data("x"))
        .publish(Event::new("told"))
        .commit()
        .expect("committed");
    let topics: Vec<String> = testing::published().iter().map(|event| event.topic().to_owned()).collect();
    assert_eq!((value("a"), topics), (Some(b"1".to_vec()), vec!["made".to_owned(), "told".to_owned()]));
    assert_eq!((committed.receipts.len(), committed.message_ids.len()), (2, 1));
    assert_eq!(testing::waiting("q")[0].id(), committed.message_ids[0]);
}

#[test]
fn one_failure_keeps_all_from_happening() {
    let full = || Batch::new().put("a", "1").publish(Event::new("made")).enqueue(Message::new("q"));
    let wrong = [
        (full().check("b", Condition::Revision(1)), Error::Conflict("b".into())),
        (full().put("b", "1").put_if("b", "2", Condition::Revision(1)), Error::Conflict("b".into())),
        (full().ack(), Error::Invalid("`ack`, but nothing is being handled".into())),
    ];
    for (batch, error) in wrong {
        assert_eq!(batch.commit(), Err(error));
    }
    assert!(matches!(full().publish(Event::new("no topic")).commit(), Err(Error::Invalid(_))));
    assert!(matches!(full().enqueue(Message::new("q").priority(10)).commit(), Err(Error::Invalid(_))));
    assert_eq!(value("a"), None);
    assert!(testing::published().is_empty() && testing::waiting("q").is_empty());
}

#[test]
fn conditions_hold_of_what_was_before_the_batch() {
    Batch::new().put("a", "1").put_if("b", "2", Condition::Absent).check("a", Condition::Absent).commit().expect("new");
    let revision = read("a").expect("read").expect("there").revision;
    Batch::new().delete_if("a", Condition::Revision(revision)).commit().expect("removed");
    assert_eq!(read("a").expect("read"), None);
    let conflict = Batch::new().delete_if("b", Condition::Revision(revision)).commit();
    assert_eq!(conflict, Err(Error::Conflict("b".into())));
    Batch::new().delete("never there").commit().expect("fine");
}

#[test]
fn update_runs_again_when_another_writer_was_faster() {
    let mut runs = 0;
    let answer = update("n", |current| {
        runs += 1;
        if runs == 1 {
            kv::own().and_then(|bucket| bucket.set("n", b"40")).expect("written");
        }
        let text = current.map_or("0".to_owned(), |bytes| String::from_utf8_lossy(&bytes).into_owned());
        let sum = text.parse::<u32>().expect("a number") + 2;
        Ok::<_, Error>((Batch::new().put("n", sum.to_string()).publish(Event::new("added")), sum))
    });
    assert_eq!((answer, runs, value("n")), (Ok(42), 2, Some(b"42".to_vec())));
    assert_eq!(testing::published().len(), 1);
}

#[test]
fn update_gives_up_when_the_key_never_rests() {
    let answer = update("n", |_| {
        kv::own().and_then(|bucket| bucket.increment("n", 1)).expect("counted");
        Ok::<_, Error>((Batch::new(), ()))
    });
    assert_eq!(answer, Err(Error::Contended("n".into())));
}

#[test]
fn ack_is_of_what_is_being_handled_whatever_the_handler_answers() {
    let worker = Worker::new().on("q", |message: &Message| {
        Batch::new().put(message.id(), "done").ack().commit()?;
        Err::<(), _>(Failure::retry("after the ack"))
    });
    queues::enqueue(Message::new("q")).expect("enqueued");
    assert_eq!(testing::work(&worker, "q").len(), 1);
    testing::advance(std::time::Duration::from_secs(3_600));
    assert!(testing::work(&worker, "q").is_empty());

    let subscriber = Subscriber::new()
        .on(">", |event: &Event, _: &Delivery| Batch::new().put(event.id(), "").ack().commit().map(drop));
    assert_eq!(testing::deliver(&subscriber, "s/>", &testing::event(Event::new("a").id("1"))), Ok(()));
    assert_eq!(value("1"), Some(Vec::new()));
}

#[test]
fn a_lost_lease_commits_nothing() {
    let worker = Worker::new().on("q", |message: &Message| {
        message.nack("given away", None)?;
        Batch::new().put("late", "").ack().commit().map(drop).map_err(Failure::from)
    });
    queues::enqueue(Message::new("q")).expect("enqueued");
    assert_eq!(testing::work(&worker, "q"), [Err(Failure::retry(Error::NotLeased))]);
    assert_eq!(value("late"), None);
}

#[test]
fn events_published_while_handling_have_their_cause() {
    let subscriber = Subscriber::new().on("a", |_: &Event, _: &Delivery| events::publish(Event::new("b")).map(drop));
    let event = testing::event(Event::new("a").id("1").correlation_id("c"));
    testing::deliver(&subscriber, "s/a", &event).expect("handled");
    let [event] = testing::published().try_into().expect("one event");
    assert_eq!((event.correlation_id(), event.causation_id()), ("c", Some("1")));
}
