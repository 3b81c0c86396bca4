package org.pfscim.host;

import com.pingidentity.provisioner.saas.SaasException;
import java.util.ArrayList;
import java.util.List;

/** Processes one request. It gets exactly one response: the result of its call, or the failure of an abandoned request. */
final class Request {
    private static final ThreadLocal<Request> CURRENT = new ThreadLocal<>();

    private static final String OUTCOME = "outcome=";

    /** The progress of a request. */
    enum State {
        WAITING, RUNNING, RESPONDED
    }

    /** The result of {@link #run}. */
    enum Completion {
        RESPONDED, ABANDONED, NOT_STARTED
    }

    private final long seq;
    private final String call;
    private final Args args;
    private final List<String> warnings = new ArrayList<>();
    private State state = State.WAITING;
    private String outcome;
    private String logViolation;

    Request(long seq, String call, Args args) {
        this.seq = seq;
        this.call = call;
        this.args = args;
    }

    /** Returns the request that this thread processes, or null. */
    static Request current() {
        return CURRENT.get();
    }

    long seq() {
        return seq;
    }

    String call() {
        return call;
    }

    Args args() {
        return args;
    }

    /** Records a line that the plugin logged on the thread of this request. */
    void recordLog(boolean info, boolean warn, String text) {
        if (!Text.isOneLine(text)) {
            logViolation = "a log message is not one line: " + Text.oneLine(text);
        } else if (info && text.startsWith(OUTCOME)) {
            if (outcome != null) {
                logViolation = "one operation logged two outcomes: " + outcome + " and " + text;
            }
            outcome = text;
        } else if (warn) {
            warnings.add(text);
        }
    }

    /** Calls the handler on this thread and responds. An abandoned request does not start, or gets no second response. */
    Completion run(Handler handler, Output output) {
        if (!changeState(State.WAITING, State.RUNNING)) {
            return Completion.NOT_STARTED;
        }
        CURRENT.set(this);
        try {
            Args result = handler.handle(this);
            if (logViolation != null) {
                throw new Violation(logViolation);
            }
            return respond(() -> output.ok(seq, withLog(result)));
        } catch (Throwable failure) {
            // Also catches errors: a throwable of a plugin or of its native library must not end the host.
            return respond(() -> output.failed(seq, withLog(failureArgs(failure))));
        } finally {
            CURRENT.remove();
        }
    }

    /**
     * Abandons the request and sends a failure, unless it has a response. The plugin gets no signal and continues.
     *
     * @return the state before
     */
    synchronized State abandon(Output output) {
        State before = state;
        if (before != State.RESPONDED) {
            state = State.RESPONDED;
            output.failed(seq, new Args().add("message", "abandoned").add("stop", false).add("class", "abandoned"));
        }
        return before;
    }

    private synchronized Completion respond(Runnable send) {
        if (!changeState(State.RUNNING, State.RESPONDED)) {
            return Completion.ABANDONED;
        }
        send.run();
        return Completion.RESPONDED;
    }

    private synchronized boolean changeState(State from, State to) {
        boolean isFrom = state == from;
        state = isFrom ? to : state;
        return isFrom;
    }

    private Args withLog(Args args) {
        args.addIfPresent("outcome", outcome);
        warnings.forEach(warning -> args.add("warning", warning));
        return args;
    }

    private static Args failureArgs(Throwable failure) {
        Throwable reported = failure;
        if (failure instanceof SaasException && !isMessageLine(failure.getMessage())) {
            reported = new Violation("the message of the exception is not one line: "
                + Text.oneLine(String.valueOf(failure.getMessage())));
        }
        boolean hasPlainMessage =
            reported instanceof SaasException || reported instanceof Violation || reported instanceof HostException;
        boolean stop = failure instanceof SaasException && ((SaasException) failure).isStopSession()
            || failure instanceof ExpressionException && ((ExpressionException) failure).isLast();
        if (failure instanceof ExpressionException) {
            String message = ((ExpressionException) failure).messageWithCode();
            return new Args().add("message", message).add("stop", stop).add("class", "refused");
        }
        return new Args().add("message", hasPlainMessage ? reported.getMessage() : reported.toString()).add("stop", stop)
            .add("class", reported.getClass().getName());
    }

    private static boolean isMessageLine(String message) {
        return message != null && !message.isEmpty() && Text.isOneLine(message);
    }

    /** Processes the requests of one call. */
    interface Handler {
        Args handle(Request request) throws Exception;
    }
}
