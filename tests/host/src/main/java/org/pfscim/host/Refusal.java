package org.pfscim.host;

/** Why an expression has no value: one line that names what is wrong with it, never a value that it was given. */
final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final boolean last;

    Refusal(String message) {
        this(message, false);
    }

    /** One after which nothing more is evaluated, where {@code last} is set. */
    Refusal(String message, boolean last) {
        super(message);
        this.last = last;
    }

    /** Whether nothing more will be evaluated. */
    boolean isLast() {
        return last;
    }

    /** The message behind a code, as failures of operations are told. */
    String coded() {
        return (last ? "config: " : "rejected: ") + getMessage();
    }
}
