//! Outcome is said, not assumed.

use std::panic::{AssertUnwindSafe, catch_unwind};

use auditrail::record::{Record, names};
use tracing_subscriber::prelude::*;

use crate::support::{Bench, ending};

/// Runs under the layer, and gives the response record.
fn response(bench: &Bench, run: impl FnOnce()) -> Record {
    tracing::subscriber::with_default(tracing_subscriber::registry().with(bench.trail.layer()), run);
    let mut records = bench.records();
    records.retain(|record| record.text(names::AUDITRAIL_PHASE).is_some());
    assert_eq!(records.len(), 2, "{records:?}");
    records.remove(1)
}

fn ended(run: impl FnOnce()) -> (String, String, String) {
    let record = response(&Bench::new(), run);
    let (_, outcome, detail) = ending(&record);
    (outcome.into(), detail.into(), record.text(names::ERROR_TYPE).unwrap_or("").into())
}

fn is(actual: (String, String, String), outcome: &str, detail: &str, error_type: &str) {
    assert_eq!(actual, (outcome.into(), detail.into(), error_type.into()));
}

#[tracing::instrument(skip_all, err, ret, fields(mcp.method.name = "tools/call"))]
fn both(result: Result<u8, String>) -> Result<u8, String> {
    result
}

#[tracing::instrument(skip_all, ret, fields(mcp.method.name = "prompts/get"))]
fn ret_only(result: Result<u8, String>) -> Result<u8, String> {
    result
}

#[tracing::instrument(skip_all, err, fields(mcp.method.name = "resources/read"))]
async fn err_only(result: Result<u8, String>) -> Result<u8, String> {
    tokio::task::yield_now().await;
    result
}

#[tracing::instrument(skip_all, fields(mcp.method.name = "tools/call"))]
fn bare() {}

#[test]
fn err_and_ret_say_it() {
    is(ended(|| drop(both(Ok(1)))), "success", "ok", "");
    is(ended(|| drop(both(Err("canary".into())))), "failure", "tool_error", "tool_error");
    is(ended(|| drop(ret_only(Ok(1)))), "success", "ok", "");
    is(ended(|| drop(ret_only(Err("canary".into())))), "failure", "jsonrpc_error", "jsonrpc_error");
    is(
        ended(|| block(async { drop(err_only(Err("canary".into())).await) })),
        "failure",
        "jsonrpc_error",
        "jsonrpc_error",
    );
}

#[test]
fn nothing_said_is_unknown_not_success() {
    is(ended(bare), "unknown", "no_response", "");
    is(ended(|| block(async { drop(err_only(Ok(1)).await) })), "unknown", "no_response", "");
}

#[test]
fn a_dropped_future_is_no_response() {
    let dropped = || {
        block(async {
            let mut call = Box::pin(err_only(Ok(1)));
            assert!(futures_poll(&mut call).is_pending());
        });
    };
    is(ended(dropped), "unknown", "no_response", "");
    let never_polled =
        || drop(tracing::Instrument::instrument(async {}, tracing::info_span!("call", mcp.method.name = "tools/call")));
    is(ended(never_polled), "unknown", "no_response", "");
}

#[test]
fn a_panic_is_a_panic_whatever_was_said_before() {
    let panics = || {
        let span = tracing::info_span!("call", mcp.method.name = "tools/call", audit.outcome = "success");
        let caught = catch_unwind(AssertUnwindSafe(|| {
            span.in_scope(|| {
                let _moved = tracing::Span::current();
                let _entered = tracing::info_span!("inner").entered();
                quiet_panic();
            })
        }));
        assert!(caught.is_err());
        // The span itself outlives the unwinding here, so it is dropped by one.
        let caught = catch_unwind(AssertUnwindSafe(move || {
            let _span = span;
            quiet_panic();
        }));
        assert!(caught.is_err());
    };
    is(ended(panics), "failure", "panic", "panic");
}

#[test]
fn a_recorded_outcome_counts_and_carries_its_details() {
    let record = |outcome: &'static str, detail: &'static str| {
        move || {
            let span = tracing::info_span!(
                "call", mcp.method.name = "tools/call", audit.outcome = tracing::field::Empty,
                auditrail.outcome.detail = tracing::field::Empty, error.type = tracing::field::Empty,
                rpc.response.status_code = tracing::field::Empty
            );
            span.in_scope(|| {
                if !outcome.is_empty() {
                    span.record("audit.outcome", outcome);
                }
                if !detail.is_empty() {
                    span.record("auditrail.outcome.detail", detail);
                }
                if detail == "jsonrpc_error" {
                    span.record("error.type", "-32603");
                    span.record("rpc.response.status_code", -32603);
                }
            });
        }
    };
    is(ended(record("success", "")), "success", "ok", "");
    is(ended(record("failure", "")), "failure", "", "_OTHER");
    is(ended(record("", "timeout")), "unknown", "timeout", "");
    is(ended(record("failure", "jsonrpc_error")), "failure", "jsonrpc_error", "-32603");
    is(ended(record("nonsense", "")), "unknown", "no_response", "");
}

#[test]
fn a_denial_is_told_by_the_hook_and_its_text_stays_there() {
    let bench = Bench::with(|builder| {
        builder.denied_when(|failure| failure.method == Some("tools/call") && failure.message.contains("not allowed"))
    });
    let record = response(&bench, || drop(both(Err("canary is not allowed".into()))));
    assert_eq!(ending(&record), ("response", "failure", "denied"));
    assert_eq!(record.severity.number, 13);
    assert!(!String::from_utf8_lossy(&bench.sunk.bytes()).contains("canary"));

    let panicking = Bench::with(|builder| builder.denied_when(|_| quiet_panic()));
    let record = response(&panicking, || drop(both(Err("x".into()))));
    assert_eq!(ending(&record), ("response", "failure", "tool_error"));
    assert!(panicking.said().iter().any(|text| text.contains("denied_when hook panicked")));
}

#[test]
fn an_error_of_an_inner_function_that_the_call_survives_is_not_the_calls() {
    is(
        ended(|| {
            #[tracing::instrument(err)]
            fn inner() -> Result<(), String> {
                Err("handled".into())
            }
            #[tracing::instrument(ret, fields(mcp.method.name = "tools/call"))]
            fn outer() -> u8 {
                drop(inner());
                1
            }
            outer();
        }),
        "success",
        "ok",
        "",
    );
}

#[test]
fn an_error_that_the_function_logs_and_survives_is_not_its_end() {
    is(
        ended(|| {
            #[tracing::instrument(err, ret, fields(mcp.method.name = "tools/call"))]
            fn survives() -> Result<u8, String> {
                tracing::error!(error = "handled");
                Ok(1)
            }
            drop(survives());
        }),
        "success",
        "ok",
        "",
    );
    is(
        ended(|| {
            let span = tracing::info_span!("call", mcp.method.name = "tools/call");
            span.in_scope(|| tracing::error!(error = "handled"));
        }),
        "unknown",
        "no_response",
        "",
    );
}

fn quiet_panic() -> ! {
    std::panic::resume_unwind(Box::new("expected"))
}

fn block(future: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future);
}

fn futures_poll<F: Future + Unpin>(future: &mut F) -> std::task::Poll<F::Output> {
    std::pin::Pin::new(future).poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
