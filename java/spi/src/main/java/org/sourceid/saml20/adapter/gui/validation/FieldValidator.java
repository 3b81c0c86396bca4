package org.sourceid.saml20.adapter.gui.validation;

import java.io.Serializable;
import org.sourceid.saml20.adapter.conf.Field;

/** A check that the console makes before it saves a value. */
public interface FieldValidator extends Serializable {
    void validate(Field field) throws ValidationException;
}
