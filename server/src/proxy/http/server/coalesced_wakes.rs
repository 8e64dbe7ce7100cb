//! Coalesces wakes: a future that is woken while it runs is polled again in place.
//!
//! The connection of a client and the one to the server run in one task, so each wakes the task that is running. The
//! scheduler would hand such a wake to another thread, which costs a call 30 µs.
//!
//! Invariants:
//! 1. No wake is lost: a wake while the future runs is followed by another poll, here or by the scheduler.
//! 2. The future is polled at most [`MOST`] times in a row, so one that always wakes itself does not starve other tasks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

use auditrail::internals::locks::{Mutex, MutexGuard};
use pin_project_lite::pin_project;

pin_project! {
    /// Wraps a future.
    pub(crate) struct CoalescedWakes<F> {
        #[pin]
        future: F,
        wakes: Arc<WakeState>,
        waker: Waker,
    }
}

/// The waker of the future.
#[derive(Debug, Default)]
struct WakeState(Mutex<CoalescedState>);

#[derive(Debug, Default)]
struct CoalescedState {
    is_running: bool,
    /// The future was woken while it ran.
    was_woken: bool,
    task: Option<Waker>,
}

impl<F> CoalescedWakes<F> {
    pub(crate) fn new(future: F) -> Self {
        let wakes = Arc::<WakeState>::default();
        Self { future, waker: wakes.clone().into(), wakes }
    }
}

impl<F: Future> Future for CoalescedWakes<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.wakes.belongs_to(context.waker());
        for _ in 0..MOST {
            this.wakes.begin();
            if let Poll::Ready(output) = this.future.as_mut().poll(&mut Context::from_waker(this.waker)) {
                return Poll::Ready(output);
            }
            if !this.wakes.end() {
                return Poll::Pending;
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

impl WakeState {
    fn belongs_to(&self, task: &Waker) {
        let mut state = self.state();
        if !state.task.as_ref().is_some_and(|known| known.will_wake(task)) {
            state.task = Some(task.clone());
        }
    }

    fn begin(&self) {
        let mut state = self.state();
        (state.is_running, state.was_woken) = (true, false);
    }

    /// Whether the future was woken since `begin`.
    fn end(&self) -> bool {
        let mut state = self.state();
        state.is_running = false;
        state.was_woken
    }

    fn state(&self) -> MutexGuard<'_, CoalescedState> {
        self.0.lock()
    }
}

impl Wake for WakeState {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let task = {
            let mut state = self.state();
            if state.is_running {
                state.was_woken = true;
                return;
            }
            state.task.clone()
        };
        task.inspect(Waker::wake_by_ref);
    }
}

/// The second poll finds what the first left to do; more are seldom needed.
const MOST: usize = 2;

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Default)]
    struct Woken(AtomicUsize);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Polls once a future that wakes itself that often; how often it was polled, and how often its task was woken.
    fn polled(wakes: usize) -> (usize, usize) {
        let (woken, mut polls) = (Arc::<Woken>::default(), 0);
        let mut future = Box::pin(CoalescedWakes::new(poll_fn(|context| {
            polls += 1;
            if polls <= wakes {
                context.waker().wake_by_ref();
            }
            Poll::<()>::Pending
        })));
        assert!(future.as_mut().poll(&mut Context::from_waker(&woken.clone().into())).is_pending());
        drop(future);
        (polls, woken.0.load(Ordering::Relaxed))
    }

    #[test]
    fn invariants_1_and_2_it_is_polled_again_here_and_then_by_others() {
        assert_eq!(polled(0), (1, 0));
        assert_eq!(polled(1), (2, 0));
        assert_eq!(polled(9), (MOST, 1));
    }

    #[test]
    fn invariant_1_a_wake_while_it_does_not_run_wakes_its_task() {
        let (woken, kept) = (Arc::<Woken>::default(), std::sync::Mutex::new(None));
        let mut future = Box::pin(CoalescedWakes::new(poll_fn(|context| {
            *kept.lock().unwrap() = Some(context.waker().clone());
            Poll::<()>::Pending
        })));
        let another = Arc::<Woken>::default();
        for task in [&woken, &another] {
            assert!(future.as_mut().poll(&mut Context::from_waker(&task.clone().into())).is_pending());
        }
        kept.lock().unwrap().take().unwrap().wake();
        let count = |woken: &Woken| woken.0.load(Ordering::Relaxed);
        assert_eq!((count(&woken), count(&another)), (0, 1), "the one that polled it last");
    }
}
