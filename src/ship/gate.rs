//! Decides whether a request may be sent to the sink. All requests of a shipper share it, so a sink that is away gets
//! one request at a time, and the operator gets one warning and one recovery per episode.
//!
//! ```text
//!   every request passes            one request passes
//!        ┌──────┐      answered      ┌─────────┐
//!   ────►│ open │◄───────────────────┤ probing │
//!        └──┬───┘                    └──┬───▲──┘
//!           │ failed                    │   │ our pause (`until`) is over or cut by a flush,
//!           │   failed (longer pause),  │   │ and the delay that the sink asked for
//!           │   or dropped              │   │ (`wished`) is over
//!        ┌──▼───────────────────────────▼───┴──┐
//!        │ closed: no request passes           │
//!        └─────────────────────────────────────┘
//! ```
//!
//! *answered*: the sink accepted the request or refused its records. *failed*: it is away, refuses the credentials,
//! or its answer is unreadable. A probe that is dropped without an answer leaves the gate closed, and the next
//! waiting request becomes the probe.
//!
//! Invariants:
//! 1. While the gate is open, every request passes. While it is closed, only the holder of the probe's permit sends,
//!    after the pause, and only the answer to that probe opens the gate or lengthens the pause. Answers to earlier
//!    requests (another `epoch`) do neither.
//! 2. A delay that the sink asked for is kept, even by a flush. A flush ends a pause of our own.
//! 3. A trouble is reported once per episode, and again if its reason changes. The end of the episode is reported
//!    once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until};

use super::backoff::{Backoff, granted};
use super::hurry::Hurry;
use super::reports::Reports;
use super::target::Target;
use super::trouble::Trouble;
use crate::config::Notices;
use crate::locks::{Mutex, MutexGuard};
use crate::record::Entropy;

/// The gate that every request passes.
#[derive(Debug)]
pub(super) struct Gate {
    state: Mutex<GateState>,
    probe: Semaphore,
    opened: Notify,
    context: GateContext,
}

/// Where the gate reports.
#[derive(Debug)]
pub(super) struct GateContext {
    pub(super) target: Target,
    pub(super) notices: Notices,
    pub(super) reports: Arc<dyn Reports>,
    pub(super) entropy: Arc<dyn Entropy>,
    pub(super) hurry: Hurry,
}

/// The permission to send one request. Dropping it without an answer changes nothing.
#[derive(Debug)]
#[must_use]
pub(super) struct SendPermit<'a> {
    epoch: u64,
    hurries: u64,
    _probe: Option<SemaphorePermit<'a>>,
}

#[derive(Debug)]
struct GateState {
    /// Grows whenever the gate closes, stays closed after a probe, or opens; distinguishes earlier answers from
    /// current ones.
    epoch: u64,
    closed: Option<ClosedGate>,
    answers: u64,
    /// The outcome of the last request, if it was not accepted.
    last: Option<String>,
    told: Episode,
}

#[derive(Debug)]
struct ClosedGate {
    why: Trouble,
    backoff: Backoff,
    /// The end of our own pause.
    until: Instant,
    /// The end of the delay that the sink asked for.
    wished: Instant,
    hurries: u64,
}

/// What was reported in this episode.
#[derive(Debug, Default)]
struct Episode {
    troubles: BTreeSet<(Trouble, String)>,
    degraded: Option<&'static str>,
}

impl Gate {
    pub(super) fn new(context: GateContext) -> Self {
        let state = GateState { epoch: 0, closed: None, answers: 0, last: None, told: Episode::default() };
        Self { state: Mutex::new(state), probe: Semaphore::new(1), opened: Notify::new(), context }
    }

    /// Waits until a request may be sent.
    pub(super) async fn enter(&self) -> SendPermit<'_> {
        loop {
            let opened = self.opened.notified();
            tokio::pin!(opened);
            opened.as_mut().enable();
            if let Some(turn) = self.open() {
                return turn;
            }
            let probe = tokio::select! {
                probe = self.probe.acquire() => probe.ok(),
                () = opened => continue,
            };
            if let Some(turn) = self.open() {
                return turn;
            }
            self.pause().await;
            return SendPermit { epoch: self.state().epoch, hurries: self.context.hurry.count(), _probe: probe };
        }
    }

    /// The sink answered: it accepted the request, or refuses its records for the given reason. So the sink is there.
    pub(super) fn answered(&self, turn: SendPermit<'_>, refused_because: Option<&str>) {
        let ended = {
            let mut state = self.state();
            state.answers += 1;
            state.last = refused_because.map(ToOwned::to_owned);
            if turn.epoch != state.epoch {
                return;
            }
            if state.closed.take().is_some() {
                state.epoch += 1;
            }
            std::mem::take(&mut state.told)
        };
        drop(turn);
        self.opened.notify_waiters();
        self.context.recovered(ended);
    }

    /// The sink did not accept the request, and its records are not the cause.
    pub(super) fn failed(&self, turn: SendPermit<'_>, trouble: Trouble, reason: &str, wish: Option<Duration>) {
        let wished = Instant::now() + granted(wish);
        let (news, is_long) = {
            let mut state = self.state();
            state.last = Some(reason.to_owned());
            if turn.epoch != state.epoch {
                if let Some(closed) = &mut state.closed {
                    closed.wished = closed.wished.max(wished);
                }
                return;
            }
            state.epoch += 1;
            let closed = match state.closed.take() {
                Some(closed) if closed.why == trouble => closed,
                _ => ClosedGate::because_of(trouble),
            };
            let closed = state.closed.insert(closed);
            closed.until = Instant::now() + closed.backoff.next(&*self.context.entropy);
            closed.wished = closed.wished.max(wished);
            closed.hurries = turn.hurries;
            let is_long = closed.backoff.is_long();
            (state.told.once(trouble, reason), is_long && state.told.degrade(self.context.target.error_type(trouble)))
        };
        drop(turn);
        if news {
            self.context.failed(trouble, reason);
        }
        if is_long {
            self.context.reports.degraded(self.context.target.error_type(trouble));
        }
    }

    /// How often the sink has given a clear answer.
    pub(super) fn answers(&self) -> u64 {
        self.state().answers
    }

    /// The outcome of the last request, if it was not accepted.
    pub(super) fn last_refusal(&self) -> Option<String> {
        self.state().last.clone()
    }

    fn open(&self) -> Option<SendPermit<'_>> {
        let state = self.state();
        state.closed.is_none().then(|| SendPermit {
            epoch: state.epoch,
            hurries: self.context.hurry.count(),
            _probe: None,
        })
    }

    /// Ends when the probe may be sent. The sink's delay may grow in the meantime.
    async fn pause(&self) {
        loop {
            let Some((until, wished, hurries)) =
                self.state().closed.as_ref().map(|closed| (closed.until, closed.wished, closed.hurries))
            else {
                return;
            };
            tokio::select! {
                () = sleep_until(until) => {}
                () = self.context.hurry.beyond(hurries) => {}
            }
            if wished <= Instant::now() {
                return;
            }
            sleep_until(wished).await;
        }
    }

    /// No code under the lock can panic, so a poisoned lock still holds a whole state.
    fn state(&self) -> MutexGuard<'_, GateState> {
        self.state.lock()
    }
}

impl ClosedGate {
    fn because_of(why: Trouble) -> Self {
        let backoff = match why {
            Trouble::Away => Backoff::away(),
            Trouble::Unauthorized => Backoff::unauthorized(),
            Trouble::Unreadable => Backoff::unreadable(),
        };
        let now = Instant::now();
        Self { why, backoff, until: now, wished: now, hurries: 0 }
    }
}

impl Episode {
    /// Returns whether it is new. Only the text before the first colon counts; the rest is details.
    fn once(&mut self, trouble: Trouble, reason: &str) -> bool {
        let what = reason.split_once(": ").map_or(reason, |(what, _)| what);
        self.troubles.len() < MOST_TROUBLES && self.troubles.insert((trouble, what.to_owned()))
    }

    fn degrade(&mut self, error_type: &'static str) -> bool {
        self.degraded.replace(error_type) != Some(error_type)
    }
}

impl GateContext {
    fn failed(&self, trouble: Trouble, reason: &str) {
        self.notices.warn(self.target.trouble(trouble, reason));
    }

    fn recovered(&self, ended: Episode) {
        if ended.degraded.is_some() {
            self.reports.recovered();
        }
        if !ended.troubles.is_empty() {
            self.notices.recovered(format!("{} takes audit records again", self.target));
        }
    }
}

/// How many different troubles of one episode are reported.
const MOST_TROUBLES: usize = 16;
