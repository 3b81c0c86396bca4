package org.sourceid.saml20.adapter.gui.validation;

import java.io.Serializable;
import org.sourceid.saml20.adapter.conf.Field;

/** Checks a value before the console saves it. */
public interface FieldValidator extends Serializable {
    void validate(Field field) throws ValidationException;
}
