package org.pfscim.host;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Reads requests and has them done: user and group calls side by side on the channel's threads, everything else alone
 * and in the order given.
 *
 * <p>Three kinds of threads: the caller of {@link #run} reads, so that a call can be given up at any time; the dispatcher
 * decides what may start; the channel's threads run the plugin's code, all of it.
 */
final class Host {
    /** How long calls under way are waited for when the input has ended: longer than any call's own deadline. */
    private static final long LAST_WAIT_SECONDS = 60;

    /** Shuffled orders are the same in each run, so that a failure can be repeated. */
    private static final long SHUFFLE_SEED = 1;

    private static final Call END = new Call(0, "end", new Args());

    private final Calls calls;
    private final Output output;
    private final PrintStream err;
    private final boolean shuffles;
    private final ThreadPoolExecutor threads;
    private final BlockingQueue<Call> requests = new LinkedBlockingQueue<>();
    private final Map<Long, Call> unanswered = new ConcurrentHashMap<>();
    private final InFlight inFlight = new InFlight();

    Host(Calls calls, Output output, PrintStream err, int threadCount, boolean shuffles, ClassLoader loader) {
        this.calls = calls;
        this.output = output;
        this.err = err;
        this.shuffles = shuffles;
        AtomicInteger number = new AtomicInteger();
        threads = new ThreadPoolExecutor(threadCount, threadCount, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
            task -> daemon(task, "channel-" + number.incrementAndGet(), loader));
    }

    /** Serves the input to its end, then ends the session. */
    void run(BufferedReader input, ClassLoader loader) throws IOException, CannotStart, InterruptedException {
        Thread dispatcher = daemon(this::dispatch, "dispatcher", loader);
        dispatcher.start();
        try {
            read(input);
        } finally {
            requests.add(END);
            // The dispatcher waits for the calls under way, and then for the end of the session.
            dispatcher.join(TimeUnit.SECONDS.toMillis(2 * LAST_WAIT_SECONDS));
            threads.shutdown();
        }
    }

    private void read(BufferedReader input) throws IOException, CannotStart {
        List<Call> batch = new ArrayList<>();
        Random random = new Random(SHUFFLE_SEED);
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Call call = parse(line);
            if (call.name().equals("abandon")) {
                abandon(call);
                continue;
            }
            boolean operation = calls.isOperation(call.name());
            if (calls.work(call.name()) == null) {
                throw new CannotStart("there is no call " + Text.oneLine(call.name()));
            }
            if (unanswered.putIfAbsent(call.seq(), call) != null) {
                throw new CannotStart("the request " + call.seq() + " is not answered yet and comes again");
            }
            if (shuffles && operation) {
                batch.add(call);
            } else {
                flush(batch, random);
                requests.add(call);
            }
            if (!input.ready()) {
                flush(batch, random);
            }
        }
        flush(batch, random);
    }

    private void flush(List<Call> batch, Random random) {
        Collections.shuffle(batch, random);
        requests.addAll(batch);
        batch.clear();
    }

    private static Call parse(String line) throws CannotStart {
        String[] words = line.split(" ", 3);
        try {
            long seq = Long.parseLong(words[0]);
            if (words.length >= 2 && seq > 0) {
                return new Call(seq, words[1], Args.decode(words.length == 3 ? words[2] : ""));
            }
        } catch (IllegalArgumentException notARequest) {
            // Said below; what the line holds is not repeated, as it may be a secret.
        }
        throw new CannotStart("a line of the input is no request: it must be a positive number, a call and its arguments");
    }

    private void abandon(Call request) throws CannotStart {
        Call call;
        try {
            call = unanswered.get(Long.parseLong(String.valueOf(request.args().get("seq"))));
        } catch (NumberFormatException notANumber) {
            throw new CannotStart("abandon needs seq, the number of a request");
        }
        if (call != null) {
            Call.State before = call.abandon(output);
            if (before == Call.State.RUNNING) {
                // Its thread stays with the plugin, so the channel gets another in its place.
                resize(1);
            }
            if (before != Call.State.ANSWERED) {
                answered(call);
            }
        }
        output.ok(request.seq(), new Args());
    }

    private void dispatch() {
        try {
            for (Call call = requests.take(); call != END; call = requests.take()) {
                boolean alone = !calls.isOperation(call.name());
                if (alone) {
                    inFlight.awaitNone(Long.MAX_VALUE);
                }
                submit(call);
                if (alone) {
                    inFlight.awaitNone(Long.MAX_VALUE);
                }
            }
            long wait = TimeUnit.SECONDS.toNanos(LAST_WAIT_SECONDS);
            inFlight.awaitNone(wait);
            inFlight.add();
            threads.execute(this::end);
            inFlight.awaitNone(wait);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void submit(Call call) {
        inFlight.add();
        threads.execute(() -> {
            Call.End end = call.run(calls.work(call.name()), output);
            if (end == Call.End.ANSWERED) {
                answered(call);
            } else if (end == Call.End.GIVEN_UP) {
                resize(-1);
            }
        });
    }

    private void end() {
        try {
            calls.end();
        } catch (Throwable failure) {
            err.println("pfscim-host: the session did not end well: " + Text.oneLine(failure.toString()));
        } finally {
            inFlight.remove();
        }
    }

    private void answered(Call call) {
        unanswered.remove(call.seq());
        inFlight.remove();
    }

    private synchronized void resize(int by) {
        int size = threads.getCorePoolSize() + by;
        // The core may at no time exceed the maximum.
        threads.setCorePoolSize(Math.min(size, threads.getMaximumPoolSize()));
        threads.setMaximumPoolSize(size);
        threads.setCorePoolSize(size);
    }

    private static Thread daemon(Runnable task, String name, ClassLoader loader) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.setContextClassLoader(loader);
        return thread;
    }

    /** The number of calls that have been started and not answered. */
    private static final class InFlight {
        private int count;

        synchronized void add() {
            count++;
        }

        synchronized void remove() {
            count--;
            notifyAll();
        }

        synchronized void awaitNone(long nanos) throws InterruptedException {
            long start = System.nanoTime();
            while (count > 0 && System.nanoTime() - start < nanos) {
                TimeUnit.NANOSECONDS.timedWait(this, Math.max(1, Math.min(nanos, TimeUnit.SECONDS.toNanos(1))));
            }
        }
    }
}
