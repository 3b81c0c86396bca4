package org.sourceid.saml20.adapter.gui.validation;

import java.util.Collections;
import java.util.List;

/** Reports why the console rejects a value. */
public class ValidationException extends Exception {
    private static final long serialVersionUID = 1L;

    private final List<String> errorMessages;

    public ValidationException(String message) {
        this(Collections.singletonList(message));
    }

    public ValidationException(List<String> messages) {
        errorMessages = messages;
    }

    public List<String> getErrorMessages() {
        return errorMessages;
    }

    @Override
    public String getMessage() {
        return String.join("; ", errorMessages);
    }
}
