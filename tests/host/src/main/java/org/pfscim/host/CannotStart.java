package org.pfscim.host;

/** Why the host cannot do its work, in one line for the person who started it. */
final class CannotStart extends Exception {
    private static final long serialVersionUID = 1L;

    CannotStart(String message) {
        super(message);
    }
}
