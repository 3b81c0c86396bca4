package org.pfscim.host;

import com.pingidentity.provisioner.saas.SaasException;
import java.util.ArrayList;
import java.util.List;

/** One request from its line to its answer, which is given once: by the call itself or by whoever gives it up. */
final class Call {
    private static final ThreadLocal<Call> CURRENT = new ThreadLocal<>();

    private static final String OUTCOME = "outcome=";

    /** How far a call has come. */
    enum State {
        WAITING, RUNNING, ANSWERED
    }

    /** How the work on a call ended. */
    enum End {
        ANSWERED, GIVEN_UP, NEVER_BEGUN
    }

    private final long seq;
    private final String name;
    private final Args args;
    private final List<String> warnings = new ArrayList<>();
    private State state = State.WAITING;
    private String outcome;
    private String badLog;

    Call(long seq, String name, Args args) {
        this.seq = seq;
        this.name = name;
        this.args = args;
    }

    /** The call that this thread works on, or null. */
    static Call current() {
        return CURRENT.get();
    }

    long seq() {
        return seq;
    }

    String name() {
        return name;
    }

    Args args() {
        return args;
    }

    /** Takes note of a line that the plugin logged on the thread of this call. */
    void logged(boolean info, boolean warn, String text) {
        if (!Text.isOneLine(text)) {
            badLog = "a logged text is not one line: " + Text.oneLine(text);
        } else if (info && text.startsWith(OUTCOME)) {
            if (outcome != null) {
                badLog = "one operation logged two outcomes: " + outcome + " and " + text;
            }
            outcome = text;
        } else if (warn) {
            warnings.add(text);
        }
    }

    /** Runs the work on this thread and answers, unless the call has been given up before or by then. */
    End run(Work work, Output output) {
        if (!moveFrom(State.WAITING, State.RUNNING)) {
            return End.NEVER_BEGUN;
        }
        CURRENT.set(this);
        try {
            Args result = work.run(this);
            if (badLog != null) {
                throw new Violation(badLog);
            }
            return answer(() -> output.ok(seq, withLog(result)));
        } catch (Throwable failure) {
            // Errors too: what a plugin throws, its native library included, must not end the host.
            return answer(() -> output.failed(seq, withLog(failure(failure))));
        } finally {
            CURRENT.remove();
        }
    }

    /**
     * Gives the call up and answers for it, unless it was answered before. The plugin is not told: it goes on.
     *
     * @return how far the call had come
     */
    synchronized State abandon(Output output) {
        State before = state;
        if (before != State.ANSWERED) {
            state = State.ANSWERED;
            output.failed(seq, new Args().add("message", "abandoned").add("stop", false).add("class", "abandoned"));
        }
        return before;
    }

    private synchronized End answer(Runnable send) {
        if (!moveFrom(State.RUNNING, State.ANSWERED)) {
            return End.GIVEN_UP;
        }
        send.run();
        return End.ANSWERED;
    }

    private synchronized boolean moveFrom(State from, State to) {
        boolean moves = state == from;
        state = moves ? to : state;
        return moves;
    }

    private Args withLog(Args args) {
        args.addIfPresent("outcome", outcome);
        warnings.forEach(warning -> args.add("warning", warning));
        return args;
    }

    private static Args failure(Throwable failure) {
        Throwable told = failure;
        if (failure instanceof SaasException && !isTold(failure.getMessage())) {
            told = new Violation("the message of the exception is not one line: "
                + Text.oneLine(String.valueOf(failure.getMessage())));
        }
        boolean meant = told instanceof SaasException || told instanceof Violation || told instanceof CannotStart;
        boolean stop = failure instanceof SaasException && ((SaasException) failure).isStopSession()
            || failure instanceof Refusal && ((Refusal) failure).isLast();
        if (failure instanceof Refusal) {
            return new Args().add("message", ((Refusal) failure).coded()).add("stop", stop).add("class", "refused");
        }
        return new Args().add("message", meant ? told.getMessage() : told.toString()).add("stop", stop)
            .add("class", told.getClass().getName());
    }

    private static boolean isTold(String message) {
        return message != null && !message.isEmpty() && Text.isOneLine(message);
    }

    /** What a call does. */
    interface Work {
        Args run(Call call) throws Exception;
    }
}
