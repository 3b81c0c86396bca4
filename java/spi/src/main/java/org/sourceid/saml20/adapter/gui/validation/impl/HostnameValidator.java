package org.sourceid.saml20.adapter.gui.validation.impl;

import java.util.regex.Pattern;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** Accepts host names: labels of letters, digits and inner hyphens, with dots between them. */
public class HostnameValidator implements FieldValidator {
    private static final long serialVersionUID = 1L;

    private static final String LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private static final Pattern HOST = Pattern.compile(LABEL + "(\\." + LABEL + ")*");

    public HostnameValidator() {
    }

    @Override
    public void validate(Field field) throws ValidationException {
        if (field.getValue() == null || !HOST.matcher(field.getValue()).matches()) {
            throw new ValidationException(field.getName() + " must be a host name");
        }
    }
}
