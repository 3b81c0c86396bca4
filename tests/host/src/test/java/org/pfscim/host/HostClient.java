package org.pfscim.host;

import static org.junit.Assert.assertTrue;
import static org.junit.Assert.fail;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PipedInputStream;
import java.io.PipedOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;

/** Runs a host in this JVM. Sends requests, waits for responses and collects the log. */
final class HostClient implements AutoCloseable {
    private static final long TIMEOUT_MILLIS = 30_000;

    private final PipedOutputStream requests = new PipedOutputStream();
    private final List<String> lines = new ArrayList<>();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
    private final Thread host;
    private long lastSeq;
    private volatile int status = -1;

    /** Starts a host. The options are arguments after {@code --id Fake}, or modes ({@code removal=update}). */
    HostClient(ClassLoader loader, String... options) throws IOException {
        this(loader, new ArrayList<>(Arrays.asList("--id", "Fake")), options);
    }

    private HostClient(ClassLoader loader, List<String> args, String... options) throws IOException {
        Properties modes = new Properties();
        for (String option : options) {
            int equals = option.indexOf('=');
            if (equals > 0) {
                modes.setProperty("org.pfscim.host." + option.substring(0, equals), option.substring(equals + 1));
            } else {
                args.add(option);
            }
        }
        PipedInputStream in = new PipedInputStream(requests, 1 << 16);
        PrintStream out = new PrintStream(new Lines(), false, "US-ASCII");
        PrintStream err = new PrintStream(errors, true, "UTF-8");
        host = new Thread(() -> {
            try {
                status = new Main(modes, loader).run(args.toArray(new String[0]), in, out, err);
            } catch (IOException | InterruptedException failure) {
                failure.printStackTrace(err);
            }
        });
        host.start();
    }

    /** Starts a host that evaluates expressions. */
    static HostClient expressions() throws IOException {
        return new HostClient(HostClient.class.getClassLoader(), new ArrayList<>(), "--expressions");
    }

    /** Sends a request and returns its number. */
    long send(String call, Args args) throws IOException {
        lastSeq++;
        sendLine(lastSeq + " " + call + " " + args.encode());
        return lastSeq;
    }

    /** Sends an unchanged line. */
    void sendLine(String line) throws IOException {
        requests.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        requests.flush();
    }

    /** Sends a request and waits for its response. */
    Response call(String call, Args args) throws Exception {
        return response(send(call, args));
    }

    /** Sends a request with the name of a user and waits for its response. */
    Response call(String call, String name) throws Exception {
        return call(call, new Args().add(call.equals("getUser") ? "username" : "a.userName", name));
    }

    /** Opens the session. */
    Response init() throws Exception {
        return call("init", new Args().add("p.URL", "http://localhost"));
    }

    /** Waits for the response to a request. */
    Response response(long seq) throws InterruptedException {
        long end = System.currentTimeMillis() + TIMEOUT_MILLIS;
        synchronized (lines) {
            while (true) {
                for (String line : lines) {
                    if (line.startsWith(seq + " ")) {
                        return new Response(line);
                    }
                }
                long left = end - System.currentTimeMillis();
                if (left <= 0) {
                    fail("no response to " + seq + ", but " + lines + " and " + errors());
                }
                lines.wait(left);
            }
        }
    }

    /** Returns all log lines so far. */
    List<Args> log() {
        List<Args> log = new ArrayList<>();
        for (String line : lines()) {
            if (line.startsWith("- log ")) {
                log.add(Args.decode(line.substring("- log ".length())));
            }
        }
        return log;
    }

    /** Returns all lines so far. */
    List<String> lines() {
        synchronized (lines) {
            return new ArrayList<>(lines);
        }
    }

    /** Closes the input, waits for the end of the host and returns its exit status. */
    int end() throws IOException {
        requests.close();
        try {
            host.join(TIMEOUT_MILLIS);
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
        assertTrue("the host did not end", !host.isAlive());
        return status;
    }

    String errors() {
        return new String(errors.toByteArray(), StandardCharsets.UTF_8);
    }

    @Override
    public void close() throws IOException {
        end();
    }

    /** The response to a request. */
    static final class Response {
        final boolean ok;
        final Args args;

        Response(String line) {
            String[] parts = line.split(" ", 3);
            ok = parts[1].equals("ok");
            args = Args.decode(parts.length == 3 ? parts[2] : "");
        }

        String get(String name) {
            return args.get(name);
        }
    }

    private final class Lines extends OutputStream {
        private final ByteArrayOutputStream line = new ByteArrayOutputStream();

        @Override
        public void write(int b) {
            synchronized (lines) {
                if (b == '\n') {
                    lines.add(new String(line.toByteArray(), StandardCharsets.US_ASCII));
                    line.reset();
                    lines.notifyAll();
                } else {
                    line.write(b);
                }
            }
        }
    }
}
