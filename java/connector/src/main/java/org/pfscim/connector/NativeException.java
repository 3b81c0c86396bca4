package org.pfscim.connector;

/** Reports a call that the native library cannot process: malformed frame, unknown session or panic. Rust throws it. */
final class NativeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    NativeException(String message) {
        super(message);
    }
}
