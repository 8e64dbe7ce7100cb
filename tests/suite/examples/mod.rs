//! The examples, with the assertions that they would have as servers of yours: `auditrail::testing`.

mod identity;
mod sample;

#[allow(dead_code, reason = "its main is for people")]
#[path = "../../../examples/annotate_only.rs"]
mod annotate_only;
use auditrail::testing::TestTrail;
use auditrail::{assert_audited, assert_not_audited};
use rmcp::ServiceExt as _;
use rmcp::model::{CallToolRequestParams, ClientConfig};
use serde_json::json;

use self::identity::weather;

/// The server of `quickstart`, `rmcp_stdio` and `rmcp_http`.
#[tokio::test]
async fn the_weather_server_is_audited() {
    let trail = TestTrail::of(weather::trail());
    let _scope = trail.set_default();
    let (ours, theirs) = tokio::io::duplex(64 * 1024);
    let server = trail.audited(weather::WeatherServer::new());
    let serving = tokio::spawn(async move { server.serve(ours).await.unwrap().waiting().await.unwrap() });
    let client = ClientConfig::default().serve(theirs).await.unwrap();
    for (tool, arguments) in [
        ("current_weather", json!({ "city": "Lisbon" })),
        ("forecast", json!({ "city": "Atlantis", "days": 3 })),
        ("delete_station", json!({ "station": "LIS-01" })),
    ] {
        let arguments = arguments.as_object().unwrap().clone();
        drop(client.call_tool(CallToolRequestParams::new(tool).with_arguments(arguments)).await);
    }
    client.cancel().await.unwrap();
    serving.await.unwrap();

    assert_audited!(trail, tool = "current_weather", outcome = success, "audit.target.id" = "Lisbon");
    assert_audited!(trail, tool = "forecast", outcome = failure, detail = tool_error, error_type = "tool_error");
    assert_audited!(trail, tool = "delete_station", outcome = failure, detail = denied, decision = deny);
    assert_audited!(trail, method = "tools/call", count = 3);
    assert_not_audited!(trail, tool = "delete_station", outcome = success);
    let shown = format!("{:?}", trail.all_records());
    assert!(!shown.contains("under water"), "a tool's error stays inside: {shown}");
}

#[tokio::test]
async fn annotated_handlers_are_audited() {
    let trail = TestTrail::of(annotate_only::trail());
    let _scope = trail.set_default();
    annotate_only::close_ticket(17).await.unwrap();
    annotate_only::close_ticket(0).await.unwrap_err();
    assert_audited!(trail, tool = "close_ticket", outcome = success, actor = "alice", "audit.target.id" = "17");
    assert_audited!(trail, tool = "close_ticket", outcome = failure, detail = denied, "audit.target.id" = "0");
}
