package org.sourceid.saml20.adapter.gui.validation.impl;

import org.sourceid.saml20.adapter.conf.Field;
import org.sourceid.saml20.adapter.gui.validation.FieldValidator;
import org.sourceid.saml20.adapter.gui.validation.ValidationException;

/** Accepts whole numbers from {@code low} to {@code high}, both included. */
public class IntegerValidator implements FieldValidator {
    private static final long serialVersionUID = 1L;

    private final int low;
    private final int high;

    public IntegerValidator() {
        this(Integer.MIN_VALUE, Integer.MAX_VALUE);
    }

    public IntegerValidator(int low, int high) {
        this.low = low;
        this.high = high;
    }

    @Override
    public void validate(Field field) throws ValidationException {
        if (!isInRange(field.getValue())) {
            throw new ValidationException(field.getName() + " must be a whole number from " + low + " to " + high);
        }
    }

    private boolean isInRange(String value) {
        try {
            int number = Integer.parseInt(value);
            return low <= number && number <= high;
        } catch (NumberFormatException notANumber) {
            return false;
        }
    }
}
