package org.sourceid.saml20.adapter.gui.validation.impl;

import java.net.URI;
import java.net.URISyntaxException;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** Accepts http and https URLs with a host. The documentation does not say whether the real class accepts https. */
public class HttpURLValidator implements FieldValidator {
    private static final long serialVersionUID = 1L;

    public HttpURLValidator() {
    }

    @Override
    public void validate(Field field) throws ValidationException {
        if (!isHttp(field.getValue())) {
            throw new ValidationException(field.getName() + " must be an http or https URL");
        }
    }

    private static boolean isHttp(String value) {
        if (value == null) {
            return false;
        }
        try {
            URI uri = new URI(value);
            boolean http = "http".equalsIgnoreCase(uri.getScheme()) || "https".equalsIgnoreCase(uri.getScheme());
            return http && uri.getHost() != null;
        } catch (URISyntaxException notAUri) {
            return false;
        }
    }
}
