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
 * Reads requests and runs their handlers. User and group calls run in parallel on the threads of the channel. Each other call
 * runs alone, in the order of the input.
 *
 * <p>The caller of {@link #run} reads the input, so that a request can be abandoned at any time. The dispatcher decides which
 * request starts. All code of the plugin runs on the threads of the channel.
 */
final class Host {
    /** Wait for running calls after the end of the input: longer than the deadline of a call. */
    private static final long END_TIMEOUT_SECONDS = 60;

    /** The shuffled order is the same in each run, so that a failure can be repeated. */
    private static final long SHUFFLE_SEED = 1;

    private static final Request END_OF_INPUT = new Request(0, "end", new Args());

    private final Service service;
    private final Output output;
    private final PrintStream err;
    private final boolean shuffles;
    private final ThreadPoolExecutor threads;
    private final BlockingQueue<Request> requests = new LinkedBlockingQueue<>();
    private final Map<Long, Request> pending = new ConcurrentHashMap<>();
    private final Counter running = new Counter();

    Host(Service service, Output output, PrintStream err, int threadCount, boolean shuffles, ClassLoader loader) {
        this.service = service;
        this.output = output;
        this.err = err;
        this.shuffles = shuffles;
        AtomicInteger number = new AtomicInteger();
        threads = new ThreadPoolExecutor(threadCount, threadCount, 0, TimeUnit.SECONDS, new LinkedBlockingQueue<>(),
            task -> daemon(task, "channel-" + number.incrementAndGet(), loader));
    }

    /** Handles all requests of the input, then closes the session. */
    void run(BufferedReader input, ClassLoader loader) throws IOException, HostException, InterruptedException {
        Thread dispatcher = daemon(this::dispatch, "dispatcher", loader);
        dispatcher.start();
        try {
            read(input);
        } finally {
            requests.add(END_OF_INPUT);
            // The dispatcher waits for the running calls, then for the end of the session.
            dispatcher.join(TimeUnit.SECONDS.toMillis(2 * END_TIMEOUT_SECONDS));
            threads.shutdown();
        }
    }

    private void read(BufferedReader input) throws IOException, HostException {
        List<Request> batch = new ArrayList<>();
        Random random = new Random(SHUFFLE_SEED);
        for (String line = input.readLine(); line != null; line = input.readLine()) {
            Request request = parse(line);
            if (request.call().equals("abandon")) {
                abandon(request);
                continue;
            }
            boolean isOperation = service.isOperation(request.call());
            if (service.handler(request.call()) == null) {
                throw new HostException("unknown call " + Text.oneLine(request.call()));
            }
            if (pending.putIfAbsent(request.seq(), request) != null) {
                throw new HostException("the number " + request.seq() + " is in use by a request without response");
            }
            if (shuffles && isOperation) {
                batch.add(request);
            } else {
                flush(batch, random);
                requests.add(request);
            }
            if (!input.ready()) {
                flush(batch, random);
            }
        }
        flush(batch, random);
    }

    private void flush(List<Request> batch, Random random) {
        Collections.shuffle(batch, random);
        requests.addAll(batch);
        batch.clear();
    }

    private static Request parse(String line) throws HostException {
        String[] parts = line.split(" ", 3);
        try {
            long seq = Long.parseLong(parts[0]);
            if (parts.length >= 2 && seq > 0) {
                return new Request(seq, parts[1], Args.decode(parts.length == 3 ? parts[2] : ""));
            }
        } catch (IllegalArgumentException notARequest) {
            // Reported below, without the content of the line, which may be a secret.
        }
        throw new HostException("an input line is not a request: it must contain a positive number, a call and its arguments");
    }

    private void abandon(Request request) throws HostException {
        Request abandoned;
        try {
            abandoned = pending.get(Long.parseLong(String.valueOf(request.args().get("seq"))));
        } catch (NumberFormatException notANumber) {
            throw new HostException("abandon: seq must be the number of a request");
        }
        if (abandoned != null) {
            Request.State before = abandoned.abandon(output);
            if (before == Request.State.RUNNING) {
                // The plugin still uses its thread, so the channel gets one more.
                resize(1);
            }
            if (before != Request.State.RESPONDED) {
                complete(abandoned);
            }
        }
        output.ok(request.seq(), new Args());
    }

    private void dispatch() {
        try {
            for (Request request = requests.take(); request != END_OF_INPUT; request = requests.take()) {
                boolean isExclusive = !service.isOperation(request.call());
                if (isExclusive) {
                    running.awaitZero(Long.MAX_VALUE);
                }
                submit(request);
                if (isExclusive) {
                    running.awaitZero(Long.MAX_VALUE);
                }
            }
            long timeout = TimeUnit.SECONDS.toNanos(END_TIMEOUT_SECONDS);
            running.awaitZero(timeout);
            running.increment();
            threads.execute(this::closeSession);
            running.awaitZero(timeout);
        } catch (InterruptedException stopped) {
            Thread.currentThread().interrupt();
        }
    }

    private void submit(Request request) {
        running.increment();
        threads.execute(() -> {
            Request.Completion completion = request.run(service.handler(request.call()), output);
            if (completion == Request.Completion.RESPONDED) {
                complete(request);
            } else if (completion == Request.Completion.ABANDONED) {
                resize(-1);
            }
        });
    }

    private void closeSession() {
        try {
            service.closeSession();
        } catch (Throwable failure) {
            err.println("pfscim-host: the session cannot be closed: " + Text.oneLine(failure.toString()));
        } finally {
            running.decrement();
        }
    }

    private void complete(Request request) {
        pending.remove(request.seq());
        running.decrement();
    }

    private synchronized void resize(int by) {
        int size = threads.getCorePoolSize() + by;
        // The core size must never exceed the maximum size.
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

    /** Counts the started requests without response. */
    private static final class Counter {
        private int count;

        synchronized void increment() {
            count++;
        }

        synchronized void decrement() {
            count--;
            notifyAll();
        }

        synchronized void awaitZero(long nanos) throws InterruptedException {
            long start = System.nanoTime();
            while (count > 0 && System.nanoTime() - start < nanos) {
                TimeUnit.NANOSECONDS.timedWait(this, Math.max(1, Math.min(nanos, TimeUnit.SECONDS.toNanos(1))));
            }
        }
    }
}
