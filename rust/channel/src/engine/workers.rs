//! Starts the threads of a cycle.
//! Does not know: what they do.

/// Starts threads. A host with an order of its own for threads implements it.
pub trait Workers: Sync {
    /// Runs `work` on this number of threads, and returns when all of them have ended. A panic of a thread reaches the
    /// caller after that.
    fn run(&self, threads: usize, work: &(dyn Fn() + Sync));
}

/// The threads of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemThreads;

impl Workers for SystemThreads {
    #[expect(clippy::disallowed_methods, reason = "the one place that starts the threads of a cycle")]
    fn run(&self, threads: usize, work: &(dyn Fn() + Sync)) {
        std::thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(work);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn the_panic_of_a_thread_reaches_the_caller_after_all_threads_have_ended() {
        let (started, ended) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = || {
            assert_ne!(started.fetch_add(1, Ordering::SeqCst), 0, "the first thread panics");
            ended.fetch_add(1, Ordering::SeqCst);
        };
        assert!(catch_unwind(AssertUnwindSafe(|| SystemThreads.run(3, &work))).is_err());
        assert_eq!(ended.load(Ordering::SeqCst), 2);
    }
}
