//! Garbage never hides a call, and takes no space from other clients.

use auditrail::record::{Record, Value, names};

use crate::batch;
use crate::journal::Hands;
use crate::rig::{Proxy, Server, call, ok, post, result};
use crate::support::ending;

/// What it stands for.
fn garbage(records: &[Record]) -> (usize, i64) {
    let garbage = records.iter().filter(|record| record.text(names::ERROR_TYPE) == Some("-32600"));
    let counts = garbage.map(|record| match record.get(names::AUDITRAIL_MCP_FLAWED_COUNT) {
        Some(Value::Int(count)) => *count,
        None => 1,
        other => panic!("{other:?}"),
    });
    counts.fold((0, 0), |(records, sum), count| (records + 1, sum + count))
}

fn pair<'a>(records: &'a [Record], tool: &str) -> Vec<(&'a str, &'a str, &'a str)> {
    let of_tool = records.iter().filter(|record| record.text(names::GEN_AI_TOOL_NAME) == Some(tool));
    of_tool.map(ending).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_in_the_middle_of_garbage_has_both_its_records() {
    let server = Server::answering(|_| ok("application/json", &result(7))).await;
    let proxy = Proxy::before(server.address).await;
    let body = batch(100_001, |number| match number {
        50_000 => call(7, "delete_all"),
        _ => r#"{"result":{}}"#.to_owned(),
    });
    let mut client = proxy.client().await;
    client.post(&body).await;
    let records = proxy.records().await;
    assert_eq!(pair(&records, "delete_all"), [("request", "unknown", ""), ("response", "success", "ok")]);
    let (count, sum) = garbage(&records);
    assert_eq!(sum, 100_000, "each is told");
    assert!(count < 30, "in {count} records");
    assert!(records.iter().all(|record| record.event_name != "auditrail.gap"));
}

/// Of one connection so many in a second have a record of their own, however many messages they come in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_of_many_messages_takes_nothing_from_a_client_beside_it() {
    let server = Server::answering(|_| ok("application/json", &result(7))).await;
    let proxy = Proxy::before(server.address).await;
    let flood = batch(20_000, |_| r#"{"result":{}}"#.to_owned());
    let floods: Vec<_> = (0..3).map(|_| (proxy.address, flood.clone())).collect();
    let floods = floods.into_iter().map(|(address, flood)| {
        tokio::spawn(async move {
            let mut client = crate::rig::Client::to(address).await;
            for _ in 0..3 {
                client.ask(post(&flood)).await;
            }
        })
    });
    let floods: Vec<_> = floods.collect();
    let mut client = proxy.client().await;
    for _ in 0..500 {
        client.post(&call(7, "beside")).await;
    }
    for flood in floods {
        flood.await.unwrap();
    }
    let records = proxy.records().await;
    assert_eq!(pair(&records, "beside").len(), 1000);
    let (count, sum) = garbage(&records);
    assert_eq!(sum, 180_000, "each is told");
    assert!(count < 150, "in {count} records");
    assert!(records.iter().all(|record| record.event_name != "auditrail.gap"));
}

/// Of one connection so many within a second, however many requests they come in: this second does not end.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_of_many_requests_has_a_hundred_records_a_second() {
    let server = Server::answering(|_| ok("application/json", "{}")).await;
    let proxy = Proxy::built(server.address, |builder| builder.clock(Hands::default())).await;
    let mut client = proxy.client().await;
    for _ in 0..1000 {
        client.post(r#"{"result":{}}"#).await;
    }
    client.post(&call(7, "beside")).await;
    drop(client);
    let records = proxy.records().await;
    assert_eq!(pair(&records, "beside").len(), 2);
    let (count, sum) = garbage(&records);
    assert_eq!(sum, 1000, "each is told");
    assert!((100..120).contains(&count), "in {count} records");
}
