package org.sourceid.saml20.adapter.gui;

/** A row with a box to tick; its value is {@code true} or {@code false}. */
public class CheckBoxFieldDescriptor extends FieldDescriptor {
    private static final long serialVersionUID = 1L;

    public CheckBoxFieldDescriptor(String name, String description) {
        super(name, description);
    }

    public void setDefaultValue(boolean ticked) {
        setDefaultValue(Boolean.toString(ticked));
    }
}
