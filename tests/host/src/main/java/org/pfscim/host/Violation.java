package org.pfscim.host;

/** Reports behaviour of a plugin that PingFederate does not accept. The call has failed, even if it changed the target. */
final class Violation extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Violation(String message) {
        super(message);
    }
}
