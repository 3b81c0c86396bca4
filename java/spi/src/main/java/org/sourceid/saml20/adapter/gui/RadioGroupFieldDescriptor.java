package org.sourceid.saml20.adapter.gui;

import java.util.List;

/** A row with radio buttons. */
public class RadioGroupFieldDescriptor extends AbstractSelectionFieldDescriptor {
    private static final long serialVersionUID = 1L;

    public RadioGroupFieldDescriptor(String name, String description, String[] values) {
        super(name, description, values);
    }

    public RadioGroupFieldDescriptor(String name, String description, List<OptionValue> options) {
        super(name, description, options);
    }
}
