package org.pfscim.host;

/** Reports why an expression has no value. The message is one line without values of the user. */
final class ExpressionException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean last;

    ExpressionException(String message) {
        this(message, false);
    }

    /** Creates an exception. If {@code last} is set, the host evaluates no more expressions. */
    ExpressionException(String message, boolean last) {
        super(message);
        this.last = last;
    }

    /** Returns whether the host evaluates no more expressions. */
    boolean isLast() {
        return last;
    }

    /** Returns {@code code: message}, the form of failures of operations. */
    String messageWithCode() {
        return (last ? "config: " : "rejected: ") + getMessage();
    }
}
