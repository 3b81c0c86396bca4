package org.pfscim.host;

/** The plugin did what PingFederate would not put up with; the call counts as failed, whatever it did at the target. */
final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Violation(String message) {
        super(message);
    }
}
