//! What calls and requests through the proxy act on, by the map of targets.

use std::sync::Arc;

use auditrail::capture::mcp::HttpRecording;
use auditrail::policy::{TargetMap, TargetRule};
use auditrail::record::names;

use crate::rig::{Proxy, Server, call, ok, result, reverse};
use crate::support::Bench;

#[tokio::test]
async fn calls_and_requests_have_the_target_of_their_rule() {
    let server = Server::answering(|_| ok("application/json", &result(7))).await;
    let rules = [
        TargetRule::tool("close_*").target_type("ticket"),
        TargetRule::route("/cities/{city}").methods(["GET"]).target_type("city").id("{city}"),
    ];
    let bench = Arc::new(Bench::with(|builder| builder.targets(TargetMap::new(rules).unwrap())));
    let mut settings = reverse(server.address);
    settings.record = HttpRecording::all();
    let proxy = Proxy::with(bench, settings).await;
    let mut client = proxy.client().await;
    client.post(&call(7, "close_ticket")).await;
    client.ask("GET /cities/Lisbon?city=Porto HTTP/1.1\r\nHost: mcp.example\r\n\r\n").await;
    drop(client);
    let records = proxy.records().await;
    let said: Vec<_> = records
        .iter()
        .map(|record| {
            [names::AUDIT_TARGET_TYPE, names::AUDIT_TARGET_ID, names::HTTP_ROUTE].map(|name| record.text(name))
        })
        .collect();
    let (ticket, city) = ([Some("ticket"), None, None], [Some("city"), Some("Lisbon"), Some("/cities/{city}")]);
    assert_eq!(said, [ticket, ticket, city, city]);
}
