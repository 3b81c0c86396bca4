package org.sourceid.saml20.adapter.gui.validation.impl;

import java.io.Serializable;
import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** Rejects an empty value. */
public class RequiredFieldValidator implements FieldValidator, Serializable {
    private static final long serialVersionUID = 1L;

    public RequiredFieldValidator() {
    }

    @Override
    public void validate(Field field) throws ValidationException {
        if (field.getValue() == null || field.getValue().trim().isEmpty()) {
            throw new ValidationException(field.getName() + " needs a value");
        }
    }
}
