package org.pfscim.host;

/** Reports a fault of the host or its input, in one line for the person who started it. */
final class HostException extends Exception {
    private static final long serialVersionUID = 1L;

    HostException(String message) {
        super(message);
    }
}
