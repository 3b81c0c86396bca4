package com.pingidentity.provisioner.saas;

/** Reports a value that the engine does not send because it violates the rules of its field. */
public class SaasValidationException extends SaasException {
    private static final long serialVersionUID = 1L;

    public SaasValidationException() {
    }

    public SaasValidationException(String message) {
        super(message);
    }

    public SaasValidationException(Throwable cause) {
        super(cause);
    }

    public SaasValidationException(String message, Throwable cause) {
        super(message, cause);
    }
}
