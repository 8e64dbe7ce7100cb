//! A future that is polled again at once if it was woken while it ran.
//!
//! A connection of a client and the one to the server run in one task, so each of them wakes the task that runs. The
//! scheduler would take that for work which another thread can have, and wake one: that costs a call 30 µs.
//!
//! Invariants:
//! 1. No wake is lost: one that comes while the future runs is followed by another poll, here or by the scheduler.
//! 2. It polls no more than [`MOST`] times in a row; a future that wakes itself for ever leaves others their turn.

use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

pin_project! {
    /// The future around another.
    pub(crate) struct CoalescedWakes<F> {
        #[pin]
        future: F,
        bell: Arc<WakeState>,
        waker: Waker,
    }
}

/// What the future is woken by.
#[derive(Debug, Default)]
struct WakeState(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    is_running: bool,
    /// It was woken while it ran.
    is_rung: bool,
    task: Option<Waker>,
}

impl<F> CoalescedWakes<F> {
    pub(crate) fn new(future: F) -> Self {
        let bell = Arc::<WakeState>::default();
        Self { future, waker: bell.clone().into(), bell }
    }
}

impl<F: Future> Future for CoalescedWakes<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        this.bell.belongs_to(context.waker());
        for _ in 0..MOST {
            this.bell.begin();
            if let Poll::Ready(output) = this.future.as_mut().poll(&mut Context::from_waker(this.waker)) {
                return Poll::Ready(output);
            }
            if !this.bell.end() {
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
        (state.is_running, state.is_rung) = (true, false);
    }

    /// Whether it was woken since.
    fn end(&self) -> bool {
        let mut state = self.state();
        state.is_running = false;
        state.is_rung
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
                state.is_rung = true;
                return;
            }
            state.task.clone()
        };
        task.inspect(Waker::wake_by_ref);
    }
}

/// The second poll finds what the first has left to do; more are seldom needed.
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
        let (woken, kept) = (Arc::<Woken>::default(), Mutex::new(None));
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
