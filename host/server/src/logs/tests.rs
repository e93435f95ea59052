use switchyard_runtime::ports::Logs as _;
use tracing_subscriber::layer::SubscriberExt;

use super::{line::HOST_SOURCE, *};

fn logs() -> Arc<Logs> {
    Arc::new(Logs::new())
}

fn write(logs: &Logs, service: &str, level: LogLevel, text: &str) {
    let service = service.parse().unwrap();
    logs.line(LogLine {
        service: &service,
        generation: Generation(3),
        level,
        source: "stdout",
        text,
        request_id: Some("r1"),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    });
}

fn of(service: &str) -> Filter {
    Filter { service: Some(service.parse().unwrap()), level: None }
}

fn texts(lines: &[Arc<Line>]) -> Vec<String> {
    lines.iter().map(|line| line.view(String::new()).message.to_owned()).collect()
}

fn written(logs: &Logs, filter: &Filter) -> Vec<String> {
    texts(&logs.page(filter, None, usize::MAX).0)
}

#[test]
fn a_line_is_shown_with_all_that_is_known_of_it() {
    let logs = logs();
    write(&logs, "shop", LogLevel::Warn, "a\u{1b}[2J<b>");
    let (lines, has_more) = logs.page(&Filter::default(), None, 1);
    let view = serde_json::to_value(lines[0].view(logs.id(&lines[0]))).unwrap();
    assert_eq!((&view["id"], has_more), (&format!("{}-1", logs.epoch).into(), false));
    let members = ["service", "level", "source", "message", "generation", "requestId", "traceId"];
    let expected = r#"["shop","warn","stdout","a\u001b[2J<b>",3,"r1","0af7651916cd43dd8448eb211c80319c"]"#;
    assert_eq!(serde_json::to_string(&members.map(|name| view[name].clone())).unwrap(), expected);
}

#[test]
fn a_guest_cannot_speak_as_the_host() {
    let (logs, service) = (logs(), "shop".parse().unwrap());
    let (generation, level) = (Generation(1), LogLevel::Info);
    logs.line(LogLine {
        service: &service,
        generation,
        level,
        source: "host",
        text: "",
        request_id: None,
        traceparent: None,
    });
    assert_eq!(logs.page(&Filter::default(), None, 1).0[0].view(String::new()).source, "guest:host");
}

#[test]
fn pages_go_back_and_levels_and_services_are_told_apart() {
    let logs = logs();
    for (service, level, text) in [
        ("a", LogLevel::Debug, "1"),
        ("b", LogLevel::Error, "2"),
        ("a", LogLevel::Warn, "3"),
        ("a", LogLevel::Info, "4"),
    ] {
        write(&logs, service, level, text);
    }
    assert_eq!(written(&logs, &Filter::default()), ["4", "3", "2", "1"]);
    assert_eq!(written(&logs, &of("a")), ["4", "3", "1"]);
    assert_eq!(written(&logs, &Filter { level: Some(LogLevel::Warn), ..of("a") }), ["3"]);
    assert_eq!(written(&logs, &of("c")), Vec::<String>::new());
    let (first, has_more) = logs.page(&of("a"), None, 2);
    assert_eq!((texts(&first), has_more), (vec!["4".to_owned(), "3".to_owned()], true));
    let (rest, has_more) = logs.page(&of("a"), Some(first[1].number), 2);
    assert_eq!((texts(&rest), has_more), (vec!["1".to_owned()], false));
}

#[test]
fn a_chatty_service_pushes_out_its_own_lines_alone() {
    let logs = logs();
    write(&logs, "quiet", LogLevel::Info, "still here");
    (0..SERVICE_LINES + 7).for_each(|n| write(&logs, "chatty", LogLevel::Info, &n.to_string()));
    let kept = written(&logs, &of("chatty"));
    assert_eq!((kept.len(), kept.last().map(String::as_str)), (SERVICE_LINES, Some("7")));
    (0..64).for_each(|_| write(&logs, "chatty", LogLevel::Info, &"x".repeat(8 << 10)));
    assert!(logs.figures().bytes < SERVICE_BYTES + 1_000, "{:?}", logs.figures());
    assert_eq!(written(&logs, &of("quiet")), ["still here"]);
    logs.dropped(&"chatty".parse().unwrap(), Generation(1), 9);
    let figures = logs.figures();
    assert_eq!((figures.written, figures.dropped), (SERVICE_LINES as u64 + 73, 9));
    assert!(written(&logs, &of("chatty"))[0].starts_with("9 lines were dropped"));
}

#[test]
fn all_services_together_stay_within_their_bound() {
    let logs = logs();
    let services = HOST_BYTES / SERVICE_BYTES + 20;
    for service in 0..services {
        (0..70).for_each(|_| write(&logs, &format!("s-{service}"), LogLevel::Info, &"x".repeat(8 << 10)));
    }
    assert!(logs.figures().bytes <= HOST_BYTES, "{:?}", logs.figures());
    assert_eq!(written(&logs, &of("s-0")), Vec::<String>::new());
    assert!(!written(&logs, &of(&format!("s-{}", services - 1))).is_empty());
    let expected = logs.ring().len();
    assert_eq!(written(&logs, &Filter::default()).len(), expected);
}

#[test]
fn who_follows_goes_on_after_the_line_that_they_saw_last() {
    let logs = logs();
    let follower = logs.follow().unwrap();
    (1..=3).for_each(|n| write(&logs, "a", LogLevel::Info, &n.to_string()));
    let read = |place: &mut Place, filter: &Filter| {
        let more = follower.read(place, filter);
        (texts(&more.lines), more.has_missed)
    };
    let mut place = follower.newest(&Filter::default(), 2);
    assert_eq!(read(&mut place, &Filter::default()), (vec!["2".to_owned(), "3".to_owned()], false));
    assert_eq!(read(&mut place, &Filter::default()), (vec![], false));
    write(&logs, "b", LogLevel::Info, "4");
    write(&logs, "a", LogLevel::Info, "5");
    assert_eq!(read(&mut place.clone(), &of("a")), (vec!["5".to_owned()], false));
    let (mut again, has_missed) = follower.after(&format!("{}-4", logs.epoch));
    assert!(!has_missed);
    assert_eq!(read(&mut again, &Filter::default()), (vec!["5".to_owned()], false));
    for unknown in ["", "x", "7-1", &format!("{}-99", logs.epoch)] {
        let (mut place, has_missed) = follower.after(unknown);
        assert_eq!((read(&mut place, &of("a")).0.len(), has_missed), (4, true), "{unknown}");
    }
    assert_eq!(read(&mut follower.newest(&of("b"), 0), &Filter::default()), (vec![], false));
}

#[test]
fn who_is_too_slow_learns_of_it_once_and_others_do_not() {
    let logs = logs();
    let follower = logs.follow().unwrap();
    let (mut slow, mut quiet) = (follower.newest(&of("a"), 0), follower.newest(&of("b"), 0));
    write(&logs, "b", LogLevel::Info, "x");
    (0..SERVICE_LINES + 5).for_each(|n| write(&logs, "a", LogLevel::Info, &n.to_string()));
    let more = follower.read(&mut slow, &of("a"));
    assert_eq!((more.has_missed, more.lines.len(), more.is_all), (true, SERVICE_LINES, true));
    assert!(!follower.read(&mut slow, &of("a")).has_missed);
    assert!(!follower.read(&mut quiet, &of("b")).has_missed);
}

#[test]
fn a_closed_log_ends_after_what_is_there() {
    let logs = logs();
    let follower = logs.follow().unwrap();
    let mut place = follower.newest(&Filter::default(), 0);
    write(&logs, "a", LogLevel::Info, "1");
    logs.close();
    write(&logs, "a", LogLevel::Info, "2");
    let more = follower.read(&mut place, &Filter::default());
    assert_eq!((texts(&more.lines), more.is_end), (vec!["1".to_owned()], true));
}

#[test]
fn those_who_follow_are_bounded() {
    let logs = logs();
    let mut followers: Vec<_> = (0..FOLLOWERS_MAX).map(|_| logs.follow().unwrap()).collect();
    assert!(logs.follow().is_none());
    followers.pop();
    assert!(logs.follow().is_some());
}

#[test]
fn what_the_host_says_about_a_service_is_kept() {
    let logs = logs();
    let subscriber = tracing_subscriber::registry().with(HostLines::layer(Arc::clone(&logs)));
    tracing::subscriber::with_default(subscriber, || {
        tracing::info!(plugin = "shop@1.2.0", service = %"store", generation = 4_u64, version = %"1.2.0", "live");
        tracing::warn!(plugin = "shop@1.2.0", error = "no such export", "the plugin cannot be loaded");
        tracing::error!(service = "shop", detail = "it trapped", backtrace = "", request_id = "r7", "guest failed");
        tracing::debug!(service = "shop", "too fine");
        tracing::info!(target: "access", service = "shop", "request");
        tracing::info!(target: "guest", service = "shop", "its own");
        tracing::info!("about nobody");
    });
    assert_eq!(written(&logs, &of("store")), ["live version=1.2.0"]);
    let expected = ["guest failed detail=it trapped", "the plugin cannot be loaded error=no such export"];
    assert_eq!(written(&logs, &of("shop")), expected);
    let (lines, _) = logs.page(&Filter::default(), None, 9);
    let view = lines[0].view(String::new());
    assert_eq!((lines.len(), view.source, view.level, view.request_id), (3, HOST_SOURCE, Level::Error, Some("r7")));
    assert_eq!(lines[2].view(String::new()).generation, Some(4));
}
