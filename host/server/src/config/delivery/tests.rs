//! What wrong tables of events, queues and the clock are answered with, and what right ones mean.

use std::time::Duration;

use switchyard_core::manifest::{Backoff, Start, Target, Timetable};
use switchyard_delivery::config::{Endpoint, Grant, OnError, Queue, TopicDurability};

use super::super::tests::{self, check};

fn parse(text: &str) -> Result<switchyard_delivery::Config, String> {
    tests::parse(text).map(|config| config.delivery)
}

#[test]
fn wrong_events_and_topics_name_line_and_remedy() {
    check("[events]\nmiddlewares = []", ":2: unknown member 'middlewares'; did you mean 'middleware'?");
    check("[events]\nmiddleware = ['Audit']", ":2: 'Audit' is not a service name");
    check("[events]\nmiddleware = [\n'a',\n'a']", ":4: 'a' is there twice");
    check("[events]\non-error = 'refuse'", ":2: unknown value 'refuse'; here are known: pass, reject");
    check("[topics.'a..b']", ":1: 'a..b' is not a topic");
    check("[topics.'a.*']", ":1: 'a.*' is not a topic");
    check("[topics.a]\ndurability = 'relaxd'", ":2: unknown value 'relaxd'; did you mean 'relaxed'?");
    check("[topics.a]\nretention = '7'", ":2: '7' is not a duration");
    check("[topics.a]\nretention = '0s'", ":2: the duration must be at least 1ms");
    check("[plugins]\ngrants = 'closed'", ":2: unknown value 'closed'; here are known: open, explicit");
    check("[services.a]\ngrants = [\n'publish:a.>',\n'publish:>.a']", ":4: 'publish:>.a' is no grant");
    check(
        "[services.a]\ngrants = ['read:a']",
        ":2: 'read:a' is no grant: write publish:TOPIC-PATTERN, subscribe:TOPIC-PATTERN, queue:NAME, saga:NAME, bucket:NAME or ",
    );
    check("[services.a]\ngrants = ['saga:a b']", ":2: 'saga:a b' is no grant");
}

#[test]
fn wrong_queues_name_line_and_remedy() {
    check("[queues.'a b']", ":1: 'a b' is not a queue name");
    check("[queues.a]\nmaxsize = 1", ":2: unknown member 'maxsize'; did you mean 'max-size'?");
    check("[queues.a]\nmax-size = 0", ":2: the number must be at least 1");
    check("[queues.a]\nmax-attempts = 1001", ":2: max-attempts must be from 1 to 1000");
    check("[queues.a]\nmax-attempts = 0", ":2: the number must be at least 1");
    check("[queues.a]\nvisibility-timeout = '999ms'", ":2: visibility-timeout must be from 1s to 12h");
    check("[queues.a]\ndead-letter-queue = 'b c'", ":2: 'b c' is not a queue name");
    check("[queues.a]\ndead-letter-queue = 'a'", ":2: dead letters of 'a' would come back to it");
    let circle = "[queues.a]\ndead-letter-queue = 'b'\n[queues.b]\ndead-letter-queue = 'c'\n[queues.c]\n\
                  dead-letter-queue = 'b'";
    check(circle, ":4: dead letters of 'b' would come back to it");
}

#[test]
fn wrong_subscriptions_name_line_and_remedy() {
    let of = |members: &str| format!("[[subscription]]\ntopic = 'a'\n{members}");
    check("[[subscription]]\nservice = 'a'", ":1: missing field `topic`");
    check("\n[[subscription]]\ntopic = 'a'", ":2: a subscription names either a service or a url");
    check("[[subscription]]\nservice = 'a'\ntopic = 'a.>.b'", ":3: 'a.>.b' is not a topic pattern");
    check(&of("service = 'a'\nurl = 'http://x'"), ":4: a subscription names either a service or a url; remove one");
    check(&of("service = 'A'"), ":3: 'A' is not a service name");
    check(&of("name = 'n'\nurl = 'ftp://x'"), ":4: 'ftp://x' is no URL to post to");
    check(&of("url = 'http://x'"), ":3: a subscription with a url needs a name");
    check(&of("service = 'a'\npriorty = 1"), ":4: unknown member 'priorty'; did you mean 'priority'?");
    check(&of("service = 'a'\nname = 'a b'"), ":4: 'a b' is not a name");
    check(&of("service = 'a'\ngroup = ''"), ":4: '' is not a name");
    check(&of("service = 'a'\nmax-attempts = 0"), ":4: max-attempts must be from 1 to 1000");
    check(&of("service = 'a'\nbackoff = { linear = '0s' }"), ":4: the backoff must be from 1ms to 1d");
    check(&of("service = 'a'\nbackoff = { squared = '1s' }"), ":4: unknown value 'squared'");
    check(&of("service = 'a'\nstart = 'now'"), ":4: unknown value 'now'; here are known: latest, first");
    check(&of("service = 'a'\n\nfilter = 'data.a >'"), ":5: ");
}

#[test]
fn wrong_schedules_name_line_and_remedy() {
    let of = |members: &str| format!("[[schedule]]\nname = 'n'\n{members}");
    check("[[schedule]]\ncron = '* * * * *'\ntopic = 'a'", ":1: missing field `name`");
    check(&of("topic = 'a'"), ":1: a schedule says either cron or every");
    check(&of("every = '1s'"), ":1: a schedule says either topic or queue");
    check(&of("every = '1s'\ncron = '* * * * *'\ntopic = 'a'"), ":3: a schedule says either cron or every");
    check(&of("every = '1s'\ntopic = 'a'\nqueue = 'b'"), ":5: a schedule says either topic or queue");
    check(&of("topic = 'a'\ncron = '* * *'"), ":4: '* * *' is not a cron expression");
    check(&of("topic = 'a'\nevery = '10ms'"), ":4: the interval must be at least 1s");
    check(&of("every = '1s'\ntopic = 'a.*'"), ":4: 'a.*' is not a topic");
    check(&of("every = '1s'\nqueue = 'a b'"), ":4: 'a b' is not a queue name");
    check(&of("every = '1s'\ntopic = 'a'\nhour = 1"), ":5: unknown member 'hour'");
    check("[[schedule]]\nname = 'a b'\nevery = '1s'\ntopic = 'a'", ":2: 'a b' is not a name");
    let twice = "[[schedule]]\nname = 'n'\nevery = '1s'\ntopic = 'a'\n[[schedule]]\nname = 'n'\nevery = '1s'\n\
                 topic = 'a'";
    check(twice, ":6: two schedules are named 'n'; rename one");
}

#[test]
fn every_member_arrives() {
    let config = parse(
        "[events]\nmiddleware = ['b', 'a']\non-error = 'reject'
         [topics.'order.created']\ndurability = 'memory'\nretention = '1h'
         [queues.emails]\nmax-size = 5\nmax-attempts = 7\nvisibility-timeout = '1m'\ndead-letter-queue = 'dead'
         [[subscription]]\ntopic = 'order.>'\nservice = 'shop'\nname = 'n'\ngroup = 'g'\nbroadcast = true\npriority = -2
         filter = 'data.n > 1'\nonce = true\nmax-attempts = 9\nbackoff = { exponential = '2s' }\nstart = 'first'
         [[subscription]]\ntopic = 'a'\ngroup = 'hook'\nurl = 'https://example.com/hook'
         [[schedule]]\nname = 'nightly'\ncron = '0 3 * * *'\ntopic = 'night'\ndata = { a = [1, 'x'] }
         [[schedule]]\nname = 'often'\nevery = '5s'\nqueue = 'emails'
         [services.shop]\ngrants = ['publish:order.*', 'queue:emails', 'saga:process-order']",
    )
    .expect("it is right");
    assert_eq!(config.middleware, ["b".parse().expect("a name"), "a".parse().expect("a name")]);
    assert_eq!(config.on_error, OnError::Reject);
    let topic = config.topics["order.created"];
    assert_eq!((topic.durability, topic.retention), (TopicDurability::Memory, Duration::from_secs(3600)));
    let queue = Queue {
        max_size: 5,
        max_attempts: 7,
        visibility_timeout: Duration::from_secs(60),
        dead_letter_queue: Some("dead".to_owned()),
    };
    assert_eq!(config.queues["emails"], queue);

    let [of_service, hook] = &config.subscriptions[..] else { panic!("two subscriptions") };
    let spec = &of_service.spec;
    assert_eq!((spec.priority, spec.max_attempts, spec.start), (-2, Some(9), Start::First));
    assert!(spec.broadcast && spec.once && matches!(spec.backoff, Some(Backoff::Exponential(_))));
    assert_eq!(spec.full_name("shop"), "n");
    assert_eq!(of_service.endpoint, Endpoint::Service("shop".parse().expect("a name")));
    assert_eq!(hook.endpoint, Endpoint::Url("https://example.com/hook".to_owned()));

    let [nightly, often] = &config.schedules[..] else { panic!("two schedules") };
    assert_eq!(nightly.timetable, Timetable::Cron("0 3 * * *".to_owned()));
    assert_eq!(nightly.data, serde_json::json!({"a": [1, "x"]}));
    assert_eq!(often.target, Target::Queue("emails".to_owned()));
    let granted = &config.granted[&"shop".parse().expect("a name")];
    assert!(granted.len() == 3 && granted.contains(&Grant::Saga("process-order".to_owned())), "{granted:?}");
}
