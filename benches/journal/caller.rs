//! The effect of a dead sink on a caller: begin and finish of a call, and the record of a moment, in wall-clock time.
//!
//! Three trails in one process take turns in short windows: one whose collector takes everything, one whose collector is
//! away, one whose collector never answers. The 99th percentile of each window, and the median over all windows.

use std::time::{Duration, Instant};

use auditrail::Trail;
use auditrail::config::Environment;
use auditrail::record::{EventName, Outcome, Status};
use auditrail::trail::{Call, Moment};

use crate::samples::{Null, median, quantile};

pub(crate) fn run(quick: bool) {
    let windows = if quick { 3 } else { 150 };
    let trails = [Null::Takes, Null::Away, Null::Hole].map(Sample::start);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begin_and_finish = |trail: &Trail| runtime.block_on(call(trail));
    let operations = [("begin and finish", &begin_and_finish as &dyn Fn(&Trail)), ("record", &moment)];
    println!("caller with a dead sink, wall clock, µs, median of {windows} windows of {WINDOW}");
    for (what, operation) in operations {
        let mut p50s: [Vec<f64>; 3] = Default::default();
        let mut p99s: [Vec<f64>; 3] = Default::default();
        for window in 0..=windows {
            for turn in 0..trails.len() {
                // Nobody is always the first.
                let index = (turn + window) % trails.len();
                let (Some(trail), Some(p50s), Some(p99s)) =
                    (trails.get(index), p50s.get_mut(index), p99s.get_mut(index))
                else {
                    continue;
                };
                let mut times = trail.window(operation);
                if window > 0 {
                    p50s.push(quantile(&mut times, 0.5));
                    p99s.push(quantile(&mut times, 0.99));
                }
            }
        }
        let [live50, away50, hole50] = p50s.map(|mut figures| median(&mut figures));
        let [live, away, hole] = p99s.map(|mut figures| median(&mut figures));
        println!("   {what:<17} p50   live {live50:5.1}   away {away50:5.1}   black hole {hole50:5.1}");
        println!(
            "   {what:<17} p99   live {live:5.1}   away {away:5.1} (ratio {:.2})   black hole {hole:5.1} (ratio {:.2})   (must 1.10)",
            away / live,
            hole / live
        );
    }
    for trail in &trails {
        assert_eq!(trail.trail.counts().refused, 0, "a full journal would have flattered us");
    }
}

struct Sample {
    trail: Trail,
    _directory: tempfile::TempDir,
}

impl Sample {
    fn start(sink: Null) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let trail = Trail::builder("bench")
            .directory(directory.path())
            .environment(Environment::default())
            .connector(sink)
            .flush_timeout(Duration::from_millis(1))
            .journal_max_bytes(4 << 30)
            .on_notice(|_| ())
            .start()
            .expect("no mistake");
        Self { trail, _directory: directory }
    }

    /// Microseconds of each operation.
    fn window(&self, operation: &dyn Fn(&Trail)) -> Vec<f64> {
        let times = (0..WINDOW).map(|_| {
            let begun = Instant::now();
            operation(&self.trail);
            begun.elapsed().as_secs_f64() * 1e6
        });
        let times = times.collect();
        // The threads of the trail do their work between the windows, as they would on a machine with a free core.
        std::thread::sleep(PAUSE);
        times
    }
}

async fn call(trail: &Trail) {
    let call = Call::mcp("tools/call").tool("current_weather").attribute("audit.target.id", "Lisbon");
    let open = trail.begin(call).await.expect("nobody refuses");
    open.finish(Outcome::status(Status::Success)).await;
}

fn moment(trail: &Trail) {
    trail.record(Moment::new(EventName::Context).attribute("audit.target.id", "Lisbon"));
}

const WINDOW: usize = 2000;
const PAUSE: Duration = Duration::from_millis(20);
