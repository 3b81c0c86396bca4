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
 * Does work on a thread of its own that is interrupted and left behind where it takes too long. After the third such work
 * no more is begun: the threads left behind still run. For one caller at a time.
 */
final class TimeLimit {
    private static final int STRIKES = 3;

    /** On a busy machine a thread may have to wait for its turn, but not for ever. */
    private static final int PATIENCE = 10;

    /** Deep enough for whatever fits into the length of an expression. */
    private static final long STACK_BYTES = 64L << 20;

    private final long millis;
    private final ThreadMXBean clocks = ManagementFactory.getThreadMXBean();
    private ExecutorService worker;
    private Thread thread;
    private int strikes;

    /** A limit in milliseconds of work. */
    TimeLimit(long millis) {
        this.millis = millis;
    }

    /** The result of the work. */
    <T> T run(Callable<T> work) throws Exception {
        if (strikes >= STRIKES) {
            throw new Refusal("three expressions took too long; no more are evaluated", true);
        }
        if (worker == null) {
            worker = Executors.newSingleThreadExecutor(task -> {
                thread = new Thread(null, task, "expression", STACK_BYTES);
                thread.setDaemon(true);
                return thread;
            });
        }
        Future<T> result = worker.submit(work);
        long start = worked();
        for (int waits = 1;; waits++) {
            try {
                return result.get(millis, TimeUnit.MILLISECONDS);
            } catch (TimeoutException late) {
                if (waits == PATIENCE || worked() - start >= TimeUnit.MILLISECONDS.toNanos(millis)) {
                    worker.shutdownNow();
                    worker = null;
                    strikes++;
                    throw new Refusal("it took more than " + millis + " ms", strikes >= STRIKES);
                }
            } catch (ExecutionException failure) {
                throw failed(failure.getCause());
            }
        }
    }

    /** What the thread has used of the processor, or how much time has passed where that is not known. */
    private long worked() {
        long used = clocks.isThreadCpuTimeSupported() ? clocks.getThreadCpuTime(thread.getId()) : -1;
        return used >= 0 ? used : System.nanoTime();
    }

    private static Exception failed(Throwable cause) throws Exception {
        if (cause instanceof StackOverflowError) {
            return CheckedExpression.tooDeep();
        }
        if (cause instanceof OutOfMemoryError) {
            return new Refusal("it needs too much memory");
        }
        if (cause instanceof Exception) {
            return (Exception) cause;
        }
        return new Refusal("it cannot be evaluated (" + cause.getClass().getSimpleName() + ")");
    }
}
