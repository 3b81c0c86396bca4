package org.sourceid.saml20.adapter.gui.validation.impl;

import java.net.MalformedURLException;
import java.net.URL;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** Accepts URLs with a scheme that Java knows. The schemes of the real class are not documented. */
public class URLValidator implements FieldValidator {
    private static final long serialVersionUID = 1L;

    public URLValidator() {
    }

    @Override
    public void validate(Field field) throws ValidationException {
        try {
            new URL(field.getValue());
        } catch (MalformedURLException notAUrl) {
            throw new ValidationException(field.getName() + " must be a URL");
        }
    }
}
