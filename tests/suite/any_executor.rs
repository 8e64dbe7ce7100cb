//! Whatever executor awaits a call or a flush: one without a timer, or no runtime of tokio at all.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Context, Poll, Wake};
use std::time::Duration;

use auditrail::record::Outcome;
use auditrail::trail::{Acknowledge, Call, Class, RefusalKind, WhenFull};

use crate::support::{Bench, ending};

/// No more than a thread that sleeps until it is woken.
fn on_a_bare_thread<T>(work: impl Future<Output = T>) -> T {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Arc::new(Unpark(std::thread::current())).into();
    let mut work = pin!(work);
    loop {
        if let Poll::Ready(done) = work.as_mut().poll(&mut Context::from_waker(&waker)) {
            return done;
        }
        std::thread::park();
    }
}

fn on_tokio_without_time<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

macro_rules! on_each_executor {
    ($($test:ident)*) => {
        mod a_bare_thread {
            $(#[test] fn $test() { super::$test(|work| super::on_a_bare_thread(work)); })*
        }
        mod tokio_without_time {
            $(#[test] fn $test() { super::$test(|work| super::on_tokio_without_time(work)); })*
        }
    };
}

on_each_executor! {
    calls_that_wait_go_on_and_a_flush_completes
    a_call_and_a_flush_that_wait_for_the_collector_in_vain_give_up
    a_call_that_waits_for_room_is_refused_at_its_deadline
}

type Work<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

fn calls_that_wait_go_on_and_a_flush_completes(block_on: fn(Work<'_>)) {
    for acknowledge in [Acknowledge::Synced, Acknowledge::Remote] {
        let class = Class { acknowledge, when_full: WhenFull::Wait, deadline: LONG, ..Class::CRITICAL };
        let bench = Bench::with(|builder| builder.class(class));
        block_on(Box::pin(async {
            let open = bench.trail.begin(tool("waits")).await.unwrap();
            open.finish(Outcome::ok()).await;
            bench.trail.flush(LONG).await.unwrap();
        }));
        let records = bench.records();
        let endings: Vec<_> = records.iter().map(ending).collect();
        assert_eq!(endings, [("request", "unknown", ""), ("response", "success", "ok")], "{acknowledge:?}");
    }
}

fn a_call_and_a_flush_that_wait_for_the_collector_in_vain_give_up(block_on: fn(Work<'_>)) {
    let class =
        Class { acknowledge: Acknowledge::Remote, when_full: WhenFull::Refuse, deadline: SHORT, ..Class::CRITICAL };
    let bench = Bench::with(|builder| builder.class(class).flush_timeout(SHORT));
    bench.sunk.away.store(true, SeqCst);
    block_on(Box::pin(async {
        let refused = bench.trail.begin(tool("in vain")).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Unrecorded);
        let error = bench.trail.flush(SHORT).await.unwrap_err();
        assert_eq!(error.deadline, SHORT);
        assert!(error.pending > 0);
    }));
}

fn a_call_that_waits_for_room_is_refused_at_its_deadline(block_on: fn(Work<'_>)) {
    let class_of = |call: &Call| match call.name() {
        Some("waits") => {
            Class { acknowledge: Acknowledge::Written, when_full: WhenFull::Wait, deadline: SHORT, ..Class::CRITICAL }
        }
        _ => Class { when_full: WhenFull::Refuse, ..Class::default() },
    };
    let bench = Bench::with(|builder| builder.classify(class_of).journal_max_bytes(256 * 1024).flush_timeout(SHORT));
    bench.sunk.away.store(true, SeqCst);
    block_on(Box::pin(async {
        // The thread that makes segments may be on its way when the first is refused.
        while !bench.said().iter().any(|said| said.contains("has no room for another segment")) {
            if let Ok(open) = bench.trail.begin(tool("fill")).await {
                open.finish_now(&Outcome::ok());
            }
        }
        while let Ok(open) = bench.trail.begin(tool("fill")).await {
            open.finish_now(&Outcome::ok());
        }
        let refused = bench.trail.begin(tool("waits")).await.unwrap_err();
        assert_eq!(refused.kind, RefusalKind::Unrecorded);
    }));
}

fn tool(name: &str) -> Call {
    Call::mcp("tools/call").tool(name)
}

/// Far beyond what anything here takes.
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);
