//! Calls of a real client to a real server.

use std::time::Instant;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{CallToolRequestParams, ClientConfig, ServerCapabilities, ServerConfig};
use rmcp::service::RunningService;
use rmcp::{RoleClient, ServerHandler, ServiceExt as _, tool, tool_handler, tool_router};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::io::split;
use tracing::instrument::WithSubscriber as _;

use crate::User;
use crate::samples::quantile;

#[derive(Debug, Clone)]
struct Echo;

#[derive(Debug, Deserialize, JsonSchema)]
struct Text {
    text: String,
}

#[tool_router(router = tools)]
impl Echo {
    #[tool(description = "Says it again")]
    async fn echo(&self, Parameters(Text { text }): Parameters<Text>) -> String {
        text
    }
}

#[tool_handler(router = Self::tools())]
impl ServerHandler for Echo {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[derive(Debug, Clone, Copy)]
enum View {
    Plain,
    Tap,
    Both,
}

/// Prints what a call takes without auditing, with the tap, and with tap and wrapper.
pub(crate) fn run(user: &User, calls: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let views = [View::Plain, View::Tap, View::Both];
    let mut times: [Vec<f64>; 3] = Default::default();
    runtime.block_on(
        async {
            let mut clients = Vec::new();
            for view in views {
                clients.push(connect(user, view).await);
            }
            for round in 0..calls {
                for (client, times) in clients.iter().zip(&mut times) {
                    let begun = Instant::now();
                    call(client).await;
                    if round >= calls / 10 {
                        times.push(begun.elapsed().as_secs_f64() * 1e6);
                    }
                }
            }
        }
        .with_subscriber(user.subscriber.clone()),
    );
    let [plain, tap, both] = times.map(|mut times| [quantile(&mut times, 0.5), quantile(&mut times, 0.99)]);
    println!("round trip of a call, rmcp          plain p50 {:.1} us, p99 {:.1} us", plain[0], plain[1]);
    for (what, [p50, p99]) in [("the tap", tap), ("tap and wrapper", both)] {
        println!("  {what:<16} adds                p50 {:.1} us, p99 {:.1} us", p50 - plain[0], p99 - plain[1]);
    }
    user.settle();
}

async fn connect(user: &User, view: View) -> RunningService<RoleClient, ClientConfig> {
    let (ours, theirs) = tokio::io::duplex(1 << 16);
    let ((read, write), trail) = (split(theirs), user.trail.clone());
    let serving = async move {
        let served = match view {
            View::Plain => Echo.serve((read, write)).await.map(|running| drop(tokio::spawn(running.waiting()))),
            View::Tap => {
                let streams = trail.tap(read, write).into_streams();
                Echo.serve(streams).await.map(|running| drop(tokio::spawn(running.waiting())))
            }
            View::Both => {
                let tap = trail.tap(read, write);
                let server = trail.audited(Echo).behind(&tap);
                server.serve(tap.into_streams()).await.map(|running| drop(tokio::spawn(running.waiting())))
            }
        };
        served.expect("a session");
    };
    tokio::spawn(serving.with_current_subscriber());
    ClientConfig::default().serve(ours).await.expect("a session")
}

async fn call(client: &RunningService<RoleClient, ClientConfig>) {
    let arguments = serde_json::json!({ "text": "x".repeat(900) });
    let request = CallToolRequestParams::new("echo").with_arguments(arguments.as_object().expect("an object").clone());
    client.call_tool(request).await.expect("an answer");
}
