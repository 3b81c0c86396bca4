package org.pfscim.host;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/**
 * Runs tasks on a separate thread, with a limit of processor time. A task that exceeds it is interrupted, and its thread is
 * abandoned. After three of them no task starts, because the abandoned threads may still run. For one caller at a time.
 */
final class TimeLimit {
    private static final int TIMEOUTS_MAX = 3;

    /** Waits of one limit each. A thread on a busy machine gets less processor time, but must not wait for ever. */
    private static final int WAITS_MAX = 10;

    /** Deep enough for the longest expression. */
    private static final long STACK_BYTES = 64L << 20;

    private final long millis;
    private final ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    private ExecutorService worker;
    private Thread thread;
    private int timeouts;

    /** Creates a limit in milliseconds of processor time. */
    TimeLimit(long millis) {
        this.millis = millis;
    }

    /** Runs a task and returns its result. */
    <T> T run(Callable<T> task) throws Exception {
        if (timeouts >= TIMEOUTS_MAX) {
            throw new ExpressionException("three expressions exceeded the time limit, so no more expressions are evaluated; "
                + "simplify the expressions", true);
        }
        if (worker == null) {
            worker = Executors.newSingleThreadExecutor(runnable -> {
                thread = new Thread(null, runnable, "expression", STACK_BYTES);
                thread.setDaemon(true);
                return thread;
            });
        }
        Future<T> result = worker.submit(task);
        long start = usedNanos();
        for (int waits = 1;; waits++) {
            try {
                return result.get(millis, TimeUnit.MILLISECONDS);
            } catch (TimeoutException late) {
                if (waits == WAITS_MAX || usedNanos() - start >= TimeUnit.MILLISECONDS.toNanos(millis)) {
                    worker.shutdownNow();
                    worker = null;
                    timeouts++;
                    throw new ExpressionException("evaluation took more than " + millis + " ms", timeouts >= TIMEOUTS_MAX);
                }
            } catch (ExecutionException failure) {
                throw toException(failure.getCause());
            }
        }
    }

    /** Returns the processor time of the thread, or {@link System#nanoTime} if that is unknown. */
    private long usedNanos() {
        long used = threads.isThreadCpuTimeSupported() ? threads.getThreadCpuTime(thread.getId()) : -1;
        return used >= 0 ? used : System.nanoTime();
    }

    private static Exception toException(Throwable cause) throws Exception {
        if (cause instanceof StackOverflowError) {
            return CheckedExpression.tooDeep();
        }
        if (cause instanceof OutOfMemoryError) {
            return new ExpressionException("not enough memory for the evaluation");
        }
        if (cause instanceof Exception) {
            return (Exception) cause;
        }
        return new ExpressionException("evaluation failed with an internal error");
    }
}
