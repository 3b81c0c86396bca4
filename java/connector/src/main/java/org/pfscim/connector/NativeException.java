package org.pfscim.connector;

/** The native library could not answer a call: a malformed frame, an unknown session, or a panic. Thrown from Rust. */
final class NativeException extends RuntimeException {

    private static final long serialVersionUID = 1L;

    NativeException(String message) {
        super(message);
    }
}
