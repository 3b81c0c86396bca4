//! Lets one thread of a run go on at a time, in an order that the seed chooses, and moves the virtual time.
//! Does not know: pfscim, the target.
//!
//! A thread gives the baton away when it sleeps, and each request and each printed line is a sleep. The next thread is
//! one whose sleep is over. If there is none, the time jumps to the end of the shortest sleep.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::Scope;
use std::time::Duration;

use fastrand::Rng;

/// A run that takes more steps than this does not end.
const STEPS_MAX: u64 = 200_000;

/// Why a thread of a run was ended, as the payload of its unwinding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The process of the host was killed.
    Killed,
    /// The run took too many steps.
    TooLong,
}

/// The baton of one run.
pub struct Baton {
    turns: Mutex<Turns>,
}

struct Turns {
    now: Duration,
    rng: Rng,
    threads: Vec<Thread>,
    /// The thread that has the baton.
    running: usize,
    steps: u64,
    ended: Option<Ended>,
}

struct Thread {
    state: State,
    awake: Arc<Condvar>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// Sleeps until this time.
    Asleep(Duration),
    /// Waits until the threads of these slots have ended.
    Joining(Vec<usize>),
    /// The slot is free.
    Free,
}

thread_local! {
    /// The slot of this thread.
    static SLOT: Cell<usize> = const { Cell::new(0) };
}

impl Baton {
    /// Returns the baton of a new run. The calling thread has it.
    pub fn new(seed: u64) -> Self {
        SLOT.set(0);
        let own = Thread { state: State::Asleep(Duration::ZERO), awake: Arc::default() };
        let rng = Rng::with_seed(seed);
        Self {
            turns: Mutex::new(Turns {
                now: Duration::ZERO,
                rng,
                threads: vec![own],
                running: 0,
                steps: 0,
                ended: None,
            }),
        }
    }

    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns the virtual time.
    pub fn now(&self) -> Duration {
        self.turns().now
    }

    /// Returns the slot of the calling thread, for the trace.
    pub fn thread() -> usize {
        SLOT.get()
    }

    /// Returns a random number below `end`.
    pub fn below(&self, end: u64) -> u64 {
        self.turns().rng.u64(0..end.max(1))
    }

    /// Sleeps, and lets other threads go on.
    pub fn sleep(&self, time: Duration) {
        // The destructors of a thread that ends must not wait.
        if std::thread::panicking() {
            return;
        }
        let slot = SLOT.get();
        let mut turns = self.turns();
        turns.steps += 1;
        if turns.steps > STEPS_MAX {
            turns.ended = Some(Ended::TooLong);
        }
        let until = turns.now + time;
        turns.threads[slot].state = State::Asleep(until);
        self.give_away(turns, slot);
    }

    /// Ends all threads of the host at their next step, and this one now.
    pub fn kill(&self) -> ! {
        self.turns().ended = Some(Ended::Killed);
        resume_unwind(Box::new(Ended::Killed))
    }

    /// Starts a new process after [`Baton::kill`], when all threads have ended.
    pub fn restart(&self) {
        let mut turns = self.turns();
        if turns.ended == Some(Ended::Killed) {
            turns.ended = None;
        }
    }

    /// Runs `work` on this number of threads, and returns when all have ended. A panic of one reaches the caller.
    pub fn run(&self, threads: usize, work: &(dyn Fn() + Sync)) {
        if threads <= 1 {
            (0..threads).for_each(|_| work());
            return;
        }
        let failure: Mutex<Option<Box<dyn Any + Send>>> = Mutex::new(None);
        std::thread::scope(|scope| {
            let note = |payload| {
                failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(payload);
            };
            let slots = (0..threads).map(|_| self.start(scope, work, note)).collect();
            self.join(slots);
        });
        if let Some(payload) = failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            resume_unwind(payload);
        }
    }

    /// Starts a thread, and returns its slot. If it panics, `failed` gets the payload. Its caller must join the slot.
    pub fn start<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        work: impl FnOnce() + Send + 'scope,
        failed: impl FnOnce(Box<dyn Any + Send>) + Send + 'scope,
    ) -> usize {
        let slot = self.reserve();
        scope.spawn(move || {
            SLOT.set(slot);
            let run = || {
                self.wait(self.turns(), slot);
                work();
            };
            if let Err(payload) = catch_unwind(AssertUnwindSafe(run)) {
                failed(payload);
            }
            self.end(slot);
        });
        slot
    }

    /// Waits until these threads have ended, even if the run ends meanwhile.
    pub fn join(&self, slots: Vec<usize>) {
        let own = SLOT.get();
        let mut turns = self.turns();
        turns.threads[own].state = State::Joining(slots);
        turns.wake_joining();
        // The end of the run reaches this thread at its next step.
        let _ = catch_unwind(AssertUnwindSafe(|| self.give_away(turns, own)));
    }

    /// Takes a free slot for a thread that starts now.
    fn reserve(&self) -> usize {
        let mut turns = self.turns();
        let state = State::Asleep(turns.now);
        let thread = Thread { state, awake: Arc::default() };
        match turns.threads.iter().position(|t| t.state == State::Free) {
            Some(slot) => {
                turns.threads[slot] = thread;
                slot
            }
            None => {
                turns.threads.push(thread);
                turns.threads.len() - 1
            }
        }
    }

    /// Ends the thread of a slot.
    fn end(&self, slot: usize) {
        let mut turns = self.turns();
        turns.threads[slot].state = State::Free;
        turns.wake_joining();
        let next = turns.choose();
        turns.hand_to(next);
    }

    /// Hands the baton to the next thread, and waits until it comes back.
    fn give_away(&self, mut turns: MutexGuard<'_, Turns>, slot: usize) {
        let next = turns.choose();
        if next != slot {
            turns.hand_to(next);
        }
        self.wait(turns, slot);
    }

    /// Waits for the baton. Unwinds if the run has ended meanwhile.
    fn wait(&self, mut turns: MutexGuard<'_, Turns>, slot: usize) {
        let awake = Arc::clone(&turns.threads[slot].awake);
        while turns.running != slot {
            turns = awake.wait(turns).unwrap_or_else(PoisonError::into_inner);
        }
        if let Some(ended) = turns.ended {
            drop(turns);
            resume_unwind(Box::new(ended));
        }
    }
}

impl Turns {
    /// Wakes the threads whose joined threads have all ended.
    fn wake_joining(&mut self) {
        let free: Vec<bool> = self.threads.iter().map(|thread| thread.state == State::Free).collect();
        for thread in &mut self.threads {
            if let State::Joining(slots) = &mut thread.state {
                slots.retain(|slot| !free[*slot]);
                if slots.is_empty() {
                    thread.state = State::Asleep(self.now);
                }
            }
        }
    }

    /// Chooses the next thread. If all sleep, moves the time.
    fn choose(&mut self) -> usize {
        let asleep = |thread: &Thread| match thread.state {
            State::Asleep(until) => Some(until),
            _ => None,
        };
        let soonest = self.threads.iter().filter_map(asleep).min().unwrap_or(self.now);
        if self.ended.is_none() {
            self.now = self.now.max(soonest);
        }
        let (now, ended) = (self.now, self.ended.is_some());
        let due: Vec<usize> = self
            .threads
            .iter()
            .enumerate()
            .filter(|(_, thread)| asleep(thread).is_some_and(|until| ended || until <= now))
            .map(|(slot, _)| slot)
            .collect();
        match due.as_slice() {
            [] => self.running,
            [only] => *only,
            several => several[self.rng.usize(0..several.len())],
        }
    }

    fn hand_to(&mut self, slot: usize) {
        self.running = slot;
        self.threads[slot].awake.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// Three threads that step three times each; returns who stepped in which order.
    fn order(seed: u64) -> Vec<usize> {
        let (baton, order) = (Baton::new(seed), Mutex::new(Vec::new()));
        baton.run(3, &|| {
            for _ in 0..3 {
                order.lock().unwrap().push(Baton::thread());
                baton.sleep(Duration::ZERO);
            }
        });
        order.into_inner().unwrap()
    }

    #[test]
    fn the_seed_chooses_the_order_of_threads() {
        assert_eq!(order(1), order(1));
        assert!((2..20).any(|seed| order(seed) != order(1)));
        assert_eq!(order(1).len(), 9);
    }

    #[test]
    fn the_time_jumps_to_the_end_of_the_shortest_sleep() {
        let (baton, woken) = (Baton::new(1), Mutex::new(Vec::new()));
        let next = Mutex::new(vec![3, 1, 2]);
        baton.run(3, &|| {
            let seconds = next.lock().unwrap().pop().unwrap();
            baton.sleep(seconds * SECOND);
            woken.lock().unwrap().push((seconds, baton.now()));
        });
        assert_eq!(woken.into_inner().unwrap(), [(1, SECOND), (2, 2 * SECOND), (3, 3 * SECOND)]);
    }

    #[test]
    fn a_kill_ends_all_threads_at_their_next_step_and_another_process_can_begin() {
        let (baton, after) = (Baton::new(1), Mutex::new(0));
        let next = Mutex::new(0);
        let killed = catch_unwind(AssertUnwindSafe(|| {
            baton.run(3, &|| {
                let number = {
                    let mut next = next.lock().unwrap();
                    *next += 1;
                    *next
                };
                baton.sleep(SECOND * number);
                if number == 2 {
                    baton.kill();
                }
                *after.lock().unwrap() += 1;
            });
        }));
        assert_eq!(killed.unwrap_err().downcast_ref(), Some(&Ended::Killed));
        assert_eq!(*after.lock().unwrap(), 1, "only the first thread was done before");
        baton.restart();
        baton.sleep(SECOND);
        baton.run(2, &|| *after.lock().unwrap() += 1);
        assert_eq!(*after.lock().unwrap(), 3);
    }

    #[test]
    fn a_thread_that_was_started_goes_on_after_the_work_of_others_until_it_is_joined() {
        let (baton, done) = (Baton::new(1), Mutex::new(false));
        std::thread::scope(|scope| {
            let work = || {
                baton.sleep(10 * SECOND);
                *done.lock().unwrap() = true;
            };
            let slot = baton.start(scope, work, |_| {});
            baton.run(2, &|| baton.sleep(SECOND));
            assert!(!*done.lock().unwrap());
            baton.join(vec![slot]);
            assert_eq!((*done.lock().unwrap(), baton.now()), (true, 10 * SECOND));
        });
    }

    #[test]
    fn a_run_with_too_many_steps_ends() {
        let baton = Baton::new(1);
        let endless = catch_unwind(AssertUnwindSafe(|| {
            loop {
                baton.sleep(SECOND);
            }
        }));
        let payload: Box<dyn Any + Send> = endless.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&Ended::TooLong));
    }

    #[test]
    fn a_panic_reaches_the_caller() {
        let baton = Baton::new(1);
        let result = catch_unwind(AssertUnwindSafe(|| baton.run(2, &|| resume_unwind(Box::new("broken")))));
        assert_eq!(result.unwrap_err().downcast_ref(), Some(&"broken"));
    }
}
