//! Rust: the bare bindings, `wstd`, and the Spin SDK, of 0.2 and 0.3. `tests/run --guests` builds them.

use std::time::{Duration, Instant};

use switchyard_tests::{Host, Setup};

use crate::checks;

const FOREIGN: [&str; 7] =
    ["hello-p2", "hello-p3", "foreign-wasi", "foreign-wasip3", "foreign-wstd", "foreign-spin", "foreign-spin-02"];

async fn host(members: &str) -> Host {
    let config = FOREIGN.map(|name| format!("[services.{name}]\n{members}\n")).concat();
    let setup = FOREIGN.into_iter().fold(Setup::new(), |setup, name| setup.plugin(name, name));
    setup.plugin("hello", "hello").config(&config).start().await
}

#[tokio::test]
async fn a_component_without_a_manifest_is_served_under_the_name_of_its_file() {
    for guests in ["fresh", "reused"] {
        let host = host(&format!("guests = '{guests}'")).await;
        for name in FOREIGN {
            for _ in 0..3 {
                checks::says_hello(&host, name).await;
            }
        }
    }
}

#[tokio::test]
async fn bodies_stream_through_in_both_directions() {
    let host = host("guests = 'reused'").await;
    for name in FOREIGN {
        checks::echoes(&host, name).await;
    }
}

#[tokio::test]
async fn a_stream_is_passed_on_as_it_comes() {
    let host = host("guests = 'fresh'").await;
    for name in FOREIGN {
        checks::streams(&host, name).await;
    }
}

#[tokio::test]
async fn a_trap_before_the_head_is_502_and_after_it_breaks_the_connection() {
    let host = host("guests = 'reused'").await;
    for name in FOREIGN {
        checks::traps(&host, name, 502).await;
        checks::traps_late(&host, name).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_busy_instance_is_not_mistaken_for_one_that_spins() {
    // Longer than the CPU time of a call, which many short calls in one instance must not add up to.
    const LASTING: Duration = Duration::from_secs(3);
    let host = host("guests = 'reused'").await;
    for name in ["hello-p2", "hello-p3"] {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..16 {
            let mut client = host.client().await;
            clients.spawn(async move {
                let began = Instant::now();
                while began.elapsed() < LASTING {
                    let answer = client.get(&format!("/{name}/")).await.unwrap();
                    assert_eq!(answer.status, 200, "{name}: {}", answer.text());
                }
            });
        }
        clients.join_all().await;
    }
}

#[tokio::test]
async fn services_call_each_other_by_name_in_process() {
    let host = host("guests = 'reused'").await;
    for name in FOREIGN {
        checks::calls_a_neighbour(&host, name).await;
    }
    let chain = FOREIGN.map(|name| format!("http://{name}.internal/fetch?url=")).concat();
    let chain = format!("/hello-p2/fetch?url={chain}http://hello.internal/hello/");
    assert_eq!(host.get(&chain).await.text(), "hello");
}

#[tokio::test]
async fn the_network_is_closed_until_a_host_is_allowed() {
    let outside = checks::outside().await;
    for (outbound, is_allowed) in [
        (String::new(), false),
        ("outbound = ['*']".to_owned(), false),
        (format!("outbound = ['{}:1']", outside.ip()), false),
        (format!("outbound = ['{outside}']"), true),
        ("outbound = ['127.0.0.0/8']".to_owned(), true),
    ] {
        let host = host(&outbound).await;
        for name in FOREIGN {
            checks::calls_outside(&host, name, outside, is_allowed).await;
        }
    }
}
