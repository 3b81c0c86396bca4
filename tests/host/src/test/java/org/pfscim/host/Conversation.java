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

/** The other end of a host that runs in this JVM: sends requests, waits for answers, collects the log. */
final class Conversation implements AutoCloseable {
    private static final long PATIENCE_MILLIS = 30_000;

    private final PipedOutputStream requests = new PipedOutputStream();
    private final List<String> lines = new ArrayList<>();
    private final ByteArrayOutputStream errors = new ByteArrayOutputStream();
    private final Thread host;
    private long last;
    private volatile int status = -1;

    /** Starts a host; the words are its arguments after {@code --id Fake}, modes ({@code removal=update}) among them. */
    Conversation(ClassLoader loader, String... words) throws IOException {
        this(loader, new ArrayList<>(Arrays.asList("--id", "Fake")), words);
    }

    private Conversation(ClassLoader loader, List<String> args, String... words) throws IOException {
        Properties modes = new Properties();
        for (String word : words) {
            int equals = word.indexOf('=');
            if (equals > 0) {
                modes.setProperty("org.pfscim.host." + word.substring(0, equals), word.substring(equals + 1));
            } else {
                args.add(word);
            }
        }
        PipedInputStream in = new PipedInputStream(requests, 1 << 16);
        PrintStream out = new PrintStream(new Lines(), false, "US-ASCII");
        PrintStream err = new PrintStream(errors, true, "UTF-8");
        host = new Thread(() -> {
            try {
                status = new Main(modes, loader).run(args.toArray(new String[0]), in, out, err);
            } catch (IOException | InterruptedException broken) {
                broken.printStackTrace(err);
            }
        });
        host.start();
    }

    /** Starts a host that evaluates expressions. */
    static Conversation expressions() throws IOException {
        return new Conversation(Conversation.class.getClassLoader(), new ArrayList<>(), "--expressions");
    }

    /** Sends a request and does not wait. */
    long send(String call, Args args) throws IOException {
        last++;
        line(last + " " + call + " " + args.encode());
        return last;
    }

    /** Sends a line as it is. */
    void line(String line) throws IOException {
        requests.write((line + "\n").getBytes(StandardCharsets.UTF_8));
        requests.flush();
    }

    /** Sends a request and waits for its answer. */
    Answer ask(String call, Args args) throws Exception {
        return answer(send(call, args));
    }

    /** Sends a request about a user by name and waits for its answer. */
    Answer ask(String call, String name) throws Exception {
        return ask(call, new Args().add(call.equals("getUser") ? "username" : "a.userName", name));
    }

    /** Opens the session. */
    Answer init() throws Exception {
        return ask("init", new Args().add("p.URL", "http://localhost"));
    }

    /** The answer to that request, once it is there. */
    Answer answer(long seq) throws InterruptedException {
        long end = System.currentTimeMillis() + PATIENCE_MILLIS;
        synchronized (lines) {
            while (true) {
                for (String line : lines) {
                    if (line.startsWith(seq + " ")) {
                        return new Answer(line);
                    }
                }
                long left = end - System.currentTimeMillis();
                if (left <= 0) {
                    fail("no answer to " + seq + ", but " + lines + " and " + errors());
                }
                lines.wait(left);
            }
        }
    }

    /** Every log line so far. */
    List<Args> log() {
        List<Args> log = new ArrayList<>();
        for (String line : lines()) {
            if (line.startsWith("- log ")) {
                log.add(Args.decode(line.substring("- log ".length())));
            }
        }
        return log;
    }

    /** Every line so far. */
    List<String> lines() {
        synchronized (lines) {
            return new ArrayList<>(lines);
        }
    }

    /** Ends the input and waits for the host to end. */
    int end() throws IOException {
        requests.close();
        try {
            host.join(PATIENCE_MILLIS);
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

    /** One answer. */
    static final class Answer {
        final boolean ok;
        final Args args;

        Answer(String line) {
            String[] words = line.split(" ", 3);
            ok = words[1].equals("ok");
            args = Args.decode(words.length == 3 ? words[2] : "");
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
